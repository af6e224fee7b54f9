import { randomFillSync } from 'node:crypto'

/** Source of random bytes; injected, so that a simulation is repeatable from its seed. */
export interface RandomSource {
  bytes(count: number): Uint8Array
}

const POOL_BYTES = 16384

/** The system's CSPRNG, drawn in blocks: a call for 12 bytes each time costs more than sealing a small blob. */
export class SystemRandom implements RandomSource {
  #pool = new Uint8Array(0)
  #offset = 0

  bytes(count: number): Uint8Array {
    if (count > POOL_BYTES / 4) return randomFillSync(new Uint8Array(count))
    if (this.#offset + count > this.#pool.length) {
      this.#pool = randomFillSync(new Uint8Array(POOL_BYTES))
      this.#offset = 0
    }
    const drawn = this.#pool.slice(this.#offset, this.#offset + count)
    this.#pool.fill(0, this.#offset, this.#offset + count)
    this.#offset += count
    return drawn
  }
}
