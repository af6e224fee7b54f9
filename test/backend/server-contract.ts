// What tests and product rely on in any S3 server, asked through Amazon's SDK: of the server of our own, so that it is held
// to the truth, and in the slow suite of real ones. Where they differ: test/slow/server-differences.ts.
import assert from 'node:assert/strict'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { before, describe, test } from 'node:test'
import * as s3 from '@aws-sdk/client-s3'

const DAY_MS = 24 * 3600_000

const status = (expected: number) => (error: { $metadata?: { httpStatusCode?: number } }) => error.$metadata?.httpStatusCode === expected

/** What every S3 server does, through Amazon's SDK. Buckets are made by the suite. */
export function serverContract(title: string, client: s3.S3Client): void {
  describe(`s3 server (${title}): plain bucket`, () => {
    const Bucket = `plain-${randomUUID()}`
    before(async () => void (await client.send(new s3.CreateBucketCommand({ Bucket }))))

    test('what was put is got, with its metadata and class', async () => {
      const Body = randomBytes(1000)
      await client.send(new s3.PutObjectCommand({ Bucket, Key: 'a b/ü+%', Body, ContentType: 'text/x', Metadata: { tag: 'v' } }))
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key: 'a b/ü+%' }))
      assert.ok(Buffer.compare(Buffer.from((await got.Body?.transformToByteArray()) ?? []), Body) === 0)
      assert.equal(got.ContentType, 'text/x')
      assert.deepEqual(got.Metadata, { tag: 'v' })
      assert.equal(got.ETag, `"${createHash('md5').update(Body).digest('hex')}"`)
    })

    test('a streamed body in chunks with a checksum in the trailer', async () => {
      const Body = Readable.from([randomBytes(70_000), randomBytes(5)])
      await client.send(new s3.PutObjectCommand({ Bucket, Key: 'stream', Body, ContentLength: 70_005, ChecksumAlgorithm: 'SHA256' }))
      assert.equal((await client.send(new s3.HeadObjectCommand({ Bucket, Key: 'stream' }))).ContentLength, 70_005)
    })

    test('HEAD shows the SHA-256 that the PUT carried; a wrong one is refused', async () => {
      const ChecksumSHA256 = createHash('sha256').update('x').digest('base64')
      // Ceph 20 verifies and keeps the checksum only when the algorithm is named as well.
      await client.send(new s3.PutObjectCommand({ Bucket, Key: 'sum', Body: 'x', ChecksumSHA256, ChecksumAlgorithm: 'SHA256' }))
      assert.equal((await client.send(new s3.HeadObjectCommand({ Bucket, Key: 'sum', ChecksumMode: 'ENABLED' }))).ChecksumSHA256, ChecksumSHA256)
      const wrong = new s3.PutObjectCommand({ Bucket, Key: 'sum2', Body: 'y', ChecksumSHA256, ChecksumAlgorithm: 'SHA256' })
      await assert.rejects(client.send(wrong), status(400))
    })

    test('ranges', async () => {
      await client.send(new s3.PutObjectCommand({ Bucket, Key: 'digits', Body: '0123456789' }))
      const range = async (Range: string): Promise<string | undefined> =>
        (await client.send(new s3.GetObjectCommand({ Bucket, Key: 'digits', Range }))).Body?.transformToString()
      assert.deepEqual([await range('bytes=2-4'), await range('bytes=-3'), await range('bytes=8-99'), await range('bytes=7-')], ['234', '789', '89', '789'])
      await assert.rejects(range('bytes=10-12'), status(416))
    })

    test('conditional writes', async () => {
      const put = (more: object): Promise<s3.PutObjectCommandOutput> =>
        client.send(new s3.PutObjectCommand({ Bucket, Key: 'once', Body: '1', ...more }))
      const { ETag } = await put({ IfNoneMatch: '*' })
      await assert.rejects(put({ IfNoneMatch: '*' }), status(412))
      await assert.rejects(put({ IfMatch: '"0123456789abcdef0123456789abcdef"' }), status(412))
      await put({ IfMatch: ETag })
    })

    test('listing: pages, delimiter, start after, odd names encoded', async () => {
      for (const Key of ['l/a', 'l/b/1', 'l/b/2', 'l/c d', 'l/e/1']) await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: '' }))
      const seen: string[] = []
      let ContinuationToken: string | undefined
      do {
        const page: s3.ListObjectsV2CommandOutput = await client.send(
          new s3.ListObjectsV2Command({ Bucket, Prefix: 'l/', Delimiter: '/', MaxKeys: 1, ContinuationToken }),
        )
        seen.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ''), ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix ?? ''))
        ContinuationToken = page.NextContinuationToken
      } while (ContinuationToken !== undefined)
      assert.deepEqual(seen, ['l/a', 'l/b/', 'l/c d', 'l/e/'])
      const rest = await client.send(new s3.ListObjectsV2Command({ Bucket, Prefix: 'l/', StartAfter: 'l/b/1', EncodingType: 'url' }))
      const keys = (rest.Contents ?? []).map(({ Key = '' }) => Key)
      assert.equal(keys[1]?.endsWith('c%20d'), true)
      assert.deepEqual(keys.map(decodeURIComponent), ['l/b/2', 'l/c d', 'l/e/1'])
    })

    test('many deleted at once; multipart: parts in order, minimum size, abort', async () => {
      await client.send(new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'l/a' }, { Key: 'never was' }] } }))
      await assert.rejects(client.send(new s3.HeadObjectCommand({ Bucket, Key: 'l/a' })), status(404))
      const Key = 'parts'
      const { UploadId } = await client.send(new s3.CreateMultipartUploadCommand({ Bucket, Key }))
      const bodies = [Buffer.alloc(5 * 1024 * 1024, 1), Buffer.from('end')]
      const Parts: s3.CompletedPart[] = []
      for (const [index, Body] of bodies.entries()) {
        const { ETag } = await client.send(new s3.UploadPartCommand({ Bucket, Key, UploadId, PartNumber: index + 1, Body }))
        Parts.push({ PartNumber: index + 1, ETag })
      }
      const complete = (of: s3.CompletedPart[]): Promise<unknown> =>
        client.send(new s3.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts: of } }))
      await assert.rejects(complete([{ PartNumber: 1, ETag: `"${'0'.repeat(32)}"` }]), status(400))
      await complete(Parts)
      assert.equal((await client.send(new s3.HeadObjectCommand({ Bucket, Key }))).ContentLength, 5 * 1024 * 1024 + 3)
      const second = await client.send(new s3.CreateMultipartUploadCommand({ Bucket, Key: 'never' }))
      await client.send(new s3.AbortMultipartUploadCommand({ Bucket, Key: 'never', UploadId: second.UploadId }))
      const orphan = new s3.UploadPartCommand({ Bucket, Key: 'never', UploadId: second.UploadId, PartNumber: 1, Body: 'x' })
      await assert.rejects(client.send(orphan), status(404))
    })
  })

  describe(`s3 server (${title}): versions and locks`, () => {
    const Bucket = `locked-${randomUUID()}`
    const Key = 'k'
    const put = async (Body: string, more: Partial<s3.PutObjectCommandInput> = {}): Promise<string | undefined> =>
      (await client.send(new s3.PutObjectCommand({ Bucket, Key, Body, ...more }))).VersionId
    const text = async (VersionId?: string): Promise<string | undefined> =>
      (await client.send(new s3.GetObjectCommand({ Bucket, Key, VersionId }))).Body?.transformToString()
    before(async () => void (await client.send(new s3.CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))))

    test('a bucket with locks is versioned; overwriting and deleting leave the old versions', async () => {
      assert.equal((await client.send(new s3.GetBucketVersioningCommand({ Bucket }))).Status, 'Enabled')
      const first = await put('1')
      const second = await put('2')
      assert.notEqual(first, second)
      const { VersionId: marker, DeleteMarker } = await client.send(new s3.DeleteObjectCommand({ Bucket, Key }))
      assert.equal(DeleteMarker, true)
      await assert.rejects(text(), status(404))
      assert.deepEqual([await text(first), await text(second)], ['1', '2'])
      const { Versions, DeleteMarkers } = await client.send(new s3.ListObjectVersionsCommand({ Bucket, Prefix: Key }))
      assert.deepEqual(Versions?.map(({ VersionId, IsLatest }) => [VersionId, IsLatest]), [[second, false], [first, false]])
      assert.deepEqual(DeleteMarkers?.map(({ VersionId }) => VersionId), [marker])
      await client.send(new s3.DeleteObjectCommand({ Bucket, Key, VersionId: marker }))
      assert.equal(await text(), '2')
    })

    test('compliance: never deleted, never shortened, only extended', async () => {
      const untilMs = Date.now() + DAY_MS
      const lock = { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: new Date(untilMs) } as const
      const VersionId = await put('c', { ...lock, ChecksumAlgorithm: 'SHA256' })
      const retain = (Mode: 'COMPLIANCE' | 'GOVERNANCE', ms: number): Promise<unknown> =>
        client.send(
          new s3.PutObjectRetentionCommand({
            Bucket,
            Key,
            VersionId,
            Retention: { Mode, RetainUntilDate: new Date(ms) },
            BypassGovernanceRetention: true,
          }),
        )
      await assert.rejects(client.send(new s3.DeleteObjectCommand({ Bucket, Key, VersionId, BypassGovernanceRetention: true })), status(403))
      await assert.rejects(retain('COMPLIANCE', untilMs - 3600_000), status(403))
      await assert.rejects(retain('GOVERNANCE', untilMs), status(403))
      await retain('COMPLIANCE', untilMs + DAY_MS)
      const { Retention } = await client.send(new s3.GetObjectRetentionCommand({ Bucket, Key, VersionId }))
      assert.equal(Retention?.Mode, 'COMPLIANCE')
      assert.ok(Math.abs((Retention?.RetainUntilDate?.getTime() ?? 0) - untilMs - DAY_MS) < 1000)
    })

    test('governance: bypassed only when asked for; legal hold holds by itself', async () => {
      const VersionId = await put('g')
      await assert.rejects(client.send(new s3.GetObjectRetentionCommand({ Bucket, Key, VersionId })), status(404))
      const Retention = { Mode: 'GOVERNANCE', RetainUntilDate: new Date(Date.now() + DAY_MS) } as const
      await client.send(new s3.PutObjectRetentionCommand({ Bucket, Key, VersionId, Retention }))
      await client.send(new s3.PutObjectLegalHoldCommand({ Bucket, Key, VersionId, LegalHold: { Status: 'ON' } }))
      const remove = (BypassGovernanceRetention: boolean): Promise<unknown> =>
        client.send(new s3.DeleteObjectCommand({ Bucket, Key, VersionId, ...(BypassGovernanceRetention ? { BypassGovernanceRetention } : {}) }))
      await assert.rejects(remove(true), status(403))
      await client.send(new s3.PutObjectLegalHoldCommand({ Bucket, Key, VersionId, LegalHold: { Status: 'OFF' } }))
      await assert.rejects(remove(false), status(403))
      await remove(true)
      await assert.rejects(text(VersionId), status(404))
    })
  })
}
