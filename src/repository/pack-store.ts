// Where finished packs go: stored, then known to the index, then named by an index segment. Order is the safety argument:
// a segment is written only when all packs it names are stored.
import { TaskGroup } from '../async/task-group.ts'
import type { RandomSource } from '../async/random.ts'
import type { Backend } from '../backend/backend.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { PackId, SegmentId } from '../ids/ids.ts'
import { SEGMENT_ENTRIES_TARGET } from '../limits/limits.ts'
import { decodePack, sealSegment, segmentName, type EncodedPack, type IndexedPack } from '../index/segment.ts'
import type { VaultIndex } from '../index/vault-index.ts'
import { packName, type PackKind } from '../pack/layout.ts'
import type { SealedPack } from '../pack/pack-writer.ts'

export interface PackStoreParts {
  readonly backend: Backend
  readonly keys: Keyring
  readonly random: RandomSource
  readonly index: VaultIndex
  readonly signal?: AbortSignal
  /** Hears of each pack before it is sent, so that an interrupted run can be continued: it may be stored and in no segment. */
  readonly onStoring?: (pack: { readonly kind: PackKind; readonly id: PackId }) => void
  readonly onUploaded?: (bytes: number) => void
}

export class PackStore {
  readonly #parts: PackStoreParts
  readonly #uploads: TaskGroup
  /** Packs of the segment that is being filled; checkpoints write it again and again until it is full. */
  #open: EncodedPack[] = []
  #openEntries = 0
  #unindexed = 0
  #checkpoint: SegmentId | undefined
  packsStored = 0
  bytesStored = 0
  segmentsStored = 0

  constructor(parts: PackStoreParts) {
    this.#parts = parts
    this.#uploads = new TaskGroup(parts.backend.connectionsMax)
  }

  /** Starts to store a pack; returns when a connection was free. `release` is called when its bytes are no longer needed. */
  async accept(pack: SealedPack, release?: () => void): Promise<void> {
    await this.#uploads.add(async () => {
      try {
        await this.#store(pack)
      } finally {
        release?.()
      }
    })
  }

  async #store(pack: SealedPack): Promise<void> {
    const { backend, signal, onStoring, onUploaded } = this.#parts
    onStoring?.(pack)
    await backend.put(packName(pack.kind, pack.id), pack.bytes, signal ? { signal } : {})
    const { id, kind, keyTable, directory } = pack
    const encoded: EncodedPack = { id, kind, sizeBytes: pack.bytes.length, keyTable, directory }
    this.packsStored++
    this.bytesStored += encoded.sizeBytes
    onUploaded?.(encoded.sizeBytes)
    this.adopt(encoded, decodePack(encoded))
  }

  /** Takes a pack that is stored already (by an interrupted run) into this run's index. */
  adopt(encoded: EncodedPack, decoded: IndexedPack): void {
    this.#parts.index.addPack(decoded)
    const packNumber = this.#parts.index.numberOf(encoded.id)
    if (packNumber !== undefined) this.#parts.index.states.use(packNumber)
    this.#open.push(encoded)
    this.#openEntries += decoded.entries.length
    this.#unindexed++
  }

  /** Waits for all uploads. Throws what the first failed one threw. */
  async drain(): Promise<void> {
    await this.#uploads.finish()
  }

  /**
   * Names all packs stored so far in a segment. It supersedes the last checkpoint as long as that one was small, so that a
   * long run leaves few segments; a full one is left as it is.
   */
  async writeSegment(): Promise<void> {
    if (this.#unindexed === 0) return
    const { backend, keys, random, signal } = this.#parts
    const packs = [...this.#open] // packs go on arriving while the segment is under way
    const entries = this.#openEntries
    const segment = sealSegment(keys, random, { supersedes: this.#checkpoint ? [this.#checkpoint] : [], packs })
    const covered = this.#unindexed
    await backend.put(segmentName(segment.id), segment.bytes, signal ? { signal } : {})
    this.#unindexed -= covered // not before: after a failure the next call must write them
    this.segmentsStored++
    for (const pack of packs) {
      const packNumber = this.#parts.index.numberOf(pack.id)
      if (packNumber !== undefined) this.#parts.index.packs[packNumber]?.segments.add(segment.id)
    }
    if (entries < SEGMENT_ENTRIES_TARGET) {
      this.#checkpoint = segment.id
      return
    }
    this.#checkpoint = undefined
    this.#open = this.#open.slice(packs.length)
    this.#openEntries -= entries
  }
}
