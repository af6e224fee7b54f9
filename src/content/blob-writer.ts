// From plain bytes to a stored blob: id, look-up in the shared index, and only for a new blob compression, sealing and a
// place in the open pack. One a thread and pack kind; it shares the index table with all others and nothing else.
import { compress, type CompressionPreference } from '../compress/codec.ts'
import type { RandomSource } from '../async/random.ts'
import { BlobSealer } from '../crypto/data-key.ts'
import type { BlobType, Keyring } from '../crypto/keyring.ts'
import type { BlobId } from '../ids/ids.ts'
import type { BlobTable } from '../index/blob-table.ts'
import type { PackStates } from '../index/pack-states.ts'
import type { PackKind } from '../pack/layout.ts'
import { PackWriter, type SealedPack } from '../pack/pack-writer.ts'

/** Where finished packs go. Both calls are synchronous; `buffer` may block the thread until one is free. */
export interface PackOutlet {
  /** A buffer of the pack's target size. */
  buffer(kind: PackKind): Uint8Array
  emit(pack: SealedPack): void
}

/** Header, key table, directory and footer of a pack of one blob, with room to spare. */
const PACK_OVERHEAD_BYTES = 4096

export interface WriteCounts {
  blobsAdded: number
  /** Plain bytes of blobs added. */
  bytesAdded: number
  /** Sealed bytes of blobs added. */
  bytesStored: number
}

export interface BlobWriterParts {
  readonly keys: Keyring
  readonly random: RandomSource
  readonly table: BlobTable
  readonly states: PackStates
  readonly outlet: PackOutlet
  /** Size of the outlet's buffers. */
  readonly targetBytes: number
  readonly compression: CompressionPreference
}

export class BlobWriter {
  readonly counts: WriteCounts = { blobsAdded: 0, bytesAdded: 0, bytesStored: 0 }
  readonly #kind: PackKind
  readonly #parts: BlobWriterParts
  readonly #sealer: BlobSealer
  #pack: PackWriter | undefined

  constructor(kind: PackKind, parts: BlobWriterParts) {
    this.#kind = kind
    this.#parts = parts
    this.#sealer = new BlobSealer(parts.keys, parts.random)
  }

  /** Stores `plain` unless the vault (usable location) or this run has it. `plain` may be reused afterwards. */
  save(type: BlobType, plain: Uint8Array): BlobId {
    const { keys, table, states } = this.#parts
    const id = keys.blobId(type, plain)
    const packNumber = table.find(id, states.isUsable)
    if (packNumber === -1 || (packNumber !== undefined && states.use(packNumber))) return id
    table.claim(id)
    const { codec, bytes } = compress(plain, this.#parts.compression)
    const pack = this.#open(bytes.length)
    const before = pack.sizeBytes
    pack.add(type, id, bytes, codec, plain.length)
    this.counts.blobsAdded++
    this.counts.bytesAdded += plain.length
    this.counts.bytesStored += pack.sizeBytes - before
    return id
  }

  #open(storedBytes: number): PackWriter {
    if (this.#pack?.fits(storedBytes)) return this.#pack
    this.flush()
    const sizeMin = storedBytes + PACK_OVERHEAD_BYTES
    // A blob larger than the pack's target gets a pack of its own.
    const buffer = sizeMin > this.#parts.targetBytes ? new Uint8Array(sizeMin) : this.#parts.outlet.buffer(this.#kind)
    this.#pack = new PackWriter(this.#kind, this.#parts.keys.vault, this.#sealer, buffer)
    return this.#pack
  }

  /** Closes the open pack, if any, and hands it out. */
  flush(): void {
    const pack = this.#pack
    this.#pack = undefined
    if (pack && !pack.isEmpty) this.#parts.outlet.emit(pack.finish())
  }
}
