import type { Clock } from '../async/clock.ts'
import { assert } from '../errors/assert.ts'
import { sleepUnlessInterrupted } from './failures.ts'

const PIECE_BYTES_MIN = 1024
const PIECE_BYTES_MAX = 64 * 1024

/**
 * Lets bytes pass at a rate. It may go into debt: a transfer larger than a second's worth passes whole and the next
 * waits, so the average holds whatever the sizes. At most one second's worth is saved up.
 */
export class TokenBucket {
  readonly #bytesPerSecond: number
  readonly #clock: Clock
  #balanceBytes: number
  #countedAtMs: number

  constructor(bytesPerSecond: number, clock: Clock) {
    assert(bytesPerSecond > 0, `rate of ${bytesPerSecond} bytes/s`)
    this.#bytesPerSecond = bytesPerSecond
    this.#clock = clock
    this.#balanceBytes = bytesPerSecond
    this.#countedAtMs = clock.elapsedMs()
  }

  /** About an eighth of a second's worth: small enough to flow evenly, large enough to be worth a system call. */
  get pieceBytes(): number {
    return Math.min(PIECE_BYTES_MAX, Math.max(PIECE_BYTES_MIN, Math.floor(this.#bytesPerSecond / 8)))
  }

  /** Takes `sizeBytes` at once and waits until the debt, if any, is paid off. Throws `interrupted`. */
  async take(sizeBytes: number, signal?: AbortSignal): Promise<void> {
    const nowMs = this.#clock.elapsedMs()
    const earnedBytes = ((nowMs - this.#countedAtMs) / 1000) * this.#bytesPerSecond
    this.#countedAtMs = nowMs
    this.#balanceBytes = Math.min(this.#bytesPerSecond, this.#balanceBytes + earnedBytes) - sizeBytes
    if (this.#balanceBytes >= 0) return
    await sleepUnlessInterrupted(this.#clock, (-this.#balanceBytes / this.#bytesPerSecond) * 1000, signal)
  }
}
