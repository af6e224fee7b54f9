// Loads the index: every segment that is there, minus what prune has condemned. What was loaded once can be brought up to
// date later: only segments that are new are read.
import { Semaphore } from '../async/semaphore.ts'
import type { Backend, ObjectInfo } from '../backend/backend.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { isVaultError, VaultError } from '../errors/vault-error.ts'
import type { PackId, SegmentId } from '../ids/ids.ts'
import { openSegment, parseSegmentName, segmentName, SEGMENT_PREFIX } from '../index/segment.ts'
import { VaultIndex } from '../index/vault-index.ts'
import { SEGMENT_BYTES_MAX } from '../limits/limits.ts'

/** About what a blob takes in a segment: id, type, codec and varints. */
const ENTRY_BYTES_TYPICAL = 44

/** Listings of one loading: each but the first because a segment of the last one was merged into another meanwhile. */
const LISTINGS_MAX = 5

export interface LoadedIndex {
  readonly index: VaultIndex
  /** Those that were read. */
  readonly segments: ReadonlySet<SegmentId>
  /** Those that another one says it replaces. */
  readonly superseded: ReadonlySet<SegmentId>
  /** Segments that could not be read, when the caller asked to go on without them. */
  readonly damaged: readonly { readonly segment: SegmentId; readonly error: VaultError }[]
  /** Reads the segments that have come since; returns how many. Throws as loading did. */
  update(): Promise<number>
}

export interface IndexLoading {
  readonly backend: Backend
  readonly keys: Keyring
  readonly condemned?: Iterable<PackId>
  readonly signal?: AbortSignal
  /** `stop` (default) throws at a damaged segment; `report` goes on and lists it. */
  readonly onDamage?: 'stop' | 'report'
}

interface ListedSegment {
  readonly segment: SegmentId
  readonly info: ObjectInfo
}

async function listSegments({ backend, signal }: IndexLoading): Promise<ListedSegment[]> {
  const listed: ListedSegment[] = []
  for await (const info of backend.list(SEGMENT_PREFIX, signal ? { signal } : {})) {
    const segment = parseSegmentName(info.name)
    if (segment) listed.push({ segment, info })
  }
  return listed
}

/** Throws `vault-damaged` at a damaged segment unless told to report. A segment deleted meanwhile was merged by prune. */
export async function loadIndex(loading: IndexLoading): Promise<LoadedIndex> {
  const listed = await listSegments(loading)
  const totalBytes = listed.reduce((sum, { info }) => sum + info.sizeBytes, 0)
  const index = new VaultIndex(totalBytes / ENTRY_BYTES_TYPICAL)
  index.condemn(loading.condemned ?? [])
  const reading = new SegmentReading(loading, index)
  await reading.readAll(listed)
  return {
    index, segments: reading.known, superseded: reading.superseded, damaged: reading.damaged,
    update: async () => reading.readAll(await listSegments(loading)),
  }
}

class SegmentReading {
  readonly damaged: { segment: SegmentId; error: VaultError }[] = []
  readonly #loading: IndexLoading
  readonly #index: VaultIndex
  /** Read, sound or damaged. */
  readonly known = new Set<SegmentId>()
  readonly superseded = new Set<SegmentId>()

  constructor(loading: IndexLoading, index: VaultIndex) {
    this.#loading = loading
    this.#index = index
  }

  /** Reads those not known yet; as long as some are gone since they were listed, what replaced them is listed again. */
  async readAll(listed: readonly ListedSegment[]): Promise<number> {
    const slots = new Semaphore(this.#loading.backend.connectionsMax)
    let readCount = 0
    for (let listings = 1; ; listings++) {
      const unread = listed.filter(({ segment }) => !this.known.has(segment))
      const outcomes = await Promise.all(unread.map(({ segment }) => slots.with(() => this.#read(segment))))
      readCount += outcomes.filter((outcome) => outcome === 'read').length
      if (!outcomes.includes('gone') || listings >= LISTINGS_MAX) return readCount
      listed = await listSegments(this.#loading)
    }
  }

  async #read(segment: SegmentId): Promise<'read' | 'damaged' | 'gone'> {
    const { backend, keys, signal, onDamage } = this.#loading
    try {
      const options = { bytesMax: SEGMENT_BYTES_MAX, ...(signal ? { signal } : {}) }
      const opened = openSegment(keys, segment, await backend.get(segmentName(segment), undefined, options))
      this.#index.addSegment(segment, opened)
      for (const id of opened.supersedes) this.superseded.add(id)
      this.known.add(segment)
      return 'read'
    } catch (error) {
      if (isVaultError(error, 'object-missing')) return 'gone'
      if (!isVaultError(error, 'vault-damaged') || onDamage !== 'report') throw error
      this.damaged.push({ segment, error })
      this.known.add(segment)
      return 'damaged'
    }
  }
}
