import type { Clock } from '../../src/async/clock.ts'
import type { RandomSource } from '../../src/async/random.ts'

/** Time that passes only in sleeps, and there at once. */
export class ManualClock implements Clock {
  timeMs = 1_800_000_000_000
  readonly sleepsMs: number[] = []

  nowMs(): number {
    return this.timeMs
  }

  elapsedMs(): number {
    return this.timeMs
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.sleepsMs.push(ms)
    this.timeMs += ms
  }
}

/** Numbers in [0, 1) from a seed: mulberry32. */
export function seededFractions(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function seededRandom(seed: number): RandomSource {
  const next = seededFractions(seed)
  return { bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(next() * 256)) }
}
