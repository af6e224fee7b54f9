// Finds how many transfers at once a line is worth, by trying: hill climbing on what gets through in a window of time.
// More are kept when they bring clearly more, fewer when they bring no less: each transfer under way is memory, and lost
// work when the run is stopped. A failure that may pass (the storage is busy, the line breaks) halves the number, as TCP
// does. What a fixed number cannot do: 2 are enough for a home line of 100 Mbit/s, 16 small requests are too few for a
// distant region.

export interface LineProbeOptions {
  readonly transfersMax: number
  /** Where to begin. */
  readonly transfersFirst: number
  readonly nowMs: number
}

/** What a request costs beside its bytes, in bytes: so a line that waits for answers is measured too. */
const REQUEST_WORTH_BYTES = 128 * 1024
/** After a change: connections are opened, and TCP feels its way. Not measured. */
const SETTLING_MS = 1000
const WINDOW_MS = 2000
/** Twice as many must bring this much more, a few more this much. */
const GAIN_OF_DOUBLING = 1.15
const GAIN_OF_STEP = 1.04
/** Fewer must bring this much of what was. */
const LOSS_OF_STEP = 0.98
/** Measured windows between two attempts at another number. */
const REST_WINDOWS = 5
/** Two, as one of them uses the line while the other waits for its answer. */
const PROBED_MIN = 2

type Phase = 'climb' | 'rest' | 'more' | 'fewer'

export class LineProbe {
  readonly #transfersMax: number
  #limit: number
  #phase: Phase = 'climb'
  /** The number to go back to, and what it brought, bytes/ms. */
  #proven: { limit: number; rate: number } | undefined
  #restsLeft = 0
  #nextProbe: 'climb' | 'more' | 'fewer' = 'fewer'
  #fromMs: number
  #work = 0
  /** Time within the window in which more transfers would have been allowed than there were. */
  #slackMs = 0
  #slackSinceMs: number | undefined

  constructor({ transfersMax, transfersFirst, nowMs }: LineProbeOptions) {
    this.#transfersMax = transfersMax
    this.#limit = Math.min(transfersFirst, transfersMax)
    this.#fromMs = nowMs + SETTLING_MS
    this.#slackSinceMs = nowMs
  }

  /** Transfers that may run at once now. */
  get limit(): number {
    return this.#limit
  }

  moved(bytes: number, nowMs: number): void {
    if (nowMs >= this.#fromMs) this.#work += bytes
    this.#judge(nowMs)
  }

  /** A transfer ended well. */
  finished(nowMs: number): void {
    this.moved(REQUEST_WORTH_BYTES, nowMs)
  }

  /** A transfer failed in a way that may pass. Those of one moment count as one. */
  failed(nowMs: number): void {
    if (nowMs < this.#fromMs && this.#phase === 'rest') return
    this.#rest(Math.max(1, Math.floor(this.#limit / 2)), nowMs)
    this.#nextProbe = 'climb' // once the trouble is over the line is what it was
  }

  /** Whether the limit is what holds transfers back. */
  binds(isBinding: boolean, nowMs: number): void {
    if (isBinding) {
      if (this.#slackSinceMs !== undefined) this.#slackMs += nowMs - Math.max(this.#slackSinceMs, this.#fromMs, 0)
      this.#slackSinceMs = undefined
    } else this.#slackSinceMs ??= nowMs
  }

  #judge(nowMs: number): void {
    const spentMs = nowMs - this.#fromMs
    if (spentMs < WINDOW_MS) return
    const openMs = this.#slackSinceMs === undefined ? 0 : nowMs - Math.max(this.#slackSinceMs, this.#fromMs)
    const isBound = Math.max(0, this.#slackMs) + openMs < spentMs / 10
    const rate = this.#work / spentMs
    this.#measureFrom(nowMs)
    // A limit that holds nothing back is not the reason for the rate. More that is not used is no gain either.
    if (isBound || (this.#proven && this.#phase !== 'rest')) this.#decide(isBound || this.#phase !== 'fewer' ? rate : 0, nowMs)
  }

  #decide(rate: number, nowMs: number): void {
    const limit = this.#limit
    const proven = this.#proven
    switch (this.#phase) {
      case 'climb':
        if (proven && rate < proven.rate * GAIN_OF_DOUBLING) return this.#rest(proven.limit, nowMs)
        this.#proven = { limit, rate }
        if (limit >= this.#transfersMax) return this.#rest(limit, nowMs)
        return this.#try(limit * 2, 'climb', nowMs)
      case 'more':
      case 'fewer': {
        const wanted = (proven?.rate ?? 0) * (this.#phase === 'more' ? GAIN_OF_STEP : LOSS_OF_STEP)
        const isBetter = rate >= wanted
        if (!isBetter) this.#nextProbe = this.#phase === 'more' ? 'fewer' : 'more'
        return this.#rest(isBetter ? limit : (proven?.limit ?? limit), nowMs)
      }
      case 'rest':
        this.#proven = { limit, rate }
        if (--this.#restsLeft > 0) return
        this.#probe(limit, nowMs)
    }
  }

  #probe(limit: number, nowMs: number): void {
    if (this.#nextProbe === 'climb' && limit < this.#transfersMax) {
      this.#nextProbe = 'fewer'
      return this.#try(limit * 2, 'climb', nowMs)
    }
    const step = Math.max(1, Math.floor(limit / 4))
    const canMore = limit < this.#transfersMax
    const canFewer = limit > PROBED_MIN
    if (!canMore && !canFewer) this.#restsLeft = REST_WINDOWS
    else if (canMore && (this.#nextProbe === 'more' || !canFewer)) this.#try(limit + step, 'more', nowMs)
    else this.#try(Math.max(PROBED_MIN, limit - step), 'fewer', nowMs)
  }

  #try(limit: number, phase: Phase, nowMs: number): void {
    this.#limit = Math.min(this.#transfersMax, limit)
    this.#phase = phase
    this.#measureFrom(nowMs + SETTLING_MS)
  }

  #rest(limit: number, nowMs: number): void {
    this.#restsLeft = REST_WINDOWS
    this.#try(limit, 'rest', nowMs)
  }

  #measureFrom(fromMs: number): void {
    this.#fromMs = fromMs
    this.#work = 0
    this.#slackMs = 0
  }
}
