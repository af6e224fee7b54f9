// Goal: the password comes from the first of the documented sources that is there, and problems name the source.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { findPassword, type PasswordSources } from '../../commands/shared/password.ts'
import { isVaultError, VaultError } from '../../src/errors/vault-error.ts'
import { TemporaryHome } from './program-process.ts'

const nobody = { openTerminal: () => undefined }
const isMissing = (error: unknown): boolean => isVaultError(error, 'password-missing')

function secretFile(home: TemporaryHome, name: string, mode = 0o600): string {
  const path = join(home.path, name)
  writeFileSync(path, `from ${name}\n`, { mode })
  return path
}

test('the order of sources', async () => {
  using home = new TemporaryHome()
  const warnings: string[] = []
  const env: NodeJS.ProcessEnv = {
    S3VAULT_PASSWORD: 'from variable', S3VAULT_PASSWORD_FILE: secretFile(home, 'file'), S3VAULT_PASSWORD_COMMAND: 'echo from command',
  }
  const sources = (fields: Partial<PasswordSources>): PasswordSources =>
    ({ env, warn: (item) => warnings.push(item), ...nobody, ...fields })
  const own = { passwordFile: secretFile(home, 'flag'), secretFile: secretFile(home, 'default.secret') }
  assert.deepEqual(await findPassword(sources(own), 'open'), { password: 'from flag', origin: 'file' })
  assert.equal((await findPassword(sources({ secretFile: own.secretFile }), 'open')).password, 'from default.secret')
  assert.equal((await findPassword(sources({ secretFile: join(home.path, 'none') }), 'open')).password, 'from variable')
  assert.equal(env['S3VAULT_PASSWORD'], undefined, 'not passed on to other programs')
  assert.equal((await findPassword(sources({}), 'open')).password, 'from file')
  delete env['S3VAULT_PASSWORD_FILE']
  assert.deepEqual(await findPassword(sources({}), 'create'), { password: 'from command', origin: 'command' })
  delete env['S3VAULT_PASSWORD_COMMAND']
  await assert.rejects(findPassword(sources({}), 'open'), isMissing)
  assert.deepEqual(warnings, [])
})

test('a password file that others can read is warned about, without its content', async () => {
  using home = new TemporaryHome()
  const warnings: string[] = []
  const passwordFile = secretFile(home, 'open', 0o644)
  await findPassword({ passwordFile, env: {}, warn: (item, message) => warnings.push(`${item}: ${message}`), ...nobody }, 'open')
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /open: others can access this file \(mode 0644\)/)
  assert.doesNotMatch(warnings[0] ?? '', /from open/)
})

test('a password command may fail, print nothing or be stopped', async () => {
  const run = (command: string, signal?: AbortSignal): Promise<unknown> =>
    findPassword({ env: { S3VAULT_PASSWORD_COMMAND: command }, warn: () => undefined, ...nobody, ...(signal ? { signal } : {}) }, 'open')
  await assert.rejects(run('exit 7'), (error) => isMissing(error) && /exit code 7/.test(String(error)))
  await assert.rejects(run('true'), isMissing)
  await assert.rejects(run('kill -9 $$'), /SIGKILL/)
  const stop = new AbortController()
  setTimeout(() => stop.abort(new VaultError('interrupted', 'stopped')), 50)
  await assert.rejects(run('exec sleep 30', stop.signal), (error) => isVaultError(error, 'interrupted'))
})
