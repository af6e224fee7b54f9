// Storage classes, and objects in archive classes, which are brought back before they can be read.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html
import type { IncomingHttpHeaders } from 'node:http'
import { headerText } from './authentication.ts'
import type { Answer, Exchange } from './exchange.ts'
import { S3Error } from './s3-error.ts'
import type { ObjectVersion } from './state.ts'
import { childNamed, childText, parseXml } from './xml.ts'

const DAY_MS = 24 * 3600 * 1000
const ARCHIVES = new Set(['GLACIER', 'DEEP_ARCHIVE'])
const CLASSES = new Set([
  ...ARCHIVES, 'STANDARD', 'REDUCED_REDUNDANCY', 'STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER_IR',
])

/** The class that a PUT asks for. */
export function storageClassOf(headers: IncomingHttpHeaders): string {
  const storageClass = headerText(headers, 'x-amz-storage-class') ?? 'STANDARD'
  if (!CLASSES.has(storageClass)) throw new S3Error('InvalidStorageClass', 'The storage class you specified is not valid')
  return storageClass
}

const isReadable = ({ storageClass, returned }: ObjectVersion, nowMs: number): boolean =>
  !ARCHIVES.has(storageClass) || (returned !== undefined && returned.fromMs <= nowMs && nowMs < returned.untilMs)

export function checkReadable(version: ObjectVersion, nowMs: number): void {
  if (isReadable(version, nowMs)) return
  throw new S3Error('InvalidObjectState', "The operation is not valid for the object's storage class")
}

export function archiveHeaders({ returned }: ObjectVersion, nowMs: number): Record<string, string> {
  if (returned === undefined || nowMs >= returned.untilMs) return {}
  if (nowMs < returned.fromMs) return { 'x-amz-restore': 'ongoing-request="true"' }
  return { 'x-amz-restore': `ongoing-request="false", expiry-date="${new Date(returned.untilMs).toUTCString()}"` }
}

/** The object can be read when the server's `archiveDelayMs` have passed. */
export function restoreObject({ state, bucketName, key, query, body, nowMs, behaviour }: Exchange): Answer {
  const version = state.bucket(bucketName).find(key, query.get('versionId'))
  if (!ARCHIVES.has(version.storageClass)) {
    throw new S3Error('InvalidObjectState', "Restore is not allowed for the object's current storage class")
  }
  const request = parseXml(body.bytes.toString())
  const days = Number(childText(request, 'Days'))
  const tier = childText(childNamed(request, 'GlacierJobParameters'), 'Tier') ?? 'Standard'
  if (!Number.isInteger(days) || days < 1) throw new S3Error('MalformedXML', 'The XML you provided was not well-formed')
  const hasTier = tier === 'Standard' || tier === 'Bulk' || (tier === 'Expedited' && version.storageClass === 'GLACIER')
  if (!hasTier) throw new S3Error('InvalidArgument', `Retrieval option is not supported by this storage class: ${tier}`)
  const { returned } = version
  if (returned !== undefined && nowMs < returned.fromMs) {
    throw new S3Error('RestoreAlreadyInProgress', 'Object restore is already in progress')
  }
  const isThere = returned !== undefined && nowMs < returned.untilMs
  const fromMs = isThere ? returned.fromMs : nowMs + (behaviour.archiveDelayMs ?? 0)
  version.returned = { fromMs, untilMs: Math.max(nowMs, fromMs) + days * DAY_MS, tier }
  return { status: isThere ? 200 : 202 }
}
