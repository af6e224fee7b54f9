// The contract of a backend and what it asks of a real server, for one bucket of one server.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { openBackend } from '../../src/backend/open.ts'
import type { S3BackendOptions } from '../../src/backend/s3.ts'
import { openS3Backend } from '../../src/backend/s3.ts'
import { objectName } from '../../src/ids/ids.ts'
import { contractTests } from './contract.ts'

export interface ForeignSubject {
  readonly title: string
  /** Exists; each part of the suite works below a prefix of its own. */
  readonly bucket: string
  readonly s3: Required<Pick<S3BackendOptions, 'endpoint' | 'credentials'>> & Pick<S3BackendOptions, 'region'> & { readonly conditionalPut?: boolean }
  /** False where a race of writers for one name may have several winners. Default: as `conditionalPut`. */
  readonly isCreationAtomic?: boolean
  /** As of a ContractSubject. */
  readonly manyObjects?: number
}

export function foreignContract({ title, bucket, s3, isCreationAtomic = s3.conditionalPut ?? true, manyObjects = 1100 }: ForeignSubject): void {
  contractTests({
    title,
    open: () => openBackend({ kind: 's3', bucket, prefix: `test-${randomUUID()}` }, { s3 }),
    isCreationAtomic,
    manyObjects,
  })

  describe(`fences: ${title}`, () => {
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
      const credentials = { accessKeyId: s3.credentials.accessKeyId, secretAccessKey: 'wrong' }
      const backend = await openS3Backend({ ...s3, bucket, credentials })
      await assert.rejects(backend.get(objectName('x')), { code: 'storage-denied' })
      const absent = await openS3Backend({ ...s3, bucket: `no-such-${randomUUID()}` })
      await assert.rejects(absent.get(objectName('x')), { code: 'vault-missing' })
    })
  })
}
