// Goal: without any setting the vault is the one in the XDG data directory, and settings change exactly what they name.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { chooseVault, requireVault, warnOfOpenCredentials } from '../../commands/shared/vault-choice.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { TemporaryHome } from './program-process.ts'

test('the default vault and its secret', () => {
  assert.deepEqual(chooseVault({}, { HOME: '/home/ana' }), {
    place: { repo: '/home/ana/.local/share/s3vault/default', cacheDirectory: '/home/ana/.cache/s3vault' },
    stateDirectory: '/home/ana/.local/share/s3vault',
    secretFile: '/home/ana/.local/share/s3vault/default.secret',
    usesAwsFiles: false,
  })
  const { place } = chooseVault({}, { HOME: '/home/ana', XDG_DATA_HOME: '/data', XDG_CACHE_HOME: 'relative' })
  assert.deepEqual(place, { repo: '/data/s3vault/default', cacheDirectory: '/home/ana/.cache/s3vault' })
})

test('a named vault has no secret file', () => {
  const flags = { 'repo': 's3://bucket/x', 's3-endpoint': 'http://localhost:9000', 's3-region': 'eu', 'cache-dir': '/c' }
  assert.deepEqual(chooseVault(flags, { HOME: '/h' }), {
    place: { repo: 's3://bucket/x', s3Endpoint: 'http://localhost:9000', s3Region: 'eu', cacheDirectory: '/c' },
    stateDirectory: '/h/.local/share/s3vault',
    usesAwsFiles: true,
  })
})

test('a default vault that was never made is missing before any password is asked for', () => {
  using home = new TemporaryHome()
  const choice = chooseVault({}, home.environment())
  assert.throws(() => requireVault(choice), (error) => isVaultError(error, 'vault-missing') && error.hint !== undefined)
  mkdirSync(choice.place.repo, { recursive: true })
  requireVault(choice)
})

test('credentials that others can read are warned about when a bucket is used', () => {
  using home = new TemporaryHome()
  const path = join(home.path, 'credentials')
  writeFileSync(path, '[default]', { mode: 0o644 })
  const warned = (repo: string, env: NodeJS.ProcessEnv): string[] => {
    const items: string[] = []
    warnOfOpenCredentials(chooseVault({ repo }, env), env, (item) => items.push(item))
    return items
  }
  const env = home.environment({ AWS_SHARED_CREDENTIALS_FILE: path })
  assert.deepEqual(warned('s3://bucket', env), [path])
  assert.deepEqual(warned('/directory', env), [])
  mkdirSync(join(home.path, '.aws'))
  writeFileSync(join(home.path, '.aws', 'credentials'), '[default]', { mode: 0o640 })
  assert.deepEqual(warned('s3://bucket', home.environment()), [join(home.path, '.aws', 'credentials')])
})
