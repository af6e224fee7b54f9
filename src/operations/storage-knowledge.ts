// What is known of the storage that a command works on: from the vault's config, from this machine's memory, or probed
// now. Asked at the first PUT only, so a command that reads probes nothing, and neither does a nightly backup once the
// answer is recorded.
import { systemClock } from '../async/clock.ts'
import type { S3Connection } from '../backend/s3/client.ts'
import { parseLocation } from '../backend/location.ts'
import type { StorageMemory } from '../cache/storage-memory.ts'
import { isSamePlace, type StorageRecord } from '../probe/capabilities.ts'
import type { ProbedBucket } from '../probe/probed-bucket.ts'

export interface StorageAccess {
  readonly repo: string
  readonly connection: S3Connection
  readonly signal?: AbortSignal | undefined
}

export interface OpenedRecords {
  /** Of the vault's config; undefined in vaults that were made without. */
  readonly recorded: StorageRecord | undefined
  readonly memory: StorageMemory
}

export class StorageKnowledge {
  readonly #access: StorageAccess
  #records: OpenedRecords | undefined
  #answer: Promise<boolean> | undefined

  constructor(access: StorageAccess) {
    this.#access = access
  }

  /** The vault is open: what it and this machine remember counts from now on. */
  vaultOpened(records: OpenedRecords): void {
    this.#records = records
  }

  /** Probes the bucket in brief, for a vault that is being made; undefined for a directory. Its answer counts from now on. */
  async probeForNewVault(): Promise<StorageRecord | undefined> {
    const { probeBriefly } = await import('../probe/brief.ts')
    const record = await this.#probe(probeBriefly)
    if (record !== undefined) this.#answer = Promise.resolve(isHonoured(record))
    return record
  }

  /** For S3BackendOptions.conditionalPut. A probe that got no answer is made again at the next PUT. */
  readonly honoursConditions = (): Promise<boolean> => {
    const answer = (this.#answer ??= this.#find())
    answer.catch(() => {
      if (this.#answer === answer) this.#answer = undefined
    })
    return answer
  }

  async #find(): Promise<boolean> {
    const record = await this.#probe(async (bucket) => await this.#recall(bucket) ?? (await this.#probeCondition(bucket)))
    return record !== undefined && isHonoured(record)
  }

  async #probeCondition(bucket: ProbedBucket): Promise<StorageRecord> {
    const { probeConditionOnly } = await import('../probe/brief.ts')
    const record = await probeConditionOnly(bucket)
    if (isTold(record)) this.#records?.memory.remember(record)
    return record
  }

  async #recall(bucket: ProbedBucket): Promise<StorageRecord | undefined> {
    if (this.#records === undefined) return undefined
    const { recorded, memory } = this.#records
    const place = { endpoint: (await bucket.endpoint()).endpoint, bucket: bucket.bucket }
    const known = [memory.recall(place), recorded]
    return known.find((record) => record !== undefined && isSamePlace(record, place) && isTold(record))
  }

  async #probe(work: (bucket: ProbedBucket) => Promise<StorageRecord>): Promise<StorageRecord | undefined> {
    const location = parseLocation(this.#access.repo)
    if (location.kind === 'directory') return undefined
    const { ProbedBucket: bucketProbes } = await import('../probe/probed-bucket.ts')
    const { connection, signal } = this.#access
    const bucket = await bucketProbes.open({ ...location, connection, clock: systemClock, signal })
    try {
      return await work(bucket)
    } finally {
      bucket.close()
    }
  }
}

/** What could not be found out is asked again the next time. */
const isTold = ({ capabilities }: StorageRecord): boolean => capabilities.conditionalPut !== 'unknown'

const isHonoured = ({ capabilities }: StorageRecord): boolean => capabilities.conditionalPut === 'honoured'
