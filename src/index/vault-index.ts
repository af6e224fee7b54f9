// The whole index of a vault: which blob lies where. Packs have small numbers here; names and key tables stand once a pack.
import type { WrappedDataKey } from '../crypto/data-key.ts'
import type { PackId, SegmentId } from '../ids/ids.ts'
import type { PackKind } from '../pack/layout.ts'
import { BlobTable, type BlobPlace } from './blob-table.ts'
import { PackStates } from './pack-states.ts'
import type { PackDescription, Segment } from './segment.ts'

export interface PackRecord {
  readonly id: PackId
  readonly kind: PackKind
  readonly sizeBytes: number
  readonly keys: readonly WrappedDataKey[]
  blobCount: number
  /** Segments that name it. Empty while only this session knows it. */
  readonly segments: Set<SegmentId>
}

/** Where a blob lies, ready to be read. */
export interface BlobLocation extends BlobPlace {
  readonly pack: PackRecord
  readonly key: WrappedDataKey
}

/** What a worker thread needs to look blobs up. */
export interface SharedIndex {
  readonly table: SharedArrayBuffer
  readonly states: SharedArrayBuffer
}

export class VaultIndex {
  readonly table: BlobTable
  readonly states = new PackStates()
  readonly #packs: PackRecord[] = []
  readonly #numbers = new Map<PackId, number>()
  readonly #condemned = new Set<PackId>()

  constructor(expectedBlobs: number) {
    this.table = new BlobTable({ expectedBlobs })
  }

  get shared(): SharedIndex {
    return { table: this.table.shared, states: this.states.shared }
  }

  get packs(): readonly PackRecord[] {
    return this.#packs
  }

  numberOf(id: PackId): number | undefined {
    return this.#numbers.get(id)
  }

  addSegment(id: SegmentId, segment: Segment): void {
    for (const pack of segment.packs) this.addPack(pack, id)
  }

  /** Takes a pack's directory; a pack that is known already only gains the segment's name. */
  addPack(pack: PackDescription, segment?: SegmentId): void {
    const known = this.#numbers.get(pack.id)
    if (known !== undefined) {
      if (segment) this.#packs[known]?.segments.add(segment)
      return
    }
    const packNumber = this.#packs.length
    this.states.admit(packNumber)
    if (this.#condemned.has(pack.id)) this.states.set(packNumber, 'condemned')
    // Copies: the key table as it was decoded is a view that keeps its whole segment in memory, 45 bytes a blob.
    const keys = pack.keys.map((key) => ({ ...key, wrapped: new Uint8Array(key.wrapped) }))
    const record: PackRecord = {
      id: pack.id, kind: pack.kind, sizeBytes: pack.sizeBytes, keys, blobCount: 0,
      segments: new Set(segment ? [segment] : []),
    }
    this.#packs.push(record)
    this.#numbers.set(pack.id, packNumber)
    for (const { id, offset, length, codec, rawLength, keyIndex } of pack.entries) {
      this.table.add(id, { packNumber, offset, length, codec, rawLength, keyIndex })
      record.blobCount++
    }
  }

  /** From now on blobs of these packs count as absent (rule 7), also when a segment names them later. */
  condemn(packs: Iterable<PackId>): void {
    for (const id of packs) {
      this.#condemned.add(id)
      const packNumber = this.#numbers.get(id)
      if (packNumber !== undefined) this.states.set(packNumber, 'condemned')
    }
  }

  /** Takes back what `condemn` did: the pack's blobs count again. */
  pardon(packs: Iterable<PackId>): void {
    for (const id of packs) {
      this.#condemned.delete(id)
      const packNumber = this.#numbers.get(id)
      if (packNumber !== undefined) this.states.set(packNumber, 'usable')
    }
  }

  isCondemned(id: PackId): boolean {
    return this.#condemned.has(id)
  }

  /** True when the blob has a usable, uploaded location; marks the pack as used by this session. */
  use(id: Uint8Array): boolean {
    const packNumber = this.table.find(id, this.states.isUsable)
    return packNumber !== undefined && packNumber >= 0 && this.states.use(packNumber)
  }

  /** Packs that something of this session lies in: found by deduplication or inherited. */
  *usedPacks(): Generator<PackRecord> {
    for (const [packNumber, pack] of this.#packs.entries()) {
      if (this.states.isUsed(packNumber)) yield pack
    }
  }

  /** All places of a blob, usable packs first, condemned ones (still readable until deleted) last. */
  locate(id: Uint8Array): BlobLocation[] {
    const places = this.table.places(id, () => true)
    if (places.length > 1) {
      const rank = (place: BlobPlace): number => (this.states.isUsable(place.packNumber) ? 0 : 1)
      places.sort((a, b) => rank(a) - rank(b))
    }
    const locations: BlobLocation[] = []
    for (const place of places) {
      const pack = this.#packs[place.packNumber]
      const key = pack?.keys[place.keyIndex]
      if (pack && key) locations.push({ ...place, pack, key })
    }
    return locations
  }
}
