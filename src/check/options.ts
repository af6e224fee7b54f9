import type { Clock } from '../async/clock.ts'
import type { RandomSource } from '../async/random.ts'
import type { Backend } from '../backend/backend.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { Finding } from './finding.ts'
import type { PackSelection } from './pack-selection.ts'

export type CheckPhase = 'objects' | 'index' | 'trees' | 'packs' | 'damage'

/** Where a check stands. `total` is 0 while it is not known. */
export interface CheckProgress {
  readonly phase: CheckPhase
  /** Objects, segments, tree blobs or packs done in this phase. */
  readonly done: number
  readonly total: number
  readonly bytesDone: number
  readonly bytesTotal: number
  /** Errors found so far, including those whose finding is still being worked out. */
  readonly errors: number
}

/** A snapshot seen before, as people know it. */
export interface ExpectedSnapshot {
  readonly id: string
  readonly host: string
  readonly paths: readonly string[]
  readonly time: string
}

export interface CheckOptions {
  readonly backend: Backend
  readonly keys: Keyring
  readonly clock: Clock
  /** Picks packs for subsets by percent and size. */
  readonly random: RandomSource
  /** Snapshots that the caller knows to have been there: the newest of a series has no witness in the vault itself. */
  readonly expected?: readonly ExpectedSnapshot[]
  /** Which packs to read whole. Absent: none. */
  readonly readData?: PackSelection
  /** Threads that verify packs; 0 verifies in the calling thread. */
  readonly threads: number
  /** Bytes of packs in memory at once. Default: 128 MiB. */
  readonly inFlightBytesMax?: number
  /** Paths listed with a finding; the rest is counted. Default: 10. */
  readonly pathsMax?: number
  /** Hears of each finding as soon as it is complete. */
  readonly onFinding?: (finding: Finding) => void
  /** Called at most every 100 ms or so. */
  readonly onProgress?: (progress: CheckProgress) => void
  readonly signal?: AbortSignal
}

export interface CheckCounts {
  readonly objects: number
  readonly keySlots: number
  readonly snapshots: number
  readonly segments: number
  /** Packs that the index names. */
  readonly packs: number
  readonly packBytes: number
  /** Places of blobs that the index names. */
  readonly blobs: number
  /** Directories, content lists, link tables and xattr blobs read and decoded, each once. */
  readonly metadataBlobsRead: number
  readonly packsRead: number
  readonly packBytesRead: number
  readonly blobsVerified: number
  /** Plain bytes of the blobs verified. */
  readonly plainBytesVerified: number
}

export interface CheckReport {
  readonly errors: number
  readonly notes: number
  /** All findings, in the order they were given to `onFinding`. */
  readonly findings: readonly Finding[]
  readonly counts: CheckCounts
  /** Bytes fetched from the storage. */
  readonly bytesRead: number
  readonly durationsMs: Readonly<Record<CheckPhase, number>>
  readonly durationMs: number
}
