// Judgement masks of FastCDC 2020: masks[b] has b ones, so a cut comes once in 2^b bytes.
//
// 6-17: the paper's C reference implementation; 18-24: restic-FastCDC, and 5 and 25: the Rust crate `fastcdc`
// (v2020), whose table 5-25 is. 26 and 27 continue it with bit 38, then bit 21: ours, needed only by averages of 8 and
// 16 MiB, which that crate does not offer.
import { assert } from '../errors/assert.ts'

const MASK_ONES_MIN = 5
const MASKS: readonly bigint[] = [
  0x0000000001804110n,
  0x0000000001803110n,
  0x0000000018035100n,
  0x0000001800035300n,
  0x0000019000353000n,
  0x0000590003530000n,
  0x0000d90003530000n,
  0x0000d90103530000n,
  0x0000d90303530000n,
  0x0000d90313530000n,
  0x0000d90f03530000n,
  0x0000d90303537000n,
  0x0000d90703537000n,
  0x0000d90707537000n,
  0x0000d91707537000n,
  0x0000d91747537000n,
  0x0000d91767537000n,
  0x0000d93767537000n,
  0x0000d93777537000n,
  0x0000d93777577000n,
  0x0000db3777577000n,
  0x0000db7777577000n,
  0x0000db7777777000n,
]
const MASK_ONES_MAX = MASK_ONES_MIN + MASKS.length - 1

function mask(ones: number): bigint {
  const found = MASKS[ones - MASK_ONES_MIN]
  assert(found !== undefined, `no mask of ${ones} ones: ${MASK_ONES_MIN} to ${MASK_ONES_MAX} exist`)
  return found
}

export interface MaskPair {
  /** Before the average: more ones, a cut is rarer. */
  readonly small: bigint
  /** From the average on: fewer ones, a cut is likelier. */
  readonly large: bigint
}

/** The masks of an average (a power of two) at a normalization level (0-3). */
export function masksOf(avgBytes: number, normalization: number): MaskPair {
  const ones = Math.log2(avgBytes)
  return { small: mask(ones + normalization), large: mask(ones - normalization) }
}
