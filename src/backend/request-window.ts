// How many requests may be under way at once after the storage has asked for fewer (503 SlowDown, 429): half of them at
// each such answer, one more after each round of answers that do not complain. As TCP does (RFC 5681, additive increase,
// multiplicative decrease). Without a complaint there is no window.
import type { Clock } from '../async/clock.ts'
import { throwIfInterrupted } from './failures.ts'

/** Answers to requests that were sent before the window shrank say nothing new. */
const SHRINK_INTERVAL_MS = 1000

export class RequestWindow {
  readonly #clock: Clock
  readonly #requestsMax: number
  #limit: number
  #inFlight = 0
  #sinceGrowth = 0
  #shrunkAtMs = Number.NEGATIVE_INFINITY
  readonly #waiting: (() => void)[] = []

  constructor(requestsMax: number, clock: Clock) {
    this.#requestsMax = requestsMax
    this.#limit = requestsMax
    this.#clock = clock
  }

  get limit(): number {
    return this.#limit
  }

  /** Runs `work` once there is room. Throws `interrupted` when the signal has fired by then. */
  async with<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    while (this.#limit < this.#requestsMax && this.#inFlight >= this.#limit) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
      throwIfInterrupted(signal)
    }
    this.#inFlight++
    try {
      return await work()
    } finally {
      this.#inFlight--
      this.#wake()
    }
  }

  /** The storage asked for fewer requests. */
  shrink(): void {
    const nowMs = this.#clock.elapsedMs()
    if (nowMs - this.#shrunkAtMs < SHRINK_INTERVAL_MS) return
    this.#shrunkAtMs = nowMs
    this.#sinceGrowth = 0
    this.#limit = Math.max(1, Math.floor(Math.min(this.#limit, Math.max(1, this.#inFlight)) / 2))
  }

  /** The storage did as it was asked. */
  grow(): void {
    if (this.#limit >= this.#requestsMax) return
    this.#sinceGrowth++
    if (this.#sinceGrowth < this.#limit) return
    this.#sinceGrowth = 0
    this.#limit++
    this.#wake()
  }

  #wake(): void {
    const room = this.#limit >= this.#requestsMax ? this.#waiting.length : this.#limit - this.#inFlight
    for (const go of this.#waiting.splice(0, Math.max(0, room))) go()
  }
}
