// Goal: limits say what a person means, and what is none is refused in one line.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRate, transferLimits } from '../../commands/shared/transfer-limits.ts'
import { runMain, TemporaryHome } from './program-process.ts'

test('rates', () => {
  const rates: Record<string, number> = {
    '1024': 1024, '1K': 1024, '800K': 800 * 1024, '800k': 800 * 1024, '5M': 5 * 1024 ** 2, '1.5M': 1.5 * 1024 ** 2, '2G': 2 * 1024 ** 3,
    '5MB': 5 * 1024 ** 2, '5MiB/s': 5 * 1024 ** 2, ' 5M ': 5 * 1024 ** 2,
  }
  for (const [text, bytes] of Object.entries(rates)) assert.equal(parseRate('limit-upload', text), bytes, text)
  for (const text of ['', '0', '1023', '5T', '-5M', '5 M', 'fast', '5%', '1e6', 'Infinity', '9'.repeat(20), '999999999999G']) {
    assert.throws(() => parseRate('limit-upload', text), { code: 'usage', message: /^--limit-upload: .{2,60}$/ }, text)
  }
})

test('what is not given is not limited', () => {
  assert.deepEqual(transferLimits({}), {})
  assert.deepEqual(transferLimits({ 'limit-upload': '1M', 'limit-download': '2M', 'connections': 3 }), {
    upBytesPerSecond: 2 ** 20, downBytesPerSecond: 2 ** 21, connectionsMax: 3,
  })
})

test('on the command line and in the environment, refused in one line', async () => {
  using home = new TemporaryHome()
  const env = home.environment()
  const wrong = [['--limit-upload', 'fast'], ['--limit-download', '10'], ['--connections', '0'], ['--connections', '257'], ['--connections', 'x']]
  for (const args of wrong) {
    const { code, stderr, stdout } = await runMain(['snapshots', ...args], env)
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`)
    assert.match(stderr, /^[^\n]+\n( {2}hint: [^\n]+\n)?$/)
    assert.equal(stdout, '')
  }
  for (const [name, value] of [['S3VAULT_LIMIT_UPLOAD', 'fast'], ['S3VAULT_LIMIT_DOWNLOAD', '1'], ['S3VAULT_CONNECTIONS', '0']] as const) {
    const { code, stderr } = await runMain(['snapshots'], { ...env, [name]: value })
    assert.equal(code, 2, `${name}: ${stderr}`)
  }
})
