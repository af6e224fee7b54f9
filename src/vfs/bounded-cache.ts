/** Keeps what was used last, up to a number of bytes (or of things, where each costs 1). */
export class BoundedCache<Key, Value> {
  readonly #costMax: number
  readonly #onEvicted: ((value: Value) => void) | undefined
  readonly #entries = new Map<Key, { readonly value: Value; readonly cost: number }>()
  #cost = 0

  constructor(costMax: number, onEvicted?: (value: Value) => void) {
    this.#costMax = costMax
    this.#onEvicted = onEvicted
  }

  get cost(): number {
    return this.#cost
  }

  has(key: Key): boolean {
    return this.#entries.has(key)
  }

  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  /** The newest stays, however much it costs. */
  set(key: Key, value: Value, cost: number): void {
    this.delete(key)
    this.#entries.set(key, { value, cost })
    this.#cost += cost
    if (this.#cost <= this.#costMax) return
    for (const oldest of this.#entries.keys()) {
      if (this.#cost <= this.#costMax || oldest === key) return
      this.delete(oldest)
    }
  }

  delete(key: Key): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#cost -= entry.cost
    this.#onEvicted?.(entry.value)
  }
}
