// Multipart uploads. https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
import { createHash, randomBytes } from 'node:crypto'
import type { Answer, Exchange } from './exchange.ts'
import { isoSeconds, xmlAnswer } from './exchange.ts'
import { storeObject, versionHeader } from './objects.ts'
import { S3Error } from './s3-error.ts'
import type { Bucket, Upload } from './state.ts'
import { childText, childrenNamed, parseXml, xmlDocument } from './xml.ts'

const PART_BYTES_MIN = 5 * 1024 * 1024
const PARTS_MAX = 10_000

function uploadOf(bucket: Bucket, { key, query }: Exchange): { uploadId: string; upload: Upload } {
  const uploadId = query.get('uploadId') ?? ''
  const upload = bucket.uploads.get(uploadId)
  if (upload === undefined || upload.key !== key) throw new S3Error('NoSuchUpload', 'The specified multipart upload does not exist.')
  return { uploadId, upload }
}

export function createUpload({ state, bucketName, key, headers, nowMs }: Exchange): Answer {
  const uploadId = randomBytes(16).toString('hex')
  const kept = Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value] as const] : []))
  state.bucket(bucketName).uploads.set(uploadId, { key, headers: Object.fromEntries(kept), parts: new Map(), startedMs: nowMs })
  return xmlAnswer(xmlDocument('InitiateMultipartUploadResult', [['Bucket', bucketName], ['Key', key], ['UploadId', uploadId]]))
}

export function uploadPart(exchange: Exchange): Answer {
  const { state, bucketName, query, body } = exchange
  const { upload } = uploadOf(state.bucket(bucketName), exchange)
  const partNumber = Number(query.get('partNumber'))
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > PARTS_MAX) {
    throw new S3Error('InvalidArgument', `Part number must be an integer between 1 and ${PARTS_MAX}, inclusive`)
  }
  const etag = createHash('md5').update(body.bytes).digest('hex')
  upload.parts.set(partNumber, { bytes: body.bytes, etag })
  return { status: 200, headers: { etag: `"${etag}"`, ...body.checksums } }
}

export function completeUpload(exchange: Exchange): Answer {
  const { state, bucketName, key, body } = exchange
  const bucket = state.bucket(bucketName)
  const { uploadId, upload } = uploadOf(bucket, exchange)
  const root = parseXml(body.bytes.toString())
  const wanted = root === undefined ? [] : childrenNamed(root, 'Part')
  if (wanted.length === 0) throw new S3Error('MalformedXML', 'The XML you provided was not well-formed')
  let previous = 0
  const parts = wanted.map((element, index) => {
    const partNumber = Number(childText(element, 'PartNumber'))
    const part = upload.parts.get(partNumber)
    if (part === undefined || childText(element, 'ETag')?.replaceAll('"', '') !== part.etag) {
      throw new S3Error('InvalidPart', 'One or more of the specified parts could not be found.')
    }
    if (partNumber <= previous) throw new S3Error('InvalidPartOrder', 'The list of parts was not in ascending order.')
    if (part.bytes.length < PART_BYTES_MIN && index < wanted.length - 1) {
      throw new S3Error('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size')
    }
    previous = partNumber
    return part
  })
  const digests = Buffer.concat(parts.map((part) => Buffer.from(part.etag, 'hex')))
  const etag = `${createHash('md5').update(digests).digest('hex')}-${parts.length}`
  // The checksum of the whole of a multipart object is a composite in S3: none is kept, so HEAD shows none.
  const object = { key, bytes: Buffer.concat(parts.map((part) => part.bytes)), etag, checksums: {}, headers: lockableHeaders(upload) }
  const version = storeObject(exchange, bucket, object)
  bucket.uploads.delete(uploadId)
  const answer = xmlAnswer(xmlDocument('CompleteMultipartUploadResult', [['Bucket', bucketName], ['Key', key], ['ETag', `"${etag}"`]]))
  return { ...answer, headers: { ...answer.headers, ...versionHeader(bucket, version) } }
}

/** Parts carry their own digests, so a lock asked for at the start needs none on the whole. */
function lockableHeaders(upload: Upload): Record<string, string> {
  const { 'if-none-match': _, ...headers } = upload.headers
  return { ...headers, 'content-md5': 'of the parts' }
}

export function abortUpload(exchange: Exchange): Answer {
  const bucket = exchange.state.bucket(exchange.bucketName)
  bucket.uploads.delete(uploadOf(bucket, exchange).uploadId)
  return { status: 204 }
}

export function listParts(exchange: Exchange): Answer {
  const { uploadId, upload } = uploadOf(exchange.state.bucket(exchange.bucketName), exchange)
  const parts = [...upload.parts].sort(([a], [b]) => a - b)
  return xmlAnswer(xmlDocument('ListPartsResult', [
    ['Bucket', exchange.bucketName], ['Key', upload.key], ['UploadId', uploadId], ['IsTruncated', false],
    ...parts.map(([number, part]) => ['Part', [['PartNumber', number], ['ETag', `"${part.etag}"`], ['Size', part.bytes.length]]] as const),
  ]))
}

export function listUploads({ state, bucketName }: Exchange): Answer {
  const uploads = [...state.bucket(bucketName).uploads]
  return xmlAnswer(xmlDocument('ListMultipartUploadsResult', [
    ['Bucket', bucketName], ['IsTruncated', false],
    ...uploads.map(([uploadId, { key, startedMs }]) => ['Upload', [['Key', key], ['UploadId', uploadId], ['Initiated', isoSeconds(startedMs)]]] as const),
  ]))
}
