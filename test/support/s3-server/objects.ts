// Operations on single objects.
import { createHash } from 'node:crypto'
import { archiveHeaders, checkReadable, storageClassOf } from './archive.ts'
import { headerText } from './authentication.ts'
import { checkWriteConditions, isNotModified } from './conditions.ts'
import type { Answer, Exchange } from './exchange.ts'
import { xmlAnswer } from './exchange.ts'
import { checkDeletable, initialLock, lockHeaders } from './object-lock.ts'
import { S3Error } from './s3-error.ts'
import type { Bucket, ObjectVersion } from './state.ts'
import type { XmlField } from './xml.ts'
import { childText, childrenNamed, parseXml, xmlDocument } from './xml.ts'

const KEPT_HEADERS = /^(x-amz-meta-.*|content-type|content-encoding|content-disposition|content-language|cache-control|expires)$/
const NO_LOCK = { retention: undefined, hasLegalHold: false, returned: undefined }

export interface NewObject {
  readonly key: string
  readonly bytes: Buffer
  readonly etag: string
  readonly checksums: Readonly<Record<string, string>>
  /** Of the PUT, or of the CreateMultipartUpload. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export function putObject(exchange: Exchange): Answer {
  const { state, bucketName, key, headers, body } = exchange
  if (headers['x-amz-copy-source'] !== undefined) throw new S3Error('NotImplemented', 'CopyObject is not implemented by this server')
  const etag = createHash('md5').update(body.bytes).digest('hex')
  const version = storeObject(exchange, state.bucket(bucketName), { key, bytes: body.bytes, etag, checksums: body.checksums, headers })
  return { status: 200, headers: { etag: `"${etag}"`, ...body.checksums, ...versionHeader(state.bucket(bucketName), version) } }
}

/** Stores a whole object as the current version, its conditions checked in the same step. */
export function storeObject({ behaviour, headers, nowMs }: Exchange, bucket: Bucket, object: NewObject): ObjectVersion {
  if (Buffer.byteLength(object.key) > 1024) throw new S3Error('InvalidArgument', 'Your key is too long')
  if (behaviour.conditionalPut === 'refused' && headers['if-none-match'] !== undefined) {
    throw new S3Error('NotImplemented', 'A header you provided implies functionality that is not implemented.')
  }
  if (behaviour.conditionalPut !== 'ignored') checkWriteConditions(headers, bucket.current(object.key))
  const hasChecksum = Object.keys(object.checksums).length > 0
  const kept = Object.entries(object.headers).filter(([name]) => KEPT_HEADERS.test(name))
  const version: ObjectVersion = {
    versionId: bucket.newVersionId(),
    isDeleteMarker: false,
    bytes: object.bytes,
    etag: object.etag,
    modifiedMs: nowMs,
    headers: Object.fromEntries(kept.map(([name, value]) => [name, String(value)])),
    checksums: object.checksums,
    storageClass: storageClassOf(object.headers),
    ...initialLock(bucket, object.headers, hasChecksum, nowMs),
    returned: undefined,
  }
  bucket.add(object.key, version)
  return version
}

export const versionHeader = (bucket: Bucket, version: ObjectVersion): Record<string, string> =>
  bucket.versioning === 'Unversioned' ? {} : { 'x-amz-version-id': version.versionId }

/** GET and HEAD: HEAD's body is dropped by the HTTP layer, its length stays. */
export function getObject(exchange: Exchange): Answer {
  const { state, bucketName, key, query, headers, method, behaviour, nowMs } = exchange
  const bucket = state.bucket(bucketName)
  const version = bucket.find(key, query.get('versionId'))
  const base: Record<string, string> = {
    'content-type': 'binary/octet-stream',
    ...version.headers,
    ...lockHeaders(version),
    ...archiveHeaders(version, nowMs),
    ...versionHeader(bucket, version),
    etag: `"${version.etag}"`,
    'last-modified': new Date(version.modifiedMs).toUTCString(),
    'accept-ranges': 'bytes',
  }
  if (version.storageClass !== 'STANDARD') base['x-amz-storage-class'] = version.storageClass
  if (isNotModified(headers, version)) return { status: 304, headers: base }
  if (method === 'GET') checkReadable(version, nowMs)
  const range = parseRange(headerText(headers, 'range'), version.bytes.length)
  if (range !== undefined) {
    const contentRange = `bytes ${range.start}-${range.end - 1}/${version.bytes.length}`
    return { status: 206, headers: { ...base, 'content-range': contentRange }, body: version.bytes.subarray(range.start, range.end) }
  }
  const wantsChecksum = headerText(headers, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED' && behaviour.checksumOnHead !== 'absent'
  if (wantsChecksum && Object.keys(version.checksums).length > 0) {
    Object.assign(base, version.checksums, { 'x-amz-checksum-type': 'FULL_OBJECT' })
  }
  return { status: 200, headers: base, body: version.bytes }
}

/** RFC 9110 section 14: one range; a malformed one is ignored, one outside the object is refused. */
function parseRange(header: string | undefined, sizeBytes: number): { start: number; end: number } | undefined {
  const parts = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (parts === null || (parts[1] === '' && parts[2] === '')) return undefined
  const [, first = '', last = ''] = parts
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first)
  const end = first === '' || last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1)
  if (first !== '' && last !== '' && Number(last) < start) return undefined
  if (start >= sizeBytes) {
    throw new S3Error('InvalidRange', 'The requested range is not satisfiable', { 'content-range': `bytes */${sizeBytes}` })
  }
  return { start, end }
}

export function deleteObject(exchange: Exchange): Answer {
  const { state, bucketName, key, query } = exchange
  const bucket = state.bucket(bucketName)
  if (exchange.headers['if-match'] !== undefined) checkWriteConditions(exchange.headers, bucket.current(key))
  const result = removeObject(exchange, bucket, key, query.get('versionId'))
  const headers: Record<string, string> = {}
  if (result.versionId !== undefined) headers['x-amz-version-id'] = result.versionId
  if (result.isDeleteMarker) headers['x-amz-delete-marker'] = 'true'
  return { status: 204, headers }
}

interface Removal {
  readonly versionId: string | undefined
  readonly isDeleteMarker: boolean
}

function removeObject({ headers, nowMs }: Exchange, bucket: Bucket, key: string, versionId: string | undefined): Removal {
  if (versionId !== undefined) {
    const version = bucket.versionsOf(key).find((each) => each.versionId === versionId)
    if (version !== undefined) {
      checkDeletable(version, headers, nowMs)
      bucket.remove(key, versionId)
    }
    return { versionId, isDeleteMarker: version?.isDeleteMarker ?? false }
  }
  if (bucket.versioning === 'Unversioned') {
    bucket.remove(key, 'null')
    return { versionId: undefined, isDeleteMarker: false }
  }
  const marker: ObjectVersion = {
    ...NO_LOCK,
    versionId: bucket.newVersionId(),
    isDeleteMarker: true,
    bytes: Buffer.alloc(0),
    etag: '',
    modifiedMs: nowMs,
    headers: {},
    checksums: {},
    storageClass: 'STANDARD',
  }
  bucket.add(key, marker)
  return { versionId: marker.versionId, isDeleteMarker: true }
}

/** DeleteObjects: each key succeeds or fails for itself. */
export function deleteObjects(exchange: Exchange): Answer {
  const { state, bucketName, body, headers } = exchange
  const bucket = state.bucket(bucketName)
  if (Object.keys(body.checksums).length === 0 && headers['content-md5'] === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5')
  }
  const root = parseXml(body.bytes.toString())
  const objects = root === undefined ? [] : childrenNamed(root, 'Object')
  if (root === undefined || objects.length === 0 || objects.length > 1000) {
    throw new S3Error('MalformedXML', 'The XML you provided was not well-formed')
  }
  const isQuiet = childText(root, 'Quiet') === 'true'
  return xmlAnswer(xmlDocument('DeleteResult', objects.flatMap((element): XmlField[] => {
    const key = childText(element, 'Key') ?? ''
    const versionId = childText(element, 'VersionId')
    try {
      const removal = removeObject(exchange, bucket, key, versionId)
      const marker: XmlField[] = removal.isDeleteMarker ? [['DeleteMarker', true], ['DeleteMarkerVersionId', removal.versionId]] : []
      return isQuiet ? [] : [['Deleted', [['Key', key], ['VersionId', versionId], ...marker]]]
    } catch (error) {
      if (!(error instanceof S3Error)) throw error
      return [['Error', [['Key', key], ['VersionId', versionId], ['Code', error.code], ['Message', error.message]]]]
    }
  })))
}
