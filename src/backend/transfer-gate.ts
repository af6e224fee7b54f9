// Transfers of one direction: lets as many run as the line is worth, and their bytes as fast as they may.
import type { Clock } from '../async/clock.ts'
import { VaultError } from '../errors/vault-error.ts'
import type { Pace } from './backend.ts'
import { LineProbe } from './line-probe.ts'
import { TokenBucket } from './token-bucket.ts'

export interface TransferGateOptions {
  readonly clock: Clock
  readonly transfersMax: number
  /** How many run before the line is known. */
  readonly transfersFirst: number
  /** None: unlimited. */
  readonly bytesPerSecond?: number
}

/** A piece without a rate: its costs are not felt, and what moved is known often enough. */
const PIECE_BYTES = 256 * 1024

export class TransferGate {
  readonly #clock: Clock
  readonly #bucket: TokenBucket | undefined
  readonly #probe: LineProbe
  readonly #pace: Pace
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor({ clock, transfersMax, transfersFirst, bytesPerSecond }: TransferGateOptions) {
    this.#clock = clock
    this.#bucket = bytesPerSecond === undefined ? undefined : new TokenBucket(bytesPerSecond, clock)
    this.#probe = new LineProbe({ transfersMax, transfersFirst, nowMs: clock.elapsedMs() })
    this.#pace = {
      pieceBytes: this.#bucket?.pieceBytes ?? PIECE_BYTES,
      pass: (sizeBytes, signal) => this.#pass(sizeBytes, signal),
    }
  }

  /** Runs `transfer` when it is its turn. */
  async with<T>(transfer: (pace: Pace) => Promise<T>): Promise<T> {
    await this.#enter()
    try {
      const result = await transfer(this.#pace)
      this.#probe.finished(this.#clock.elapsedMs())
      return result
    } catch (error) {
      if (error instanceof VaultError && error.retry === 'later') this.#probe.failed(this.#clock.elapsedMs())
      throw error
    } finally {
      this.#leave()
    }
  }

  /** Waits for the rate alone: for what moves whole, or is small and must not wait for a transfer to end. */
  async take(sizeBytes: number, signal?: AbortSignal): Promise<void> {
    await this.#bucket?.take(sizeBytes, signal)
  }

  async #pass(sizeBytes: number, signal: AbortSignal | undefined): Promise<void> {
    await this.#bucket?.take(sizeBytes, signal)
    this.#probe.moved(sizeBytes, this.#clock.elapsedMs())
    this.#admit()
  }

  async #enter(): Promise<void> {
    if (this.#waiting.length === 0 && this.#running < this.#probe.limit) this.#running++
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#note()
  }

  #leave(): void {
    this.#running--
    this.#admit()
    this.#note()
  }

  /** The limit may have grown, or a place become free. */
  #admit(): void {
    while (this.#waiting.length > 0 && this.#running < this.#probe.limit) {
      this.#running++
      this.#waiting.shift()?.()
    }
  }

  #note(): void {
    this.#probe.binds(this.#waiting.length > 0, this.#clock.elapsedMs())
  }
}
