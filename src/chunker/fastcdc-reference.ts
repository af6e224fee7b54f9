// FastCDC 2020 as FORMAT.md words it: one byte a step, big integers, no care for speed (about 10 MB/s).
// The tests hold the WASM scan against it; nothing else uses it.
import { assert } from '../errors/assert.ts'
import type { GearTable } from './gear.ts'
import { masksOf } from './masks.ts'
import type { ChunkerParameters } from './parameters.ts'

/** Bytes of the first chunk of `stream`, a whole stream or the rest of one that starts at a cut; not empty. */
export function referenceFirstChunkBytes(stream: Uint8Array, parameters: ChunkerParameters, gear: GearTable): number {
  const { minBytes, avgBytes, maxBytes, normalization } = parameters
  assert(stream.length > 0, 'an empty stream has no chunk')
  const masks = masksOf(avgBytes, normalization)
  const limitBytes = Math.min(stream.length, maxBytes)
  // The two-byte step never looks at the last byte of a stream with an odd rest: it is no candidate.
  const candidatesEnd = limitBytes - (limitBytes % 2)
  let hash = 0n
  for (let position = minBytes; position < candidatesEnd; position++) {
    const byte = stream[position]
    const value = byte === undefined ? undefined : gear[byte]
    assert(value !== undefined, 'position within the stream, table of 256 entries')
    hash = BigInt.asUintN(64, (hash << 1n) + value)
    const mask = position < avgBytes ? masks.small : masks.large
    if ((hash & mask) === 0n) return position
  }
  return limitBytes
}

/** Lengths of all chunks of `stream`, in order. */
export function referenceChunkBytes(stream: Uint8Array, parameters: ChunkerParameters, gear: GearTable): number[] {
  const lengths: number[] = []
  for (let start = 0; start < stream.length; ) {
    const lengthBytes = referenceFirstChunkBytes(stream.subarray(start), parameters, gear)
    lengths.push(lengthBytes)
    start += lengthBytes
  }
  return lengths
}
