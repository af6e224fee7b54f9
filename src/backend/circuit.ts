// What all calls of one backend know together of its storage: whether it answers. When many requests in a row failed, it
// is away or drowning, and eight connections that each hammer on it help nobody: one call tries on, the others wait until
// it gets through (a circuit breaker; https://martinfowler.com/bliki/CircuitBreaker.html).
import { interrupted, throwIfInterrupted } from './failures.ts'

/** In a row, over all calls. One request in twenty failing by chance comes to this once in three million requests. */
const FAILURES_TO_OPEN = 5

interface Waiting {
  /** By the boot clock, ms: it gives up at the first probe that fails later than this. */
  readonly deadlineMs: number
  go(): void
  giveUp(error: unknown): void
}

export class Circuit {
  #failuresInRow = 0
  /** The call that tries on, while the circuit is open. */
  #prober: object | undefined
  #probes = 0
  #isOpen = false
  #waiting: Waiting[] = []

  /** True while the storage counts as away. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Failed attempts of the calls that tried on since the circuit opened. */
  get probes(): number {
    return this.#probes
  }

  /** True for the call that tries on while all others wait. */
  isProbedBy(call: object): boolean {
    return this.#prober === call
  }

  /**
   * Returns at once while the storage answers, and for the one call that is to find out whether it does again; the others
   * wait for that. Throws what the prober got once a call's time is over, and `interrupted`.
   */
  async pass(call: object, deadlineMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (!this.#isOpen || this.#prober === call) return
    if (this.#prober === undefined) {
      this.#prober = call
      return
    }
    await this.#wait(deadlineMs, signal)
    await this.pass(call, deadlineMs, signal)
  }

  async #wait(deadlineMs: number, signal: AbortSignal | undefined): Promise<void> {
    throwIfInterrupted(signal)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiting: Waiting = { deadlineMs, go: resolve, giveUp: reject }
    const onAbort = (): void => {
      this.#waiting = this.#waiting.filter((other) => other !== waiting)
      if (signal) reject(interrupted(signal))
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#waiting.push(waiting)
    try {
      await promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** The storage answered, with what was wanted or with a refusal. Returns whether it had been away. */
  answered(): boolean {
    const wasOpen = this.#isOpen
    this.#failuresInRow = 0
    this.#isOpen = false
    this.#prober = undefined
    this.#release(this.#waiting.length)
    return wasOpen
  }

  /** The storage did not answer, or said that it cannot. */
  failed(call: object, error: unknown, nowMs: number): void {
    this.#failuresInRow++
    if (!this.#isOpen && this.#failuresInRow >= FAILURES_TO_OPEN) {
      this.#isOpen = true
      this.#prober = call
      this.#probes = 0
    }
    if (this.#prober !== call) return
    this.#probes++
    const late = this.#waiting.filter(({ deadlineMs }) => deadlineMs <= nowMs)
    this.#waiting = this.#waiting.filter(({ deadlineMs }) => deadlineMs > nowMs)
    for (const { giveUp } of late) giveUp(error)
  }

  /** `call` tries no more, whatever came of it: another one takes its place. */
  left(call: object): void {
    if (this.#prober !== call) return
    this.#prober = undefined
    this.#release(1)
  }

  #release(count: number): void {
    for (const { go } of this.#waiting.splice(0, count)) go()
  }
}
