// All probes of a bucket in their order. Each finding says what was seen; the capabilities are what a vault records.
import type { EndpointInUse } from '../backend/s3/endpoint.ts'
import { isVaultError, type VaultError } from '../errors/vault-error.ts'
import {
  deletionFindings, probeDeletion, probeListing, probeOverwriting, probeReading, probeStartAfter, putFinding, readingText,
} from './access.ts'
import { probeLifecycle, probeObjectLock, probePublicAccess, probeVersioning, versioningByUpload, versioningFinding } from './bucket-settings.ts'
import type { StorageCapabilities } from './capabilities.ts'
import { checksumFinding, damageFindings, probeDamage, probeStoredChecksum } from './checksums.ts'
import { CONDITION_NAME, conditionFinding, probeCondition, raceConditions, raceFinding, raceNotRun, type ConditionVerdict } from './condition.ts'
import {
  bucketMissing, clockFinding, credentialSource, credentialsFinding, endpointFinding, isKeyRefused, probeAddressing, regionFinding, shortKey,
} from './connection.ts'
import { finding, type ProbeFinding } from './finding.ts'
import { lockTrialFinding, tryLock } from './lock-trial.ts'
import { clientFolder, randomFolder } from './probe-names.ts'
import { ProbeObjects } from './probe-objects.ts'
import type { Answer, BucketPlace } from './probed-bucket.ts'
import { ProbedBucket } from './probed-bucket.ts'
import { expiryFindings, probeExpiry, probeWrongSignature } from './signatures.ts'
import { probeStorageClasses, storageClassFinding } from './storage-classes.ts'

export interface BucketProbing extends BucketPlace {
  /** `try` stores objects of each class; Amazon bills them for their minimum time. */
  readonly storageClasses: 'try' | 'leave'
  /** `try` locks an object for some seconds. */
  readonly lock: 'try' | 'leave'
}

export interface BucketReport {
  readonly findings: readonly ProbeFinding[]
  readonly endpoint?: string
  /** Absent when the bucket could not be reached. */
  readonly capabilities?: StorageCapabilities
  /** Keys of probe objects that the storage would not delete. */
  readonly leftBehind: readonly string[]
  readonly requests: number
  /** What ended the probing early. */
  readonly failure?: VaultError
}

/** Probes everything. Throws `usage`, `interrupted`, and nothing that the storage does. */
export async function probeBucket(probing: BucketProbing): Promise<BucketReport> {
  const run = new BucketProbes(probing)
  try {
    await run.all()
    return run.report()
  } catch (error) {
    if (!isVaultError(error, 'storage-unreachable', 'storage-denied', 'storage-refused')) throw error
    return run.report(error)
  } finally {
    run.close()
  }
}

/** A way into the bucket that was found to be right. */
interface Connected {
  readonly bucket: ProbedBucket
  readonly endpoint: EndpointInUse
}

class BucketProbes {
  readonly #probing: BucketProbing
  readonly #findings: ProbeFinding[] = []
  readonly #opened: ProbedBucket[] = []
  #endpoint: string | undefined
  #capabilities: StorageCapabilities | undefined
  #leftBehind: readonly string[] = []

  constructor(probing: BucketProbing) {
    this.#probing = probing
  }

  async all(): Promise<void> {
    const connected = await this.#connect()
    if (connected === undefined) return
    const { bucket, endpoint } = connected
    this.#findings.push(await probeAddressing(bucket, endpoint))
    this.#findings.push(await probeListing(bucket))
    const settings = await this.#settings(bucket)
    const fixed = new ProbeObjects(bucket, clientFolder())
    let objects: ProbeObjects | undefined
    try {
      const { verdict, versionId } = await this.#firstObject(bucket, fixed)
      const versioning = verdict.conditionalPut === 'unknown' ? settings.versioning : versioningByUpload(settings.versioning, versionId)
      this.#findings.push(versioningFinding(versioning))
      if (verdict.conditionalPut === 'unknown') {
        this.#capabilities = { ...settings, ...NOTHING_STORED }
        return
      }
      const deletion = await probeDeletion(bucket, fixed, CONDITION_NAME, versionId)
      this.#findings.push(...deletionFindings(deletion), conditionFinding(verdict))
      // Where nothing can be deleted for good, the same few names are used again and again.
      objects = deletion.isGone ? new ProbeObjects(bucket, randomFolder()) : fixed
      if (!fixed.isConditional) objects.giveUpCondition()
      this.#findings.push(deletion.isGone ? raceFinding(await raceConditions(objects)) : raceNotRun('its objects could not be deleted'))
      this.#capabilities = { ...settings, versioning, conditionalPut: verdict.conditionalPut, ...(await this.#content(bucket, objects)) }
      // Where versions are kept an overwritten one stays, and one more would be left there by each doctor.
      if (versioning !== 'enabled') this.#findings.push(await probeOverwriting(objects, READ_NAMES[2], deletion))
      await this.#extras(bucket, objects, this.#capabilities)
    } finally {
      await this.#cleanUp(objects === undefined || objects === fixed ? [fixed] : [fixed, objects])
    }
  }

  report(failure?: VaultError): BucketReport {
    const findings = [...this.#findings]
    if (failure !== undefined) findings.push(finding('storage', 'missing', failure.message, failure.hint ?? 'try again later', 'required'))
    return {
      findings, leftBehind: this.#leftBehind, requests: this.#opened.reduce((sum, { requests }) => sum + requests, 0),
      ...(this.#endpoint === undefined ? {} : { endpoint: this.#endpoint }),
      ...(this.#capabilities === undefined ? {} : { capabilities: this.#capabilities }),
      ...(failure === undefined ? {} : { failure }),
    }
  }

  close(): void {
    for (const bucket of this.#opened) bucket.close()
  }

  async #open(region?: string): Promise<ProbedBucket> {
    const { connection } = this.#probing
    const bucket = await ProbedBucket.open({ ...this.#probing, connection: region === undefined ? connection : { ...connection, region } })
    this.#opened.push(bucket)
    return bucket
  }

  /** Undefined when there is no use in going on; the findings say why. */
  async #connect(): Promise<Connected | undefined> {
    let signed: string | undefined
    let bucket = await this.#open().catch((error: unknown) => {
      if (!isVaultError(error, 'usage') || this.#probing.connection.region !== undefined) throw error
      return undefined
    })
    if (bucket === undefined) bucket = await this.#open(ASKING_REGION)
    else signed = await bucket.client.config.region()
    const keys = await bucket.client.config.credentials().catch(() => undefined)
    if (keys === undefined) {
      this.#findings.push(finding('credentials', 'missing', 'none found',
        'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE', 'required'))
      return undefined
    }
    let endpoint = await bucket.endpoint()
    this.#endpoint = endpoint.endpoint
    const head = await headBucket(bucket)
    const clock = clockFinding(bucket.serverClock.lastMs(), this.#probing.clock.nowMs())
    let listing = await listOne(bucket)
    const actual = (head.kind === 'done' ? head.output.BucketRegion : head.region) ?? (listing.kind === 'refused' ? listing.region : undefined)
    if (actual !== undefined && actual !== (signed ?? ASKING_REGION)) {
      bucket = await this.#open(actual)
      endpoint = await bucket.endpoint()
      listing = await listOne(bucket)
    }
    this.#findings.push(
      endpointFinding(endpoint), credentialsFinding(shortKey(keys.accessKeyId), credentialSource(marksOf(keys)), listing),
      regionFinding({ signed, actual, isAccepted: !isKeyRefused(listing) }), clock,
    )
    if (isKeyRefused(listing)) return undefined
    const missing = listing.kind === 'refused' ? bucketMissing(listing) : undefined
    if (missing === undefined) return { bucket, endpoint }
    this.#findings.push(missing)
    return undefined
  }

  async #settings(bucket: ProbedBucket): Promise<Settings> {
    const versioning = await probeVersioning(bucket)
    const { finding: lockSeen, ...lock } = await probeObjectLock(bucket)
    this.#findings.push(lockSeen, await probeLifecycle(bucket), await probePublicAccess(bucket))
    return { versioning, ...lock }
  }

  async #firstObject(bucket: ProbedBucket, fixed: ProbeObjects): Promise<{ verdict: ConditionVerdict; versionId: string | undefined }> {
    const verdict = await probeCondition(fixed, CONDITION_NAME)
    this.#findings.push(verdict.conditionalPut === 'unknown'
      ? finding('PUT', 'missing', verdict.seen, 'no vault works without it: allow s3:PutObject to this key', 'required')
      : putFinding({ kind: 'done', output: undefined }))
    return { verdict, versionId: fixed.versionOf(CONDITION_NAME) ?? (await storedVersion(bucket, fixed.target(CONDITION_NAME))) }
  }

  /** What is stored, as it comes back. */
  async #content(bucket: ProbedBucket, objects: ProbeObjects): Promise<Pick<StorageCapabilities, 'checksum' | 'wrongChecksum'>> {
    for (const name of READ_NAMES) {
      const answer = await objects.put(name, { bytes: readingText })
      if (answer.kind === 'refused' && answer.status !== 412) this.#findings.push(putFinding(answer))
    }
    this.#findings.push(await probeStartAfter(bucket, objects, READ_NAMES))
    this.#findings.push(...(await probeReading(bucket, objects.target(READ_NAMES[0]))))
    const checksum = await probeStoredChecksum(bucket, objects.target(READ_NAMES[0]))
    const wrongChecksum = await probeDamage(objects, 'wrong-checksum', 'checksum')
    const damaged = await probeDamage(objects, 'damaged', 'all')
    this.#findings.push(checksumFinding(checksum), ...damageFindings(wrongChecksum, damaged))
    return { checksum, wrongChecksum: wrongChecksum.state }
  }

  async #extras(bucket: ProbedBucket, objects: ProbeObjects, { objectLock, defaultRetention }: StorageCapabilities): Promise<void> {
    this.#findings.push(await probeWrongSignature(bucket))
    this.#findings.push(...expiryFindings(await probeExpiry(bucket, objects)))
    if (this.#probing.storageClasses === 'try') {
      this.#findings.push(storageClassFinding(await probeStorageClasses(bucket, objects)))
    }
    if (this.#probing.lock === 'try' && objectLock === 'enabled' && defaultRetention === undefined) {
      await objects.put('locked', { bytes: Buffer.from('locked') })
      this.#findings.push(lockTrialFinding(await tryLock(bucket, objects, 'locked', objects.versionOf('locked'))))
    }
  }

  async #cleanUp(folders: readonly ProbeObjects[]): Promise<void> {
    const left = (await Promise.all(folders.map((folder) => folder.discard()))).flat().sort()
    this.#leftBehind = left
    this.#findings.push(left.length === 0
      ? finding('left behind', 'ok', 'nothing', 'all probe objects were deleted')
      : finding('left behind', 'limited', `${left.length} small probe ${left.length === 1 ? 'object' : 'objects'} (${left[0] ?? ''}${left.length > 1 ? ', …' : ''})`,
        'they could not be deleted with this key, or not yet; they do no harm, and the next doctor uses most of them again'))
  }
}

type Settings = Pick<StorageCapabilities, 'versioning' | 'objectLock' | 'defaultRetention'>

const NOTHING_STORED = { conditionalPut: 'unknown', checksum: 'unknown', wrongChecksum: 'unknown' } as const
/** In ascending order. */
const READ_NAMES = ['read-1', 'read-2', 'read-3'] as const
/** Any server of Amazon's tells where a bucket lies. */
const ASKING_REGION = 'us-east-1'

const headBucket = (bucket: ProbedBucket): Promise<Answer<{ readonly BucketRegion?: string | undefined }>> =>
  bucket.ask((options) => bucket.client.send(new bucket.sdk.HeadBucketCommand({ Bucket: bucket.bucket }), options))

const listOne = (bucket: ProbedBucket): Promise<Answer<unknown>> =>
  bucket.ask((options) =>
    bucket.client.send(new bucket.sdk.ListObjectsV2Command({ Bucket: bucket.bucket, Prefix: bucket.key(''), MaxKeys: 1 }), options))

/** The version of an object that was there before; undefined without versioning. */
async function storedVersion(bucket: ProbedBucket, target: { Bucket: string; Key: string }): Promise<string | undefined> {
  const answer = await bucket.ask((options) => bucket.client.send(new bucket.sdk.HeadObjectCommand(target), options))
  return answer.kind === 'done' ? answer.output.VersionId : undefined
}

/** The SDK says where credentials come from in a field that its types of a client do not show. */
const marksOf = (keys: object): Readonly<Record<string, unknown>> | undefined =>
  '$source' in keys && typeof keys.$source === 'object' && keys.$source !== null ? keys.$source as Readonly<Record<string, unknown>> : undefined
