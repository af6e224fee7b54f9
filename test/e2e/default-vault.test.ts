// Goal: the first thing a person does works on a fresh machine, and keeps its secrets to itself.
// Method: `backup --init` with an empty home; the files it leaves, its output, and the recovery key as the only way in.
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { Cli, type CliRun, type Scope } from '../support/cli.ts'

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

function makeHome(t: Scope): Cli {
  const cli = new Cli(t)
  cli.write('documents/letter.txt', 'Dear Ana,\n')
  cli.write('documents/deeper/photo.raw', Buffer.alloc(300_000, 'pixels'))
  return cli
}

/** Two tokens of a recovery key or secret in an output would be enough to worry. */
function assertSilent(run: CliRun, ...secrets: string[]): void {
  for (const secret of secrets) {
    for (let at = 0; at + 12 <= secret.length; at++) {
      assert.ok(!(run.stdout + run.stderr).includes(secret.slice(at, at + 12)), 'a part of a secret is printed')
    }
  }
}

for (const format of ['text', 'json'] as const) {
  test(`backup --init on a fresh machine, output ${format}`, async (t) => {
    const cli = makeHome(t)
    const documents = cli.path('documents')
    const json = format === 'json' ? ['--json'] : []
    const run = await cli.expect(0, ['backup', '--init', ...json, documents])

    const secretFile = join(cli.dataDirectory, 'default.secret')
    const recoveryFile = join(cli.dataDirectory, 'default.recovery-key')
    assert.deepEqual([modeOf(secretFile), modeOf(recoveryFile), modeOf(cli.dataDirectory)], ['600', '600', '700'])
    const [secret, recovery] = [readFileSync(secretFile, 'utf8').trim(), readFileSync(recoveryFile, 'utf8').trim()]
    assert.ok(secret.length > 40 && recovery.length > 40 && secret !== recovery)
    assertSilent(run, secret, recovery)
    assert.ok((run.stderr + run.stdout).includes(recoveryFile), 'says where the recovery key is')

    const again = await cli.expect(0, ['backup', '--init', ...json, documents])
    assertSilent(again, secret, recovery)
    assert.equal(readFileSync(secretFile, 'utf8').trim(), secret, 'the second --init makes nothing new')
    assert.equal((await cli.snapshots()).length, 2)
  })
}

test('the recovery key opens the vault when the secret is lost', async (t) => {
  const cli = makeHome(t)
  await cli.backup(['--init', cli.path('documents')])
  const repo = join(cli.dataDirectory, 'default')
  const recovery = join(cli.dataDirectory, 'default.recovery-key')
  renameSync(join(cli.dataDirectory, 'default.secret'), cli.path('lost'))
  const wrong = cli.write('wrong', 'not the key\n')
  chmodSync(wrong, 0o600)
  assert.equal((await cli.fails(12, ['snapshots', '-r', repo, '--password-file', wrong])).code, 'password-wrong')
  await cli.restore([`latest:${cli.path('documents')}`, '-t', cli.path('back'), '--password-file', recovery])
  assert.deepEqual(compareTrees(cli.path('documents'), cli.path('back')), [])
})

test('no vault yet: says so before it asks for a password', async (t) => {
  const cli = makeHome(t)
  for (const args of [['backup', cli.path('documents')], ['snapshots'], ['check'], ['restore', 'latest', '-t', 'x']]) {
    const failure = await cli.fails(10, args)
    assert.equal(failure.code, 'vault-missing')
    assert.match(failure.hint ?? '', /backup --init/)
  }
})

test('a password file that others can read is warned about, one of its owner is not', async (t) => {
  const cli = makeHome(t)
  await cli.init()
  const open = cli.write('open-to-all', readFileSync(cli.path('secret')))
  cli.guard(open)
  chmodSync(open, 0o644)
  const warned = await cli.expect(0, ['snapshots', '--password-file', open])
  assert.match(warned.stderr, /^warning: .*open-to-all: others can access this file \(mode 0644\)/)
  assert.equal((await cli.expect(0, ['snapshots'])).stderr, '')
})

test('a passphrase works from each of its sources, and its vault refuses another', async (t) => {
  const cli = makeHome(t)
  const repo = cli.path('by-passphrase')
  const passphrase = 'correct horse battery staple'
  const env = { S3VAULT_REPO: repo }
  const asked = await cli.fails(12, ['init'], { env })
  assert.equal(asked.code, 'password-missing')
  await cli.expect(0, ['init', '--recovery-key-file', cli.path('recovery')], { env: { ...env, S3VAULT_PASSWORD: passphrase } })
  const sources = [
    { S3VAULT_PASSWORD: passphrase },
    { S3VAULT_PASSWORD_COMMAND: `printf '%s\\n' '${passphrase}'` },
    { S3VAULT_PASSWORD_FILE: cli.write('passphrase', `${passphrase}\n`) },
  ]
  for (const source of sources) await cli.expect(0, ['stats'], { env: { ...env, ...source } })
  const refused = await cli.fails(12, ['stats'], { env: { ...env, S3VAULT_PASSWORD: `${passphrase}r` } })
  assert.equal(refused.code, 'password-wrong')
})
