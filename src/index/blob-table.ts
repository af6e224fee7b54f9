// The index in memory: a hash table in one growable SharedArrayBuffer, read and written by all threads without locks.
// 32 bytes a slot, 3/8 to 3/4 filled: 43 to 86 bytes a blob.
//
// slot := id prefix (16 bytes, 4 words) | state | offset | length:26 codec:3 | rawLength:26
//         and the key's place in 9 bits: 3 above codec, 6 above rawLength
// state: 0 empty, WRITING while a thread fills the id, PENDING for a blob that is claimed and not yet in an uploaded pack,
//        else the pack's number + 1.
//
// The id is an HMAC, so its first words are a uniform hash and nobody can aim at collisions; 16 bytes of it suffice to
// find a blob, and its AEAD binds all 32. A full table is never moved (other threads may be in it): the next level,
// twice as large, is appended, and a look-up probes each level. Order of writes: claim state by CAS, write, publish
// state (Atomics.store releases).
import { assert } from '../errors/assert.ts'

const SLOT_WORDS = 8
const SLOT_BYTES = SLOT_WORDS * 4
const HEADER_WORDS = 64 // level count at 0, growth lock at 1, used slots of level i at 8 + i
const LEVELS_MAX = 32
const LEVEL_COUNT = 0
const GROW_LOCK = 1
const USED = 8
const BASE_SLOTS = 2
const EMPTY = 0
const PENDING = 0xffff_fffe
const WRITING = 0xffff_ffff
export const PACK_NUMBER_MAX = 0xffff_fff0
/** Address space reserved, not memory used: room for 100 million blobs. */
const RESERVED_BYTES = [8 * 2 ** 30, 2 * 2 ** 30, 256 * 2 ** 20]

export interface BlobPlace {
  readonly packNumber: number
  readonly offset: number
  readonly length: number
  readonly codec: number
  readonly rawLength: number
  readonly keyIndex: number
}

/** What a look-up found. */
export type Presence = 'absent' | 'pending' | 'stored'

function reserve(slots: number): SharedArrayBuffer {
  const byteLength = HEADER_WORDS * 4 + slots * SLOT_BYTES
  for (const maxByteLength of RESERVED_BYTES) {
    try {
      return new SharedArrayBuffer(byteLength, { maxByteLength: Math.max(maxByteLength, byteLength) })
    } catch (error) {
      if (!(error instanceof RangeError)) throw error // RangeError: a limit on address space; try less
    }
  }
  return new SharedArrayBuffer(byteLength)
}

const powerOfTwo = (count: number): number => 2 ** Math.ceil(Math.log2(Math.max(count, 1)))

export class BlobTable {
  readonly shared: SharedArrayBuffer
  readonly #words: Uint32Array
  readonly #atomic: Int32Array

  /** Opens the table of `shared`, or makes one with room for `expectedBlobs` in its first level. */
  constructor(source: { shared: SharedArrayBuffer } | { expectedBlobs: number }) {
    if ('shared' in source) {
      this.shared = source.shared
      this.#words = new Uint32Array(source.shared)
      this.#atomic = new Int32Array(source.shared)
      return
    }
    const slots = powerOfTwo(Math.max(16384, (source.expectedBlobs * 4) / 3 + 1))
    this.shared = reserve(slots)
    this.#words = new Uint32Array(this.shared)
    this.#atomic = new Int32Array(this.shared)
    this.#words[BASE_SLOTS] = slots
    this.#atomic[LEVEL_COUNT] = 1
  }

  #levelSlots(level: number): number {
    return (this.#words[BASE_SLOTS] ?? 0) * 2 ** level
  }

  /** First word of a level: levels double, so those before it hold base * (2^level - 1) slots. */
  #levelStart(level: number): number {
    return HEADER_WORDS + (this.#words[BASE_SLOTS] ?? 0) * (2 ** level - 1) * SLOT_WORDS
  }

  #state(slot: number): number {
    let state = Atomics.load(this.#atomic, slot + 4) >>> 0
    while (state === WRITING) state = Atomics.load(this.#atomic, slot + 4) >>> 0 // a few stores long
    return state
  }

  #matches(slot: number, id: DataView): boolean {
    const words = this.#words
    return words[slot] === id.getUint32(0, true) && words[slot + 1] === id.getUint32(4, true) &&
      words[slot + 2] === id.getUint32(8, true) && words[slot + 3] === id.getUint32(12, true)
  }

  /** Calls `visit` with the slot of each copy of `id` until it returns true. */
  #each(id: DataView, visit: (slot: number, state: number) => boolean): void {
    const levels = Atomics.load(this.#atomic, LEVEL_COUNT)
    for (let level = 0; level < levels; level++) {
      const mask = this.#levelSlots(level) - 1
      const start = this.#levelStart(level)
      for (let probe = id.getUint32(0, true) & mask; ; probe = (probe + 1) & mask) {
        const slot = start + probe * SLOT_WORDS
        const state = this.#state(slot)
        if (state === EMPTY) break
        if (this.#matches(slot, id) && visit(slot, state)) return
      }
    }
  }

  #place(slot: number, state: number): BlobPlace {
    const words = this.#words
    const packed = words[slot + 6] ?? 0
    const raw = words[slot + 7] ?? 0
    return {
      packNumber: state - 1, offset: words[slot + 5] ?? 0, length: packed & 0x3ff_ffff, codec: (packed >>> 26) & 7,
      rawLength: raw & 0x3ff_ffff, keyIndex: (packed >>> 29) | ((raw >>> 26) << 3),
    }
  }

  /** Places of a blob that `usable` accepts by pack number, best first (order of insertion). */
  places(id: Uint8Array, usable: (packNumber: number) => boolean): BlobPlace[] {
    const found: BlobPlace[] = []
    this.#each(viewOf(id), (slot, state) => {
      if (state !== PENDING && usable(state - 1)) found.push(this.#place(slot, state))
      return false
    })
    return found
  }

  /** The number of the first usable pack that holds `id`; -1 when it is only pending; undefined when absent. */
  find(id: Uint8Array, usable: (packNumber: number) => boolean): number | undefined {
    let result: number | undefined
    this.#each(viewOf(id), (_slot, state) => {
      if (state === PENDING) {
        result ??= -1
        return false
      }
      if (!usable(state - 1)) return false
      result = state - 1
      return true
    })
    return result
  }

  /** Marks `id` as being stored by the caller. Two threads that claim one id at once may both be told to store it. */
  claim(id: Uint8Array): void {
    this.#insert(viewOf(id), PENDING, 0, 0, 0)
  }

  /** Records where a blob lies; a pending claim becomes this place. */
  add(id: Uint8Array, place: BlobPlace): void {
    assert(place.packNumber <= PACK_NUMBER_MAX && place.length < 2 ** 26 && place.rawLength < 2 ** 26, 'place fits its slot')
    assert(place.keyIndex < 512 && place.codec < 8, 'key and codec fit their slot')
    const view = viewOf(id)
    const packed = (place.length | (place.codec << 26) | ((place.keyIndex & 7) << 29)) >>> 0
    const raw = (place.rawLength | ((place.keyIndex >>> 3) << 26)) >>> 0
    let claimed = -1
    this.#each(view, (slot, state) => {
      if (state === PENDING) claimed = slot
      return state === PENDING
    })
    if (claimed < 0) return this.#insert(view, place.packNumber + 1, place.offset, packed, raw)
    this.#words[claimed + 5] = place.offset
    this.#words[claimed + 6] = packed
    this.#words[claimed + 7] = raw
    Atomics.store(this.#atomic, claimed + 4, (place.packNumber + 1) | 0)
  }

  #insert(id: DataView, state: number, offset: number, packed: number, raw: number): void {
    for (;;) {
      const level = Atomics.load(this.#atomic, LEVEL_COUNT) - 1
      const slots = this.#levelSlots(level)
      if (Atomics.load(this.#atomic, USED + level) >= slots * 0.75) {
        this.#grow(level + 1)
        continue
      }
      Atomics.add(this.#atomic, USED + level, 1)
      const mask = slots - 1
      const start = this.#levelStart(level)
      for (let probe = id.getUint32(0, true) & mask; ; probe = (probe + 1) & mask) {
        const slot = start + probe * SLOT_WORDS
        if (Atomics.compareExchange(this.#atomic, slot + 4, EMPTY, WRITING | 0) !== EMPTY) continue
        for (let word = 0; word < 4; word++) this.#words[slot + word] = id.getUint32(word * 4, true)
        this.#words[slot + 5] = offset
        this.#words[slot + 6] = packed
        this.#words[slot + 7] = raw
        Atomics.store(this.#atomic, slot + 4, state | 0)
        return
      }
    }
  }

  #grow(level: number): void {
    assert(level < LEVELS_MAX, 'index levels')
    while (Atomics.compareExchange(this.#atomic, GROW_LOCK, 0, 1) !== 0) {
      if (Atomics.load(this.#atomic, LEVEL_COUNT) > level) return
    }
    try {
      if (Atomics.load(this.#atomic, LEVEL_COUNT) !== level) return
      this.shared.grow((this.#levelStart(level) + this.#levelSlots(level) * SLOT_WORDS) * 4)
      Atomics.store(this.#atomic, LEVEL_COUNT, level + 1)
    } finally {
      Atomics.store(this.#atomic, GROW_LOCK, 0) // also when memory runs out: others wait for the lock without end
    }
  }

  /** True when every blob of a pack has a usable place in another one. Reads every slot. */
  isReplaced(packNumber: number, usable: (packNumber: number) => boolean): boolean {
    for (let slot = HEADER_WORDS; slot < this.#words.length; slot += SLOT_WORDS) {
      if (this.#words[slot + 4] !== packNumber + 1) continue
      const id = new Uint8Array(this.shared, slot * 4, 16)
      if (this.find(id, (other) => other !== packNumber && usable(other)) === undefined) return false
    }
    return true
  }

  /**
   * Calls `visit` for each copy of each stored blob: the first 16 bytes of its id (a view that is not to be kept), its pack,
   * and its sealed bytes. Reads every slot.
   */
  eachCopy(visit: (id: Uint8Array, packNumber: number, length: number) => void): void {
    const words = this.#wordsNow()
    for (let slot = HEADER_WORDS; slot < words.length; slot += SLOT_WORDS) {
      const state = words[slot + 4] ?? 0
      if (state === EMPTY || state > PACK_NUMBER_MAX) continue
      visit(new Uint8Array(this.shared, slot * 4, 16), state - 1, (words[slot + 6] ?? 0) & 0x3ff_ffff)
    }
  }

  /** A view of fixed length, for reading every slot: one that grows with its buffer is several times slower. */
  #wordsNow(): Uint32Array {
    return new Uint32Array(this.shared, 0, this.shared.byteLength / 4)
  }

  /** Claims whose blob is in no stored pack yet: 0 when a run has stored all that it refers to. Reads every slot. */
  pendingCount(): number {
    let pending = 0
    const words = this.#wordsNow()
    for (let slot = HEADER_WORDS; slot < words.length; slot += SLOT_WORDS) {
      if (words[slot + 4] === PENDING) pending++
    }
    return pending
  }

  /** Stored blobs and their plain bytes, each copy counted. Reads every slot. */
  totals(): { blobs: number; rawBytes: number } {
    let blobs = 0
    let rawBytes = 0
    for (let slot = HEADER_WORDS; slot < this.#words.length; slot += SLOT_WORDS) {
      const state = this.#words[slot + 4] ?? 0
      if (state === EMPTY || state > PACK_NUMBER_MAX) continue
      blobs++
      rawBytes += (this.#words[slot + 7] ?? 0) & 0x3ff_ffff
    }
    return { blobs, rawBytes }
  }

  /** Slots in use: blobs known, each copy counted. */
  get count(): number {
    let total = 0
    for (let level = 0; level < Atomics.load(this.#atomic, LEVEL_COUNT); level++) {
      total += Atomics.load(this.#atomic, USED + level)
    }
    return total
  }

  get sizeBytes(): number {
    return this.shared.byteLength
  }
}

const viewOf = (id: Uint8Array): DataView => new DataView(id.buffer, id.byteOffset, id.length)
