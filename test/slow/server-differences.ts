// Where S3 servers differ in what a vault could rest on: questions, and what each server answers. The answers are held to
// this table in both directions: a difference that vanishes is news as well.
import { createHash, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import * as s3 from '@aws-sdk/client-s3'
import type { BucketKind } from '../support/rgw/buckets.ts'

export interface Asked {
  readonly client: s3.S3Client
  readonly bucket: string
  /** A key that nobody uses. */
  readonly key: string
}

export interface Question {
  readonly title: string
  readonly bucket: BucketKind
  /** One word or two: what the server said, or did. */
  ask(asked: Asked): Promise<string>
  readonly answers: Answers
}

/** Of the server of our own, which does as Amazon's; absent: the same. */
export interface Answers {
  readonly own: string
  readonly ceph20?: string
  readonly ceph16?: string
}

const PART_BYTES = 5 * 1024 * 1024
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64')

/** `ok`, or status and code of the refusal. */
async function verdict(request: Promise<unknown>): Promise<string> {
  try {
    await request
    return 'ok'
  } catch (error) {
    if (!(error instanceof s3.S3ServiceException)) throw error
    return `${error.$metadata.httpStatusCode} ${error.name}`
  }
}

const put = ({ client, bucket, key }: Asked, more: Partial<s3.PutObjectCommandInput> = {}): Promise<s3.PutObjectCommandOutput> =>
  client.send(new s3.PutObjectCommand({ Bucket: bucket, Key: key, Body: 'x', ...more }))

async function putTwice(asked: Asked): Promise<string> {
  await put(asked, { IfNoneMatch: '*' })
  return verdict(put(asked, { IfNoneMatch: '*', Body: 'y' }))
}

async function startUpload({ client, bucket, key }: Asked, more: Partial<s3.CreateMultipartUploadCommandInput> = {}): Promise<s3.CompleteMultipartUploadCommandInput> {
  const target = { Bucket: bucket, Key: key }
  const { UploadId } = await client.send(new s3.CreateMultipartUploadCommand({ ...target, ...more }))
  const Body = Buffer.alloc(PART_BYTES)
  const { ETag } = await client.send(new s3.UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body }))
  return { ...target, UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } }
}

export const QUESTIONS: readonly Question[] = [
  {
    title: 'a second PUT with If-None-Match: *', bucket: 'plain', ask: putTwice,
    answers: { own: '412 PreconditionFailed' },
  },
  {
    title: 'the same where versions are kept', bucket: 'versioned', ask: putTwice,
    answers: { own: '412 PreconditionFailed', ceph16: 'ok' },
  },
  {
    title: 'the same where objects can be locked', bucket: 'locked', ask: putTwice,
    answers: { own: '412 PreconditionFailed', ceph16: 'ok' },
  },
  {
    title: 'PUT with If-Match and the etag as it was given', bucket: 'plain',
    ask: async (asked) => verdict(put(asked, { IfMatch: (await put(asked)).ETag })),
    answers: { own: 'ok', ceph16: '412 PreconditionFailed' },
  },
  {
    title: 'DELETE with If-Match and another etag', bucket: 'plain',
    ask: async (asked) => {
      await put(asked)
      const target = { Bucket: asked.bucket, Key: asked.key, IfMatch: `"${'0'.repeat(32)}"` }
      return verdict(asked.client.send(new s3.DeleteObjectCommand(target)))
    },
    answers: { own: '412 PreconditionFailed', ceph16: 'ok' },
  },
  {
    title: 'CompleteMultipartUpload with If-None-Match: * over an object', bucket: 'plain',
    ask: async (asked) => {
      await put(asked)
      return verdict(asked.client.send(new s3.CompleteMultipartUploadCommand({ ...(await startUpload(asked)), IfNoneMatch: '*' })))
    },
    answers: { own: '412 PreconditionFailed', ceph16: 'ok' },
  },
  {
    title: 'HEAD tells the SHA-256 that the PUT brought', bucket: 'plain',
    ask: async (asked) => {
      await put(asked, { ChecksumAlgorithm: 'SHA256', ChecksumSHA256: sha256('x') })
      const target = { Bucket: asked.bucket, Key: asked.key, ChecksumMode: 'ENABLED' } as const
      return (await asked.client.send(new s3.HeadObjectCommand(target))).ChecksumSHA256 === sha256('x') ? 'yes' : 'no'
    },
    answers: { own: 'yes', ceph16: 'no' },
  },
  {
    title: 'PUT with a wrong SHA-256', bucket: 'plain',
    ask: (asked) => verdict(put(asked, { ChecksumAlgorithm: 'SHA256', ChecksumSHA256: sha256('other') })),
    answers: { own: '400 BadDigest', ceph20: '400 BadDigest', ceph16: 'ok' },
  },
  {
    title: 'a body in chunks with its checksum behind it', bucket: 'plain',
    ask: (asked) => verdict(put(asked, { Body: Readable.from(['x']), ContentLength: 1, ChecksumAlgorithm: 'SHA256' })),
    answers: { own: 'ok', ceph16: '411 MissingContentLength' },
  },
  {
    title: 'a lock that a multipart upload asks for is on the object', bucket: 'locked',
    ask: async (asked) => {
      const lock = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: new Date(Date.now() + 60_000) } as const
      const { VersionId } = await asked.client.send(new s3.CompleteMultipartUploadCommand(await startUpload(asked, lock)))
      const target = { Bucket: asked.bucket, Key: asked.key, VersionId }
      return (await asked.client.send(new s3.HeadObjectCommand(target))).ObjectLockMode ?? 'none'
    },
    answers: { own: 'GOVERNANCE', ceph16: 'none' },
  },
  {
    title: 'GET with a range behind the end', bucket: 'plain',
    ask: async (asked) => {
      await put(asked)
      return verdict(asked.client.send(new s3.GetObjectCommand({ Bucket: asked.bucket, Key: asked.key, Range: 'bytes=5-9' })))
    },
    answers: { own: '416 InvalidRange' },
  },
  {
    title: 'GET of the last bytes of an empty object', bucket: 'plain',
    ask: async (asked) => {
      await put(asked, { Body: '' })
      return verdict(asked.client.send(new s3.GetObjectCommand({ Bucket: asked.bucket, Key: asked.key, Range: 'bytes=-5' })))
    },
    answers: { own: '416 InvalidRange' },
  },
  {
    title: 'HEAD of a bucket tells its region', bucket: 'plain',
    ask: async ({ client, bucket }) => (await client.send(new s3.HeadBucketCommand({ Bucket: bucket }))).BucketRegion ?? 'no',
    answers: { own: 'us-east-1', ceph20: 'no', ceph16: 'no' },
  },
  {
    title: 'DELETE in a bucket with versions says that it left a marker', bucket: 'versioned',
    ask: async (asked) => {
      await put(asked)
      const { DeleteMarker } = await asked.client.send(new s3.DeleteObjectCommand({ Bucket: asked.bucket, Key: asked.key }))
      return String(DeleteMarker)
    },
    answers: { own: 'true' },
  },
  {
    title: 'a default retention is on what is put', bucket: 'locked',
    ask: async ({ client }) => {
      const Bucket = `retaining-${randomUUID()}`
      await client.send(new s3.CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
      const Rule = { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } as const
      await client.send(new s3.PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule } }))
      await client.send(new s3.PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
      return (await client.send(new s3.HeadObjectCommand({ Bucket, Key: 'k' }))).ObjectLockMode ?? 'none'
    },
    answers: { own: 'GOVERNANCE' },
  },
]
