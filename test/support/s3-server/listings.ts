// ListObjects (1 and 2) and ListObjectVersions.
import { uriEncode } from './canonical-request.ts'
import type { Answer, Exchange } from './exchange.ts'
import { isoSeconds, xmlAnswer } from './exchange.ts'
import { S3Error } from './s3-error.ts'
import type { Bucket, ObjectVersion } from './state.ts'
import type { XmlField } from './xml.ts'
import { xmlDocument } from './xml.ts'

const KEYS_PER_PAGE_MAX = 1000

interface Page {
  readonly keys: readonly string[]
  readonly commonPrefixes: readonly string[]
  /** The last key or common prefix of the page, when more follow. */
  readonly next: string | undefined
}

/** The keys after `after` that satisfy `isShown`, those with the delimiter rolled up. */
function pageOf(bucket: Bucket, query: ReadonlyMap<string, string>, after: string, isShown: (key: string) => boolean): Page {
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const limit = maxKeys(query)
  const keys: string[] = []
  const commonPrefixes: string[] = []
  let last = after
  const all = bucket.keys()
  for (let index = firstIndex(all, after > prefix ? after : prefix); index < all.length; index++) {
    const key = all[index] ?? ''
    if (!key.startsWith(prefix)) break
    if (key <= after || !isShown(key)) continue
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    const group = cut < 0 ? undefined : key.slice(0, cut + delimiter.length)
    if (group !== undefined && (group === commonPrefixes.at(-1) || after.startsWith(group))) continue
    if (keys.length + commonPrefixes.length === limit) return { keys, commonPrefixes, next: last }
    if (group === undefined) keys.push(key)
    else commonPrefixes.push(group)
    last = group ?? key
  }
  return { keys, commonPrefixes, next: undefined }
}

/** Index of the first key >= `key`. */
function firstIndex(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((keys[middle] ?? '') < key) low = middle + 1
    else high = middle
  }
  return low
}

function maxKeys(query: ReadonlyMap<string, string>): number {
  const wanted = Number(query.get('max-keys') ?? KEYS_PER_PAGE_MAX)
  if (!Number.isInteger(wanted) || wanted < 0) throw new S3Error('InvalidArgument', 'max-keys is not valid')
  return Math.min(wanted, KEYS_PER_PAGE_MAX)
}

const encoder = (query: ReadonlyMap<string, string>): ((text: string) => string) =>
  query.get('encoding-type') === 'url' ? (text) => uriEncode(text).replaceAll('%2F', '/') : (text) => text

function commonFields(bucket: Bucket, query: ReadonlyMap<string, string>, page: Page): XmlField[] {
  const encode = encoder(query)
  const delimiter = query.get('delimiter')
  return [
    ['Name', bucket.name],
    ['Prefix', encode(query.get('prefix') ?? '')],
    ['Delimiter', delimiter === undefined ? undefined : encode(delimiter)],
    ['MaxKeys', maxKeys(query)],
    ['EncodingType', query.get('encoding-type')],
    ['IsTruncated', page.next !== undefined],
    ...page.commonPrefixes.map((group): XmlField => ['CommonPrefixes', [['Prefix', encode(group)]]]),
  ]
}

function contents(bucket: Bucket, query: ReadonlyMap<string, string>, page: Page): XmlField[] {
  const encode = encoder(query)
  return page.keys.flatMap((key): XmlField[] => {
    const version = bucket.current(key)
    return version === undefined ? [] : [['Contents', [['Key', encode(key)], ...versionFields(version)]]]
  })
}

const versionFields = (version: ObjectVersion): XmlField[] => [
  ['LastModified', isoSeconds(version.modifiedMs)],
  ['ETag', `"${version.etag}"`],
  ['Size', version.bytes.length],
  ['StorageClass', version.storageClass],
]

export function listObjectsV2({ state, bucketName, query }: Exchange): Answer {
  const bucket = state.bucket(bucketName)
  const token = query.get('continuation-token')
  const after = token === undefined ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString()
  const page = pageOf(bucket, query, after, (key) => bucket.current(key) !== undefined)
  return xmlAnswer(xmlDocument('ListBucketResult', [
    ...commonFields(bucket, query, page),
    ['KeyCount', page.keys.length + page.commonPrefixes.length],
    ['StartAfter', query.get('start-after')],
    ['ContinuationToken', token],
    ['NextContinuationToken', page.next === undefined ? undefined : Buffer.from(page.next).toString('base64url')],
    ...contents(bucket, query, page),
  ]))
}

export function listObjectsV1({ state, bucketName, query }: Exchange): Answer {
  const bucket = state.bucket(bucketName)
  const page = pageOf(bucket, query, query.get('marker') ?? '', (key) => bucket.current(key) !== undefined)
  return xmlAnswer(xmlDocument('ListBucketResult', [
    ...commonFields(bucket, query, page),
    ['Marker', query.get('marker') ?? ''],
    ['NextMarker', page.next === undefined ? undefined : encoder(query)(page.next)],
    ...contents(bucket, query, page),
  ]))
}

/** Versions newest first within a key; pages break between versions, as `version-id-marker` allows. */
export function listVersions({ state, bucketName, query }: Exchange): Answer {
  const bucket = state.bucket(bucketName)
  const encode = encoder(query)
  const limit = maxKeys(query)
  const keyMarker = query.get('key-marker') ?? ''
  const versionMarker = query.get('version-id-marker')
  const rest = versionMarker === undefined ? [] : versionsAfter(bucket, keyMarker, versionMarker)
  const page = pageOf(bucket, query, keyMarker, () => true)
  const rows = [...rest, ...page.keys.flatMap((key) => bucket.versionsOf(key).toReversed().map((version) => ({ key, version })))]
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const isTruncated = rows.length > limit || page.next !== undefined
  return xmlAnswer(xmlDocument('ListVersionsResult', [
    ...commonFields(bucket, query, { ...page, next: isTruncated ? (last?.key ?? page.next) : undefined }),
    ['KeyMarker', encode(keyMarker)],
    ['VersionIdMarker', versionMarker],
    ['NextKeyMarker', isTruncated ? encode(last?.key ?? page.next ?? '') : undefined],
    ['NextVersionIdMarker', isTruncated ? last?.version.versionId : undefined],
    ...shown.map(({ key, version }) => versionRow(encode(key), version, bucket.versionsOf(key).at(-1) === version)),
  ]))
}

function versionsAfter(bucket: Bucket, key: string, versionId: string): { key: string; version: ObjectVersion }[] {
  const newestFirst = bucket.versionsOf(key).toReversed()
  const index = newestFirst.findIndex((version) => version.versionId === versionId)
  return newestFirst.slice(index + 1).map((version) => ({ key, version }))
}

function versionRow(key: string, version: ObjectVersion, isLatest: boolean): XmlField {
  const identity: XmlField[] = [['Key', key], ['VersionId', version.versionId], ['IsLatest', isLatest]]
  return version.isDeleteMarker
    ? ['DeleteMarker', [...identity, ['LastModified', isoSeconds(version.modifiedMs)]]]
    : ['Version', [...identity, ...versionFields(version)]]
}
