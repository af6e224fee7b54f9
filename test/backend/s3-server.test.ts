// The test server itself, seen through Amazon's SDK and through plain HTTP. What it grants here, real servers grant too:
// with S3VAULT_TEST_S3_ENDPOINT the SDK part also runs against that one.
import assert from 'node:assert/strict'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import * as s3 from '@aws-sdk/client-s3'
import { presignedQuery } from '../../src/backend/s3/presign.ts'
import { startS3Server } from '../support/s3-server/server.ts'
import { childNamed, childText, parseXml, xmlDocument } from '../support/s3-server/xml.ts'

const DAY_MS = 24 * 3600_000
const server = await startS3Server()
after(() => server.close())

// The SDK warns of streams of unknown length, also where the length is given.
const quiet = (): void => {}
const silent = { debug: quiet, info: quiet, warn: quiet, error: quiet }

const clientFor = (endpoint: string, credentials: { accessKeyId: string; secretAccessKey: string }, more: s3.S3ClientConfig = {}): s3.S3Client =>
  new s3.S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1, logger: silent, ...more })

const subjects = [{ title: 'own', client: clientFor(server.endpoint, server) }]
const foreign = process.env['S3VAULT_TEST_S3_ENDPOINT']
if (foreign !== undefined) {
  const credentials = { accessKeyId: process.env['AWS_ACCESS_KEY_ID'] ?? '', secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'] ?? '' }
  subjects.push({ title: foreign, client: clientFor(foreign, credentials) })
}

const status = (expected: number) => (error: { $metadata?: { httpStatusCode?: number } }) => error.$metadata?.httpStatusCode === expected

for (const { title, client } of subjects) {
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

describe('s3 server: what only it is asked', () => {
  const client = clientFor(server.endpoint, server)
  const Bucket = 'signatures'
  before(async () => void (await client.send(new s3.CreateBucketCommand({ Bucket }))))

  test('pages of versions break within a key; a default retention is applied', async () => {
    const locked = 'default-retention'
    await client.send(new s3.CreateBucketCommand({ Bucket: locked, ObjectLockEnabledForBucket: true }))
    const Rule = { DefaultRetention: { Mode: 'GOVERNANCE', Days: 2 } } as const
    await client.send(new s3.PutObjectLockConfigurationCommand({ Bucket: locked, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule } }))
    for (const Key of ['a', 'b', 'b', 'b', 'c']) await client.send(new s3.PutObjectCommand({ Bucket: locked, Key, Body: '' }))
    const seen: (string | undefined)[] = []
    let marker: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {}
    for (let pages = 0; pages < 10; pages++) {
      const page: s3.ListObjectVersionsCommandOutput = await client.send(new s3.ListObjectVersionsCommand({ Bucket: locked, MaxKeys: 2, ...marker }))
      seen.push(...(page.Versions ?? []).map(({ Key }) => Key))
      if (!page.IsTruncated) break
      marker = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
    }
    assert.deepEqual(seen, ['a', 'b', 'b', 'b', 'c'])
    const head = await client.send(new s3.HeadObjectCommand({ Bucket: locked, Key: 'a' }))
    assert.ok((head.ObjectLockRetainUntilDate?.getTime() ?? 0) > Date.now() + DAY_MS)
  })

  test('wrong secret, unknown key, clock off, region other, token missing: each refused by its own code', async () => {
    const code = (expected: string) => (error: Error) => error.name === expected
    const list = (of: s3.S3Client): Promise<unknown> => of.send(new s3.ListObjectsV2Command({ Bucket }))
    await assert.rejects(list(clientFor(server.endpoint, { ...server, secretAccessKey: 'wrong' })), code('SignatureDoesNotMatch'))
    await assert.rejects(list(clientFor(server.endpoint, { accessKeyId: 'AK', secretAccessKey: 'x' })), code('InvalidAccessKeyId'))
    await assert.rejects(list(clientFor(server.endpoint, server, { systemClockOffset: 3600_000 })), code('RequestTimeTooSkewed'))
    const picky = await startS3Server({ region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 't' } })
    try {
      await assert.rejects(list(clientFor(picky.endpoint, picky)), code('AuthorizationHeaderMalformed'))
      await assert.rejects(list(clientFor(picky.endpoint, { accessKeyId: 'a', secretAccessKey: 'b' }, { region: 'eu-west-1' })), code('ExpiredToken'))
    } finally {
      await picky.close()
    }
    assert.equal((await fetch(`${server.endpoint}/${Bucket}`)).status, 403)
  })

  test('presigned: good; expired, not yet valid, another path, another header, an unsigned header: refused', async () => {
    const host = new URL(server.endpoint).host
    const request = async (change: { signedAtMs?: number; path?: string; sent?: Record<string, string> } = {}): Promise<string> => {
      const headers = { host, 'x-amz-meta-a': '1' }
      const signedAtMs = change.signedAtMs ?? Date.now()
      const target = { method: 'PUT', path: `/${Bucket}/presigned`, query: {}, headers, region: 'us-east-1' }
      const query = presignedQuery({ ...target, signedAtMs, expiresSeconds: 60 }, server)
      const url = `${server.endpoint}${change.path ?? `/${Bucket}/presigned`}?${new URLSearchParams(query)}`
      const answer = await fetch(url, { method: 'PUT', body: 'x', headers: change.sent ?? { 'x-amz-meta-a': '1' } })
      return answer.ok ? 'ok' : `${childText(parseXml(await answer.text()), 'Code')}`
    }
    assert.equal(await request(), 'ok')
    assert.equal(await request({ signedAtMs: Date.now() - 62_000 }), 'AccessDenied')
    assert.equal(await request({ signedAtMs: Date.now() + 3600_000 }), 'AccessDenied')
    assert.equal(await request({ path: `/${Bucket}/other` }), 'SignatureDoesNotMatch')
    assert.equal(await request({ sent: { 'x-amz-meta-a': '2' } }), 'SignatureDoesNotMatch')
    assert.equal(await request({ sent: { 'x-amz-meta-a': '1', 'x-amz-meta-b': '1' } }), 'AccessDenied')
  })

  test('XML: what is written is read, odd characters and all', () => {
    const odd = `a<b>&"c'\r\n ü`
    const root = parseXml(xmlDocument('Root', [['One', odd], ['Two', [['Deep', 1]]], ['None', undefined]]))
    assert.equal(root?.children.find(({ name }) => name === 'One')?.text, odd)
    assert.equal(childText(childNamed(root, 'Two'), 'Deep'), '1')
    assert.equal(root?.children.length, 2)
    assert.equal(parseXml('<a><b></a>'), undefined)
    assert.equal(parseXml('not XML'), undefined)
  })
})
