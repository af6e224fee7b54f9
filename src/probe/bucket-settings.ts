// What the bucket is set to, as far as this key may read it.
import type { LifecycleRule } from '@aws-sdk/client-s3'
import type { DefaultRetention, StorageCapabilities } from './capabilities.ts'
import { retentionText } from './capabilities.ts'
import { finding, type ProbeFinding } from './finding.ts'
import { PROBE_PREFIX } from './probe-names.ts'
import type { Answer, ProbedBucket, Refusal } from './probed-bucket.ts'
import { refusalText } from './probed-bucket.ts'

const unreadable = (name: string, refusal: Refusal, right: string): ProbeFinding =>
  finding(name, 'unknown', refusalText(refusal), `could not be read with this key (${right}); s3vault works without knowing it`)

type Versioning = StorageCapabilities['versioning']

/** As the bucket's settings have it, where this key may read them. */
export async function probeVersioning(bucket: ProbedBucket): Promise<Versioning> {
  const answer = await bucket.ask((options) =>
    bucket.client.send(new bucket.sdk.GetBucketVersioningCommand({ Bucket: bucket.bucket }), options))
  if (answer.kind === 'refused') return 'unknown'
  const { Status } = answer.output
  return Status === 'Enabled' ? 'enabled' : Status === 'Suspended' ? 'suspended' : 'off'
}

/** An object that was stored tells more than settings that say nothing, or cannot be read. */
export function versioningByUpload(read: Versioning, versionId: string | undefined): Versioning {
  if (read === 'enabled' || read === 'suspended') return read
  if (versionId === undefined) return 'off'
  return versionId === 'null' ? 'suspended' : 'enabled'
}

export function versioningFinding(versioning: Versioning): ProbeFinding {
  if (versioning === 'unknown') {
    return finding('versioning', 'unknown', 'not to be read with this key', 's3vault works without knowing it (s3:GetBucketVersioning)')
  }
  if (versioning === 'enabled') {
    return finding('versioning', 'ok', 'enabled',
      'what is deleted or overwritten can be brought back; it is paid for until a lifecycle rule expires old versions')
  }
  return finding('versioning', 'missing', versioning,
    'what is deleted is gone at once: a key without the right to delete, or versioning, protects against a stolen one')
}

export interface LockSettings {
  readonly objectLock: StorageCapabilities['objectLock']
  readonly defaultRetention?: DefaultRetention
}

/** What a server says that has no Object Lock, or none on this bucket. */
const NO_LOCK = new Set(['ObjectLockConfigurationNotFoundError', 'NoSuchObjectLockConfiguration', 'NotImplemented', 'InvalidRequest'])

export async function probeObjectLock(bucket: ProbedBucket): Promise<LockSettings & { finding: ProbeFinding }> {
  const answer = await bucket.ask((options) =>
    bucket.client.send(new bucket.sdk.GetObjectLockConfigurationCommand({ Bucket: bucket.bucket }), options))
  if (answer.kind === 'refused') {
    const isOff = NO_LOCK.has(answer.code) || answer.status === 404 || answer.status === 501
    return isOff
      ? { objectLock: 'off', finding: lockFinding({ objectLock: 'off' }) }
      : { objectLock: 'unknown', finding: unreadable('Object Lock', answer, 's3:GetBucketObjectLockConfiguration') }
  }
  const settings = answer.output.ObjectLockConfiguration
  if (settings === undefined) {
    return { objectLock: 'unknown', finding: finding('Object Lock', 'unknown', 'the server does not tell', 's3vault works without knowing it') }
  }
  const objectLock = settings.ObjectLockEnabled === 'Enabled' ? 'enabled' as const : 'off' as const
  const { Mode, Days, Years } = settings.Rule?.DefaultRetention ?? {}
  const days = Days ?? (Years === undefined ? undefined : Years * 365)
  const defaultRetention = Mode !== undefined && days !== undefined ? { mode: Mode, days } : undefined
  const lock = { objectLock, ...(defaultRetention === undefined ? {} : { defaultRetention }) }
  return { ...lock, finding: lockFinding(lock) }
}

export function lockFinding({ objectLock, defaultRetention }: LockSettings): ProbeFinding {
  if (objectLock !== 'enabled') {
    return finding('Object Lock', 'missing', 'off', 'nobody is kept from deleting backups but by rights; it is set when a bucket is made')
  }
  if (defaultRetention === undefined) {
    return finding('Object Lock', 'ok', 'enabled, without default retention', 'objects can be locked one by one; this version of s3vault locks none')
  }
  return finding('Object Lock', 'ok', `enabled, by default ${retentionText(defaultRetention)}`,
    'nothing of a new backup can be deleted before that; probe objects stay as long, they are a few bytes')
}

export async function probeLifecycle(bucket: ProbedBucket): Promise<ProbeFinding> {
  const answer = await bucket.ask((options) =>
    bucket.client.send(new bucket.sdk.GetBucketLifecycleConfigurationCommand({ Bucket: bucket.bucket }), options))
  if (answer.kind === 'done') return lifecycleFinding(answer.output.Rules ?? [], bucket.key(''))
  const isNone = answer.code === 'NoSuchLifecycleConfiguration' || answer.status === 404
  return isNone ? lifecycleFinding([], bucket.key('')) : unreadable('lifecycle rules', answer, 's3:GetLifecycleConfiguration')
}

/** The prefix that a rule is for; '' for all of the bucket. */
const prefixOf = (rule: LifecycleRule): string => rule.Filter?.Prefix ?? rule.Filter?.And?.Prefix ?? rule.Prefix ?? ''

/** Objects of a vault carry no tags. */
const asksForTags = ({ Filter }: LifecycleRule): boolean => Filter?.Tag !== undefined || (Filter?.And?.Tags ?? []).length > 0

/** Whether the rule can touch a vault below `prefix`; what probes left behind may well be cleaned away by one. */
function covers(rule: LifecycleRule, prefix: string): boolean {
  if (rule.Status !== 'Enabled' || asksForTags(rule)) return false
  const start = prefixOf(rule)
  return prefix.startsWith(start) || (start.startsWith(prefix) && !start.startsWith(prefix + PROBE_PREFIX))
}

/** `prefix` is the vault's, with its slash. */
export function lifecycleFinding(rules: readonly LifecycleRule[], prefix: string): ProbeFinding {
  const name = 'lifecycle rules'
  const covering = rules.filter((rule) => covers(rule, prefix))
  const named = (which: readonly LifecycleRule[]): string => which.map(({ ID }) => ID ?? 'without a name').join(', ')
  const expiring = covering.filter(({ Expiration }) => Expiration?.Days !== undefined || Expiration?.Date !== undefined)
  if (expiring.length > 0) {
    return finding(name, 'failed', `deletes objects of this place: ${named(expiring)}`,
      'parts of backups will be deleted and the vault destroyed: remove the rule, or limit it to another prefix', 'required')
  }
  const moving = covering.filter(({ Transitions }) =>
    (Transitions ?? []).some(({ StorageClass }) => StorageClass === 'GLACIER' || StorageClass === 'DEEP_ARCHIVE'))
  if (moving.length > 0) {
    return finding(name, 'failed', `moves objects of this place into an archive: ${named(moving)}`,
      'archived objects cannot be read until they are requested: no backup and no restore works then', 'required')
  }
  const seen = covering.length === 0 ? 'none for this place' : `none that deletes or archives (${named(covering)})`
  return finding(name, 'ok', seen, 'the storage deletes nothing by itself')
}

export async function probePublicAccess(bucket: ProbedBucket): Promise<ProbeFinding> {
  const answer: Answer<{ readonly PolicyStatus?: { readonly IsPublic?: boolean | undefined } | undefined }> = await bucket.ask((options) =>
    bucket.client.send(new bucket.sdk.GetBucketPolicyStatusCommand({ Bucket: bucket.bucket }), options))
  if (answer.kind === 'done') {
    // A server that does not know the question may answer another one.
    const isPublic = answer.output.PolicyStatus?.IsPublic
    return isPublic === undefined
      ? finding('public access', 'unknown', 'the server does not tell', 's3vault works without knowing it')
      : publicFinding(isPublic)
  }
  return answer.code === 'NoSuchBucketPolicy' ? publicFinding(false) : unreadable('public access', answer, 's3:GetBucketPolicyStatus')
}

export const publicFinding = (isPublic: boolean): ProbeFinding => isPublic
  ? finding('public access', 'limited', 'the bucket policy lets everybody in',
    'names and sizes of objects are public (contents are encrypted), and perhaps they can be changed: close the bucket')
  : finding('public access', 'ok', 'no policy lets the public in', 'only who has a key sees the objects')
