// What the server remembers: buckets, versions of objects, uploads under way. All in memory.
import { randomBytes } from 'node:crypto'
import { S3Error } from './s3-error.ts'

export interface Retention {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE'
  readonly untilMs: number
}

export interface ObjectVersion {
  readonly versionId: string
  readonly isDeleteMarker: boolean
  readonly bytes: Buffer
  readonly etag: string
  readonly modifiedMs: number
  /** Headers that GET gives back as they came: content-type, x-amz-meta-*, cache-control, ... */
  readonly headers: Readonly<Record<string, string>>
  /** `x-amz-checksum-sha256` and the like. */
  readonly checksums: Readonly<Record<string, string>>
  readonly storageClass: string
  retention: Retention | undefined
  hasLegalHold: boolean
  /** Set by RestoreObject on an archived object: when its readable copy is there, and the tier it was asked for with. */
  returned: { readonly fromMs: number; readonly untilMs: number; readonly tier: string } | undefined
}

export interface Upload {
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  readonly parts: Map<number, { readonly bytes: Buffer; readonly etag: string }>
  readonly startedMs: number
}

export interface DefaultRetention {
  readonly mode: Retention['mode']
  readonly days: number
}

export class Bucket {
  readonly name: string
  readonly createdMs: number
  readonly uploads = new Map<string, Upload>()
  versioning: 'Unversioned' | 'Enabled' | 'Suspended' = 'Unversioned'
  hasObjectLock = false
  /** What GetBucketPolicyStatus says; requests without a signature are refused all the same. */
  isPublic = false
  defaultRetention: DefaultRetention | undefined
  lifecycleXml: string | undefined
  /** JSON; its Deny statements hold for every key, the server's own too. */
  policy: string | undefined
  /** Versions of each key, oldest first; never an empty list. */
  readonly #versions = new Map<string, ObjectVersion[]>()
  #sortedKeys: string[] | undefined

  constructor(name: string, createdMs: number) {
    this.name = name
    this.createdMs = createdMs
  }

  /** Keys with any version, by UTF-16 units: the order of bytes for all but rare keys beyond ASCII. */
  keys(): readonly string[] {
    this.#sortedKeys ??= [...this.#versions.keys()].sort()
    return this.#sortedKeys
  }

  versionsOf(key: string): readonly ObjectVersion[] {
    return this.#versions.get(key) ?? []
  }

  /** The current version unless that is a delete marker. */
  current(key: string): ObjectVersion | undefined {
    const newest = this.versionsOf(key).at(-1)
    return newest?.isDeleteMarker ? undefined : newest
  }

  /** The version asked for, or the current one. Throws NoSuchKey, NoSuchVersion, MethodNotAllowed on a marker. */
  find(key: string, versionId: string | undefined): ObjectVersion {
    if (versionId === undefined) {
      const newest = this.versionsOf(key).at(-1)
      const marker: Record<string, string> = newest?.isDeleteMarker
        ? { 'x-amz-delete-marker': 'true', 'x-amz-version-id': newest.versionId }
        : {}
      if (newest === undefined || newest.isDeleteMarker) throw new S3Error('NoSuchKey', 'The specified key does not exist.', marker)
      return newest
    }
    const version = this.versionsOf(key).find((each) => each.versionId === versionId)
    if (version === undefined) throw new S3Error('NoSuchVersion', 'The specified version does not exist.')
    if (version.isDeleteMarker) {
      throw new S3Error('MethodNotAllowed', 'The specified method is not allowed against this resource.', { 'x-amz-delete-marker': 'true' })
    }
    return version
  }

  newVersionId(): string {
    return this.versioning === 'Enabled' ? randomBytes(16).toString('hex') : 'null'
  }

  /** Adds a version; one with id `null` replaces the earlier one of that id. */
  add(key: string, version: ObjectVersion): void {
    const others = this.versionsOf(key).filter((each) => version.versionId !== 'null' || each.versionId !== 'null')
    if (others.length === 0 && !this.#versions.has(key)) this.#sortedKeys = undefined
    this.#versions.set(key, [...others, version])
  }

  remove(key: string, versionId: string): void {
    const others = this.versionsOf(key).filter((each) => each.versionId !== versionId)
    if (others.length > 0) this.#versions.set(key, others)
    else if (this.#versions.delete(key)) this.#sortedKeys = undefined
  }
}

export class ServerState {
  readonly buckets = new Map<string, Bucket>()

  bucket(name: string): Bucket {
    const bucket = this.buckets.get(name)
    if (bucket === undefined) throw new S3Error('NoSuchBucket', 'The specified bucket does not exist')
    return bucket
  }
}
