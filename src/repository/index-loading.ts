// Loads the index: every segment that is there, minus what prune has condemned.
import { Semaphore } from '../async/semaphore.ts'
import type { Backend, ObjectInfo } from '../backend/backend.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { isVaultError, VaultError } from '../errors/vault-error.ts'
import type { PackId, SegmentId } from '../ids/ids.ts'
import { openSegment, parseSegmentName, segmentName, SEGMENT_PREFIX } from '../index/segment.ts'
import { VaultIndex } from '../index/vault-index.ts'

/** About what a blob takes in a segment: id, type, codec and varints. */
const ENTRY_BYTES_TYPICAL = 44

export interface LoadedIndex {
  readonly index: VaultIndex
  readonly segments: readonly SegmentId[]
  /** Those that another one says it replaces. */
  readonly superseded: ReadonlySet<SegmentId>
  /** Segments that could not be read, when the caller asked to go on without them. */
  readonly damaged: readonly { readonly segment: SegmentId; readonly error: VaultError }[]
}

export interface IndexLoading {
  readonly backend: Backend
  readonly keys: Keyring
  readonly condemned?: Iterable<PackId>
  readonly signal?: AbortSignal
  /** `stop` (default) throws at a damaged segment; `report` goes on and lists it. */
  readonly onDamage?: 'stop' | 'report'
}

/** Throws `vault-damaged` at a damaged segment unless told to report. A segment deleted meanwhile was merged by prune. */
export async function loadIndex(loading: IndexLoading): Promise<LoadedIndex> {
  const { backend, keys } = loading
  const options = loading.signal ? { signal: loading.signal } : {}
  const listed: { segment: SegmentId; info: ObjectInfo }[] = []
  for await (const info of backend.list(SEGMENT_PREFIX, options)) {
    const segment = parseSegmentName(info.name)
    if (segment) listed.push({ segment, info })
  }
  const totalBytes = listed.reduce((sum, { info }) => sum + info.sizeBytes, 0)
  const index = new VaultIndex(totalBytes / ENTRY_BYTES_TYPICAL)
  index.condemn(loading.condemned ?? [])
  const damaged: { segment: SegmentId; error: VaultError }[] = []
  const superseded = new Set<SegmentId>()
  const slots = new Semaphore(backend.connectionsMax)
  const read = async (segment: SegmentId): Promise<void> => {
    try {
      const opened = openSegment(keys, segment, await backend.get(segmentName(segment), undefined, options))
      index.addSegment(segment, opened)
      for (const id of opened.supersedes) superseded.add(id)
    } catch (error) {
      if (isVaultError(error, 'object-missing')) return
      if (!isVaultError(error, 'vault-damaged') || loading.onDamage !== 'report') throw error
      damaged.push({ segment, error })
    }
  }
  await Promise.all(listed.map(({ segment }) => slots.with(() => read(segment))))
  return { index, segments: listed.map(({ segment }) => segment), superseded, damaged }
}
