// Guesses whether bytes are worth compressing: media, archives and encrypted files are not, and are most of many disks.
import { assert } from '../errors/assert.ts'

const PIECES = 8
const PIECE_BYTES = 2048
const SAMPLE_BYTES = PIECES * PIECE_BYTES
/** Below this a compressor is as fast as the look. */
export const PROBED_BYTES_MIN = 4 * SAMPLE_BYTES
/**
 * Bits a byte of the sample. 16 KiB of random bytes have 7.9888 +- 0.0011 (the estimate's own bias is 255 / (2 n ln 2)
 * = 0.0112 bits); what compresses by 3 % through unequal frequencies alone stays below 7.76. Matches that leave the
 * frequencies equal are not seen: copies of random data are for deduplication, not for this.
 */
const INCOMPRESSIBLE_BITS = 7.97

const counts = new Uint32Array(256)

/** True when `bytes` look like random: 16 KiB from eight places have nearly equal frequencies. Costs about 20 µs. */
export function looksIncompressible(bytes: Uint8Array): boolean {
  assert(bytes.length >= SAMPLE_BYTES, `${bytes.length} bytes are too few to sample`)
  counts.fill(0)
  const strideBytes = Math.floor((bytes.length - PIECE_BYTES) / (PIECES - 1))
  for (let piece = 0; piece < PIECES; piece++) {
    const start = piece * strideBytes
    for (let at = start; at < start + PIECE_BYTES; at++) {
      const byte = bytes[at] ?? 0
      counts[byte] = (counts[byte] ?? 0) + 1
    }
  }
  let sum = 0
  for (const count of counts) if (count > 0) sum += count * Math.log2(count)
  return Math.log2(SAMPLE_BYTES) - sum / SAMPLE_BYTES > INCOMPRESSIBLE_BITS
}
