// A line between client and server: how long a byte is under way, and how many fit in a second, in each direction.
import { Transform, type TransformCallback } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

export interface LineProperties {
  /** Added to every request, ms. */
  readonly latencyMs?: number
  /** Of all requests together, in each direction. */
  readonly bytesPerSecond?: number
}

/** One direction. Chunks queue for the line and leave it in order. */
export class Line {
  readonly #bytesPerSecond: number
  #freeAtMs = 0

  constructor(bytesPerSecond = Number.POSITIVE_INFINITY) {
    this.#bytesPerSecond = bytesPerSecond
  }

  /** A stream that lets bytes pass as fast as the line has room. */
  pipe(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, done: TransformCallback) => {
        void this.#pass(chunk.length).then(() => done(undefined, chunk))
      },
    })
  }

  async #pass(sizeBytes: number): Promise<void> {
    if (this.#bytesPerSecond === Number.POSITIVE_INFINITY) return
    const nowMs = performance.now()
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + (sizeBytes / this.#bytesPerSecond) * 1000
    await sleep(this.#freeAtMs - nowMs)
  }
}
