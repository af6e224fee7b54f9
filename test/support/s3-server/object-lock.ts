// Object Lock: retention and legal hold of single versions.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
import type { IncomingHttpHeaders } from 'node:http'
import { headerText } from './authentication.ts'
import type { Answer, Exchange } from './exchange.ts'
import { xmlAnswer } from './exchange.ts'
import { S3Error } from './s3-error.ts'
import type { Bucket, ObjectVersion, Retention } from './state.ts'
import { childNamed, childText, parseXml, xmlDocument } from './xml.ts'

const DAY_MS = 24 * 3600 * 1000

export interface InitialLock {
  readonly retention: Retention | undefined
  readonly hasLegalHold: boolean
}

const isBypassed = (headers: IncomingHttpHeaders): boolean => headerText(headers, 'x-amz-bypass-governance-retention') === 'true'

function requireLock(bucket: Bucket): void {
  if (!bucket.hasObjectLock) throw new S3Error('InvalidRequest', 'Bucket is missing Object Lock Configuration')
}

function retentionOf(mode: string | undefined, until: string | undefined, nowMs: number): Retention {
  const untilMs = Date.parse(until ?? '')
  if ((mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') || Number.isNaN(untilMs)) {
    throw new S3Error('MalformedXML', 'Retention needs a mode and a date')
  }
  if (untilMs <= nowMs) throw new S3Error('InvalidArgument', 'The retain until date must be in the future!')
  return { mode, untilMs }
}

/** The lock a new version starts with: from the headers of its PUT, else the bucket's default. */
export function initialLock(bucket: Bucket, headers: IncomingHttpHeaders, hasChecksum: boolean, nowMs: number): InitialLock {
  const mode = headerText(headers, 'x-amz-object-lock-mode')
  const until = headerText(headers, 'x-amz-object-lock-retain-until-date')
  const legalHold = headerText(headers, 'x-amz-object-lock-legal-hold')
  if (mode !== undefined || until !== undefined || legalHold !== undefined) {
    requireLock(bucket)
    if (!hasChecksum && headers['content-md5'] === undefined) {
      throw new S3Error('InvalidRequest', 'Content-MD5 OR x-amz-checksum- HTTP header is required with Object Lock parameters')
    }
  }
  const fallback = bucket.defaultRetention
  const byDefault = fallback === undefined ? undefined : { mode: fallback.mode, untilMs: nowMs + fallback.days * DAY_MS }
  return {
    retention: mode === undefined && until === undefined ? byDefault : retentionOf(mode, until, nowMs),
    hasLegalHold: legalHold === 'ON',
  }
}

export function lockHeaders(version: ObjectVersion): Record<string, string> {
  const headers: Record<string, string> = {}
  if (version.retention !== undefined) {
    headers['x-amz-object-lock-mode'] = version.retention.mode
    headers['x-amz-object-lock-retain-until-date'] = new Date(version.retention.untilMs).toISOString()
  }
  if (version.hasLegalHold) headers['x-amz-object-lock-legal-hold'] = 'ON'
  return headers
}

/** Throws AccessDenied while the version must stay. */
export function checkDeletable(version: ObjectVersion, headers: IncomingHttpHeaders, nowMs: number): void {
  const { retention } = version
  const isRetained = retention !== undefined && retention.untilMs > nowMs && !(retention.mode === 'GOVERNANCE' && isBypassed(headers))
  if (isRetained || version.hasLegalHold) throw new S3Error('AccessDenied', 'Access Denied because object protected by object lock.')
}

export function putRetention({ state, bucketName, key, query, headers, body, nowMs }: Exchange): Answer {
  const bucket = state.bucket(bucketName)
  requireLock(bucket)
  const version = bucket.find(key, query.get('versionId'))
  const root = parseXml(body.bytes.toString())
  const isRemoval = root?.children.length === 0
  const wanted = isRemoval ? undefined : retentionOf(childText(root, 'Mode'), childText(root, 'RetainUntilDate'), nowMs)
  const held = version.retention
  if (held !== undefined && held.untilMs > nowMs) {
    const isWeaker = wanted === undefined || wanted.untilMs < held.untilMs || (held.mode === 'COMPLIANCE' && wanted.mode !== 'COMPLIANCE')
    const isModeChange = wanted !== undefined && wanted.mode !== held.mode
    const mayWeaken = held.mode === 'GOVERNANCE' && isBypassed(headers)
    if ((isWeaker || isModeChange) && !mayWeaken) throw new S3Error('AccessDenied', 'Access Denied because object protected by object lock.')
  }
  version.retention = wanted
  return { status: 200 }
}

export function getRetention({ state, bucketName, key, query }: Exchange): Answer {
  const bucket = state.bucket(bucketName)
  requireLock(bucket)
  const { retention } = bucket.find(key, query.get('versionId'))
  if (retention === undefined) {
    throw new S3Error('NoSuchObjectLockConfiguration', 'The specified object does not have a ObjectLock configuration')
  }
  return xmlAnswer(xmlDocument('Retention', [['Mode', retention.mode], ['RetainUntilDate', new Date(retention.untilMs).toISOString()]]))
}

export function putLegalHold({ state, bucketName, key, query, body }: Exchange): Answer {
  const bucket = state.bucket(bucketName)
  requireLock(bucket)
  const status = childText(parseXml(body.bytes.toString()), 'Status')
  if (status !== 'ON' && status !== 'OFF') throw new S3Error('MalformedXML', 'LegalHold needs a Status of ON or OFF')
  bucket.find(key, query.get('versionId')).hasLegalHold = status === 'ON'
  return { status: 200 }
}

export function getLegalHold({ state, bucketName, key, query }: Exchange): Answer {
  const bucket = state.bucket(bucketName)
  requireLock(bucket)
  const status = bucket.find(key, query.get('versionId')).hasLegalHold ? 'ON' : 'OFF'
  return xmlAnswer(xmlDocument('LegalHold', [['Status', status]]))
}

export function putLockConfiguration({ state, bucketName, body }: Exchange): Answer {
  const bucket = state.bucket(bucketName)
  if (bucket.versioning !== 'Enabled') {
    throw new S3Error('InvalidBucketState', 'Versioning must be Enabled on the bucket to apply a Object Lock configuration')
  }
  const root = parseXml(body.bytes.toString())
  const rule = childNamed(childNamed(root, 'Rule'), 'DefaultRetention')
  bucket.hasObjectLock = true
  bucket.defaultRetention = undefined
  if (rule === undefined) return { status: 200 }
  const mode = childText(rule, 'Mode')
  const days = Number(childText(rule, 'Days') ?? Number(childText(rule, 'Years')) * 365)
  if ((mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') || !(days > 0)) {
    throw new S3Error('MalformedXML', 'DefaultRetention needs Mode and Days or Years')
  }
  bucket.defaultRetention = { mode, days }
  return { status: 200 }
}

export function getLockConfiguration({ state, bucketName }: Exchange): Answer {
  const bucket = state.bucket(bucketName)
  if (!bucket.hasObjectLock) {
    throw new S3Error('ObjectLockConfigurationNotFoundError', 'Object Lock configuration does not exist for this bucket')
  }
  const fallback = bucket.defaultRetention
  return xmlAnswer(xmlDocument('ObjectLockConfiguration', [
    ['ObjectLockEnabled', 'Enabled'],
    ['Rule', fallback && [['DefaultRetention', [['Mode', fallback.mode], ['Days', fallback.days]]]]],
  ]))
}
