// Repeatable randomness for tests: xoshiro128** seeded through splitmix32 (Blackman & Vigna).
import type { RandomSource } from '../../src/async/random.ts'

export class SeededRandom implements RandomSource {
  readonly #state = new Uint32Array(4)

  constructor(seed: number) {
    let mixed = seed >>> 0
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + 0x9e3779b9) >>> 0
      let z = mixed
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
      this.#state[i] = (z ^ (z >>> 16)) >>> 0
    }
  }

  #next(): number {
    const s = this.#state
    const a = s[0] ?? 0
    const b = s[1] ?? 0
    const c = s[2] ?? 0
    const d = s[3] ?? 0
    const rotated = Math.imul(b, 5)
    const result = Math.imul((rotated << 7) | (rotated >>> 25), 9) >>> 0
    const x = c ^ a
    const y = d ^ b
    s[1] = b ^ x
    s[0] = a ^ y
    s[2] = x ^ (b << 9)
    s[3] = (y << 11) | (y >>> 21)
    return result
  }

  /** An integer in 0..below-1. */
  below(below: number): number {
    return this.#next() % below
  }

  /** In [0, 1). */
  fraction(): number {
    return this.#next() / 2 ** 32
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    for (let at = 0; at < count; at += 4) {
      const word = this.#next()
      for (let i = 0; i < 4 && at + i < count; i++) bytes[at + i] = word >>> (8 * i)
    }
    return bytes
  }
}

/** Seed of a random test: from the environment when a failure is to be repeated, else the clock. Printed by the caller. */
export const testSeed = (): number => Number(process.env['TEST_SEED'] ?? Date.now() % 2 ** 31)
