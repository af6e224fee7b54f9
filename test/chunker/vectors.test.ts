// Goal: our cuts are those of the published algorithm. Method: recorded runs of the Rust crate (vectors.ts), for the
// WASM scan all of them, for the reference those of up to 4 MB.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Chunker } from '../../src/chunker/chunker.ts'
import { referenceChunkBytes } from '../../src/chunker/fastcdc-reference.ts'
import { masksOf } from '../../src/chunker/masks.ts'
import { uncheckedChunkerParameters } from '../../src/chunker/parameters.ts'
import { chunkBytesOf } from './feeding.ts'
import { publishedGear, xorshiftBytes } from './stream-data.ts'
import { CHUNK_VECTORS } from './vectors.ts'

const REFERENCE_BYTES_MAX = 4_000_000

test('the published gear table comes out of its derivation', () => {
  const gear = publishedGear()
  assert.equal(gear[0], 0x3b5d3c7d207e37dcn)
  assert.equal(gear[1], 0x784d68ba91123086n)
  assert.equal(gear[255], 0xaabd2b2a451504e1n)
})

test('each mask has as many ones as the chunk size and the level ask, and leaves room for the shift by one', () => {
  const ones = (mask: bigint): number => mask.toString(2).replaceAll('0', '').length
  for (let bits = 8; bits <= 24; bits++) {
    for (let level = 0; level <= 3; level++) {
      const { small, large } = masksOf(2 ** bits, level)
      assert.equal(ones(small), bits + level)
      assert.equal(ones(large), bits - level)
      assert.ok(small < 1n << 63n && large < 1n << 63n)
      assert.equal(small & 0xfn, 0n, 'the lowest bits depend on very few bytes')
    }
  }
})

for (const vector of CHUNK_VECTORS) {
  const { sizes, gearSeed, dataSeed, byteMask, dataBytes } = vector
  const title = `${Object.values(sizes).join('/')}, gear seed ${gearSeed}, data seed ${dataSeed} mask ${byteMask}`
  test(`cuts as the crate does: ${title}`, () => {
    const parameters = uncheckedChunkerParameters(sizes)
    const stream = xorshiftBytes(dataSeed, dataBytes, byteMask)
    const gear = publishedGear(gearSeed)
    assert.deepEqual(chunkBytesOf(new Chunker(parameters, gear), stream), vector.chunkBytes)
    if (dataBytes > REFERENCE_BYTES_MAX) return
    assert.deepEqual(referenceChunkBytes(stream, parameters, gear), vector.chunkBytes)
  })
}
