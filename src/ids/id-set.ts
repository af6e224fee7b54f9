// A set of blob ids (or other uniform hashes of at least 16 bytes): 16 bytes a slot, at most three quarters filled, so 21
// to 43 bytes an id where a Set of strings takes over 100. Ids are keyed hashes: the first 16 bytes tell them apart and
// their first word spreads them.
const WORDS = 4
const SLOTS_FIRST = 1024

export class IdSet {
  #words = new Uint32Array(SLOTS_FIRST * WORDS)
  #count = 0
  #hasZero = false

  get size(): number {
    return this.#count + (this.#hasZero ? 1 : 0)
  }

  has(id: Uint8Array): boolean {
    const view = new DataView(id.buffer, id.byteOffset, 16)
    const a = view.getUint32(0, true)
    const b = view.getUint32(4, true)
    const c = view.getUint32(8, true)
    const d = view.getUint32(12, true)
    if ((a | b | c | d) === 0) return this.#hasZero
    const slot = this.#find(a, b, c, d)
    return !this.#isEmpty(slot)
  }

  /** False when it was there already. */
  add(id: Uint8Array): boolean {
    const view = new DataView(id.buffer, id.byteOffset, 16)
    const a = view.getUint32(0, true)
    const b = view.getUint32(4, true)
    const c = view.getUint32(8, true)
    const d = view.getUint32(12, true)
    if ((a | b | c | d) === 0) { // the mark of an empty slot
      const isNew = !this.#hasZero
      this.#hasZero = true
      return isNew
    }
    if (this.#count * WORDS * 4 >= this.#words.length * 3) this.#grow()
    const slot = this.#find(a, b, c, d)
    if (!this.#isEmpty(slot)) return false
    this.#put(slot, a, b, c, d)
    this.#count++
    return true
  }

  #isEmpty(slot: number): boolean {
    const words = this.#words
    return ((words[slot] ?? 0) | (words[slot + 1] ?? 0) | (words[slot + 2] ?? 0) | (words[slot + 3] ?? 0)) === 0
  }

  #put(slot: number, a: number, b: number, c: number, d: number): void {
    this.#words[slot] = a
    this.#words[slot + 1] = b
    this.#words[slot + 2] = c
    this.#words[slot + 3] = d
  }

  /** First word of the slot that holds the id, or of the empty one where it belongs. */
  #find(a: number, b: number, c: number, d: number): number {
    const words = this.#words
    const mask = words.length / WORDS - 1
    for (let probe = a & mask; ; probe = (probe + 1) & mask) {
      const slot = probe * WORDS
      if (words[slot] === a && words[slot + 1] === b && words[slot + 2] === c && words[slot + 3] === d) return slot
      if (this.#isEmpty(slot)) return slot
    }
  }

  #grow(): void {
    const old = this.#words
    this.#words = new Uint32Array(old.length * 2)
    for (let from = 0; from < old.length; from += WORDS) {
      const [a, b, c, d] = [old[from] ?? 0, old[from + 1] ?? 0, old[from + 2] ?? 0, old[from + 3] ?? 0]
      if ((a | b | c | d) !== 0) this.#put(this.#find(a, b, c, d), a, b, c, d)
    }
  }
}
