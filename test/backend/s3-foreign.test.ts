// The contract against a real server, when one is given by environment: S3VAULT_TEST_S3_ENDPOINT, S3VAULT_TEST_S3_BUCKET
// (existing, empty), AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY; S3VAULT_TEST_S3_CONDITIONAL=no when it ignores conditions.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { openBackend } from '../../src/backend/open.ts'
import { openS3Backend } from '../../src/backend/s3.ts'
import { objectName } from '../../src/ids/ids.ts'
import { contractTests } from './contract.ts'

const endpoint = process.env['S3VAULT_TEST_S3_ENDPOINT']
const bucket = process.env['S3VAULT_TEST_S3_BUCKET'] ?? ''
const conditionalPut = process.env['S3VAULT_TEST_S3_CONDITIONAL'] !== 'no'

if (endpoint === undefined) {
  test('s3: a real server', { skip: 'S3VAULT_TEST_S3_ENDPOINT is not set' }, () => {})
} else {
  const s3 = { endpoint, conditionalPut }
  contractTests({
    title: 's3: a real server',
    open: () => openBackend({ kind: 's3', bucket, prefix: `test-${randomUUID()}` }, { s3 }),
    isCreationAtomic: conditionalPut,
  })

  describe('s3: fences of a real server', () => {
    test('a request that comes after its signature expired is refused as fence-expired', async () => {
      const backend = await openS3Backend({ ...s3, bucket, prefix: `test-${randomUUID()}` })
      await backend.serverTimeMs()
      const name = objectName('late')
      const timeUp = (): void => {
        const untilMs = Date.now() + 3500
        while (Date.now() < untilMs); // held up between the check and the wire
      }
      const late = backend.put(name, new Uint8Array(3), { fence: { expiresAfterMs: 1000, check: timeUp } })
      await assert.rejects(late, { code: 'fence-expired' })
      await assert.rejects(backend.stat(name), { code: 'object-missing' })
      await backend.put(name, new Uint8Array(3), { fence: { expiresAfterMs: 10_000, check: () => {} } })
    })

    test('bytes that do not fit their checksum are refused', async () => {
      const backend = await openS3Backend({ ...s3, bucket, prefix: `test-${randomUUID()}` })
      const bytes = new Uint8Array(100_000)
      // The digest is taken before the fence is asked, the body sent after.
      const fence = { expiresAfterMs: 10_000, check: (): void => void (bytes[50_000] = 1) }
      await assert.rejects(backend.put(objectName('damaged'), bytes, { fence }), { code: 'storage-unreachable' })
      await assert.rejects(backend.stat(objectName('damaged')), { code: 'object-missing' })
    })

    test('wrong keys are denied', async () => {
      const credentials = { accessKeyId: process.env['AWS_ACCESS_KEY_ID'] ?? '', secretAccessKey: 'wrong' }
      const backend = await openS3Backend({ ...s3, bucket, credentials })
      await assert.rejects(backend.get(objectName('x')), { code: 'storage-denied' })
      const absent = await openS3Backend({ ...s3, bucket: `no-such-${randomUUID()}` })
      await assert.rejects(absent.get(objectName('x')), { code: 'vault-missing' })
    })
  })
}
