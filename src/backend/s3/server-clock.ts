// The server's clock, known from the Date header of its answers; no wall clock of ours enters (gc protocol, rule 1).

interface Reading {
  readonly serverMs: number
  readonly monotonicMs: number
}

export class ServerClock {
  readonly #monotonicMs: () => number
  #last: Reading | undefined

  constructor(monotonicMs: () => number = () => performance.now()) {
    this.#monotonicMs = monotonicMs
  }

  /** Takes the Date header of an answer that arrived just now. */
  observe(dateHeader: string | undefined): void {
    const serverMs = Date.parse(dateHeader ?? '')
    if (!Number.isNaN(serverMs)) this.#last = { serverMs, monotonicMs: this.#monotonicMs() }
  }

  /** The Date of the last answer, ms since the epoch, whole seconds. */
  lastMs(): number | undefined {
    return this.#last?.serverMs
  }

  /**
   * At most the server's time now: Date is cut to a second and was set before its answer arrived, and the monotonic
   * clock stands still in suspend. So what is signed with it expires too early at worst, never too late.
   */
  lowerBoundMs(): number | undefined {
    return this.#last === undefined ? undefined : this.#last.serverMs + (this.#monotonicMs() - this.#last.monotonicMs)
  }
}
