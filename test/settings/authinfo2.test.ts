// Goal: S3QL's file of credentials means for a vault what it means for S3QL, and is refused where S3QL refuses it.
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readAuthinfo2, type BucketPlace } from '../../src/settings/authinfo2.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { TemporaryHome } from '../commands/program-process.ts'

/** The example of S3QL's manual, in its words for regions and servers. */
const MANUAL = `
[s3]
storage-url: s3://
backend-login: joe
backend-password: notquitesecret

[fs1]
storage-url: s3://eu-west-1/joes-first-bucket
fs-passphrase: neitheristhis

[fs3]
storage-url: s3://eu-west-1/joes-second-bucket/with-prefix
backend-login: bill
backend-password: bi23ll
fs-passphrase: ll23bi
`

function reader(home: TemporaryHome, text: string): (place: Partial<BucketPlace> & { bucket: string }) => unknown[] {
  const path = join(home.path, 'authinfo2')
  writeFileSync(path, text, { mode: 0o600 })
  return (place) => {
    const { keys, endpoint, region } = readAuthinfo2(path, { prefix: '', ...place })
    return [keys.accessKeyId, keys.secretAccessKey, ...(endpoint ?? region ? [endpoint ?? region] : [])]
  }
}

test('sections count by the beginning of the URL, later ones above earlier ones; the region comes from the URL', () => {
  using home = new TemporaryHome()
  const read = reader(home, MANUAL)
  assert.deepEqual(read({ bucket: 'joes-first-bucket' }), ['joe', 'notquitesecret', 'eu-west-1'])
  assert.deepEqual(read({ bucket: 'joes-second-bucket', prefix: 'with-prefix' }), ['bill', 'bi23ll', 'eu-west-1'])
  assert.deepEqual(read({ bucket: 'other', region: 'us-east-1' }), ['joe', 'notquitesecret'])
})

test('servers of S3 compatible storage, with and without their port, plain and encrypted', () => {
  using home = new TemporaryHome()
  const read = reader(home, [
    '[one]', 'storage-url: s3c://one.example.org:443/bucket/s3ql', 'backend-login: A', 'backend-password: a=b:c',
    '[two]', 'storage-url = s3c4://two.example.org:7480/', 'backend-login = B', 'backend-password = b', 'backend-options = tcp-timeout=20,no-ssl',
  ].join('\n'))
  assert.deepEqual(read({ bucket: 'bucket', prefix: 's3ql/vault', endpoint: 'https://one.example.org' }), ['A', 'a=b:c'])
  assert.deepEqual(read({ bucket: 'any', endpoint: 'http://two.example.org:7480' }), ['B', 'b'])
  assert.deepEqual(read({ bucket: 'any' }), ['B', 'b', 'http://two.example.org:7480'])
  assert.throws(() => read({ bucket: 'bucket', prefix: 's3ql' }), /several servers fit/)
  assert.throws(() => read({ bucket: 'bucket', endpoint: 'https://one.example.org' }), (error) => isVaultError(error, 'storage-denied'))
})

test('what is no S3 is named as not supported; no message has a secret in it', () => {
  using home = new TemporaryHome()
  const read = reader(home, '[gs]\nstorage-url: gs://bucket\nbackend-login: me\nbackend-password: SECRET\n')
  assert.throws(() => read({ bucket: 'bucket' }), (error: Error) => /gs:\/\/ are not supported/.test(error.message) && !error.message.includes('SECRET'))
  const broken = reader(home, '[a]\nSECRET\n')
  assert.throws(() => broken({ bucket: 'bucket' }), (error: Error) => /authinfo2:2: /.test(error.message) && !error.message.includes('SECRET'))
})

test('a file that the group or others can read is refused', () => {
  using home = new TemporaryHome()
  const read = reader(home, MANUAL)
  for (const mode of [0o640, 0o604]) {
    chmodSync(join(home.path, 'authinfo2'), mode)
    assert.throws(() => read({ bucket: 'joes-first-bucket' }), (error) => isVaultError(error, 'usage') && /chmod 600/.test(error.hint ?? ''))
  }
})
