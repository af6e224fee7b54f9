// Where finished packs go: stored, then known to the index, then named by an index segment. Order is the safety argument:
// a segment is written only when all packs it names are stored.
import { TaskGroup } from '../async/task-group.ts'
import type { RandomSource } from '../async/random.ts'
import type { Backend } from '../backend/backend.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { assert } from '../errors/assert.ts'
import type { PackId, SegmentId } from '../ids/ids.ts'
import { SEGMENT_ENTRIES_TARGET } from '../limits/limits.ts'
import { decodePackLazily, sealSegment, segmentName, type EncodedPack } from '../index/segment.ts'
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
  readonly #open: OpenPack[] = []
  #writing: Promise<void> = Promise.resolve()
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

  /** Stores a pack and returns when it is in the index; a failure is the caller's alone. Waits for no other upload. */
  async storeNow(pack: SealedPack): Promise<void> {
    await this.#store(pack)
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
    this.admit(encoded)
  }

  /** Takes a stored pack into this run's index: one of our own, or of an interrupted run. */
  admit(pack: EncodedPack): void {
    const { index } = this.#parts
    index.addPack(decodePackLazily(pack))
    const packNumber = index.numberOf(pack.id)
    assert(packNumber !== undefined, 'an added pack has a number')
    index.states.use(packNumber)
    this.#open.push({ pack, entryCount: index.packs[packNumber]?.blobCount ?? 0, isNamed: false })
  }

  /** Waits for all uploads. Throws what the first failed one threw. */
  async drain(): Promise<void> {
    await this.#uploads.finish()
  }

  /**
   * Names all packs stored so far in segments. A segment supersedes the last checkpoint as long as that one was small, so
   * that a long run leaves few; a full one is left as it is. Calls run one after another: a checkpoint, the end of the run
   * and a rescue may ask at once.
   */
  writeSegment(): Promise<void> {
    const written = this.#writing.then(() => this.#writeSegments())
    this.#writing = written.catch(() => undefined) // the caller of that one hears of it
    return written
  }

  async #writeSegments(): Promise<void> {
    while (this.#open.some(({ isNamed }) => !isNamed)) {
      const part = this.#fullSegment()
      const entryCount = part.reduce((sum, open) => sum + open.entryCount, 0)
      const isFull = part.length < this.#open.length || entryCount >= SEGMENT_ENTRIES_TARGET
      const id = await this.#putSegment(part.map(({ pack }) => pack))
      for (const open of part) open.isNamed = true
      this.#checkpoint = isFull ? undefined : id
      if (isFull) this.#open.splice(0, part.length)
    }
  }

  /** The oldest open packs, up to the target of a segment; they hold all that the last checkpoint named. */
  #fullSegment(): OpenPack[] {
    let entryCount = 0
    let count = 0
    while (count < this.#open.length && (count === 0 || entryCount < SEGMENT_ENTRIES_TARGET)) {
      entryCount += this.#open[count]?.entryCount ?? 0
      count++
    }
    return this.#open.slice(0, count)
  }

  async #putSegment(packs: readonly EncodedPack[]): Promise<SegmentId> {
    const { backend, keys, random, signal, index } = this.#parts
    const segment = sealSegment(keys, random, { supersedes: this.#checkpoint ? [this.#checkpoint] : [], packs })
    await backend.put(segmentName(segment.id), segment.bytes, signal ? { signal } : {})
    this.segmentsStored++
    for (const { id } of packs) {
      const packNumber = index.numberOf(id)
      if (packNumber !== undefined) index.packs[packNumber]?.segments.add(segment.id)
    }
    return segment.id
  }
}

interface OpenPack {
  readonly pack: EncodedPack
  readonly entryCount: number
  isNamed: boolean
}
