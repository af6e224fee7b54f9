/** Limits how many bytes, requests or tasks are under way at once. First come, first served. */
export class Semaphore {
  readonly #capacity: number
  #free: number
  readonly #waiting: { amount: number; resolve: () => void }[] = []

  constructor(capacity: number) {
    this.#capacity = capacity
    this.#free = capacity
  }

  /** Waits until `amount` units are free (an amount above the capacity waits for all of them). */
  async acquire(amount = 1): Promise<void> {
    const wanted = Math.min(amount, this.#capacity)
    if (this.#waiting.length === 0 && this.#free >= wanted) {
      this.#free -= wanted
      return
    }
    await new Promise<void>((resolve) => this.#waiting.push({ amount: wanted, resolve }))
  }

  release(amount = 1): void {
    this.#free += Math.min(amount, this.#capacity)
    for (;;) {
      const next = this.#waiting[0]
      if (next === undefined || next.amount > this.#free) return
      this.#waiting.shift()
      this.#free -= next.amount
      next.resolve()
    }
  }

  async with<T>(work: () => Promise<T>, amount = 1): Promise<T> {
    await this.acquire(amount)
    try {
      return await work()
    } finally {
      this.release(amount)
    }
  }
}
