// The gear table: 256 numbers of 64 bits, one for each value of a byte. A vault has its own, expanded from a secret
// key, so that chunk sizes tell less about known content to somebody who sees sizes only (FORMAT.md, "Gear table").
import { hkdfSync } from 'node:crypto'
import { assert } from '../errors/assert.ts'

export const GEAR_KEY_BYTES = 32
export const GEAR_ENTRIES = 256

/** 256 unsigned 64-bit numbers. */
export type GearTable = Readonly<BigUint64Array>

const KEYED_INFO = 's3vault chunker gear 1'

/** The table of a vault: HKDF-SHA-256 of the 32-byte gear key, no salt, 2,048 bytes as 256 little-endian u64. */
export function keyedGear(key: Uint8Array): GearTable {
  assert(key.length === GEAR_KEY_BYTES, `gear key of ${key.length} bytes`)
  const bytes = new DataView(hkdfSync('sha256', key, new Uint8Array(0), KEYED_INFO, GEAR_ENTRIES * 8))
  const table = new BigUint64Array(GEAR_ENTRIES)
  for (let index = 0; index < GEAR_ENTRIES; index++) table[index] = bytes.getBigUint64(index * 8, true)
  return table
}
