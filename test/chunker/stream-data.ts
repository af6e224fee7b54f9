// Bytes and tables for the chunker's tests.
import { createHash } from 'node:crypto'
import { GEAR_ENTRIES, type GearTable } from '../../src/chunker/gear.ts'

/** Marsaglia's 32-bit xorshift (13, 17, 5) from a seed other than 0: little-endian words, each byte ANDed with `byteMask`. */
export function xorshiftBytes(seed: number, lengthBytes: number, byteMask = 0xff): Uint8Array {
  const words = new Uint32Array(Math.ceil(lengthBytes / 4))
  const wordMask = (byteMask * 0x01010101) >>> 0
  let state = seed >>> 0
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[index] = state & wordMask
  }
  return new Uint8Array(words.buffer, 0, lengthBytes)
}

/**
 * The table of the published implementations: entry b is the first 8 bytes, big-endian, of the MD5 of 64 bytes of
 * value b; `seed` is XORed into each entry, as the Rust crate does.
 */
export function publishedGear(seed = 0n): GearTable {
  return BigUint64Array.from({ length: GEAR_ENTRIES }, (_, byte) => {
    return createHash('md5').update(Buffer.alloc(64, byte)).digest().readBigUInt64BE(0) ^ seed
  })
}
