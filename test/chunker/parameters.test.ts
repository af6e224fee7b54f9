// Goal: sizes from outside pass only within the bounds, and the keyed table is the documented one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { AssertionError } from '../../src/errors/assert.ts'
import { Chunker } from '../../src/chunker/chunker.ts'
import { keyedGear } from '../../src/chunker/gear.ts'
import {
  DEFAULT_CHUNKER_PARAMETERS, parseChunkerParameters, uncheckedChunkerParameters,
} from '../../src/chunker/parameters.ts'
import { chunkBytesOf } from './feeding.ts'
import { xorshiftBytes } from './stream-data.ts'

const KIB = 1024
const MIB = 1024 * KIB

test('the defaults', () => {
  const expected = { minBytes: 256 * KIB, avgBytes: MIB, maxBytes: 8 * MIB, normalization: 2 }
  assert.deepEqual({ ...DEFAULT_CHUNKER_PARAMETERS }, expected)
})

test('bounds are inclusive where they are stated', () => {
  for (const sizes of [
    { minBytes: 4 * KIB, avgBytes: 64 * KIB, maxBytes: MIB, normalization: 0 },
    { minBytes: 64 * KIB - 64, avgBytes: 64 * KIB, maxBytes: 64 * KIB + 64, normalization: 3 },
    { minBytes: MIB, avgBytes: 16 * MIB, maxBytes: 64 * MIB - 64, normalization: 3 },
  ]) {
    assert.deepEqual({ ...parseChunkerParameters(sizes, 'usage') }, sizes)
  }
})

test('everything else is refused with the code asked for', () => {
  const good = { minBytes: 256 * KIB, avgBytes: MIB, maxBytes: 8 * MIB, normalization: 2 }
  const bad: unknown[] = [
    undefined, null, 7, 'x', [], {},
    { ...good, minBytes: undefined },
    { ...good, minBytes: 64 * KIB - 64 },
    { ...good, minBytes: MIB },
    { ...good, minBytes: 256 * KIB + 2 },
    { ...good, minBytes: -256 * KIB },
    { ...good, minBytes: 0 },
    { ...good, minBytes: Number.NaN },
    { ...good, minBytes: '262144' },
    { ...good, avgBytes: MIB + 64 },
    { ...good, avgBytes: 32 * KIB },
    { ...good, avgBytes: 32 * MIB },
    { ...good, avgBytes: Infinity },
    { ...good, maxBytes: MIB },
    { ...good, maxBytes: 16 * MIB + 64 },
    { ...good, maxBytes: 8 * MIB + 1 },
    { ...good, maxBytes: 2 ** 53 },
    { ...good, avgBytes: 16 * MIB, minBytes: MIB, maxBytes: 64 * MIB },
    { ...good, normalization: 4 },
    { ...good, normalization: -1 },
    { ...good, normalization: 1.5 },
    { ...good, normalization: 2n },
  ]
  for (const value of bad) {
    for (const code of ['usage', 'vault-damaged'] as const) {
      assert.throws(() => parseChunkerParameters(value, code), (error) => isVaultError(error, code))
    }
  }
})

test('sizes for tests still have to suit the algorithm', () => {
  const good = { minBytes: 64, avgBytes: 256, maxBytes: 1024, normalization: 2 }
  assert.deepEqual({ ...uncheckedChunkerParameters(good) }, good)
  for (const sizes of [
    { ...good, minBytes: 0 },
    { ...good, minBytes: 65 },
    { ...good, minBytes: 512 },
    { ...good, avgBytes: 300 },
    { ...good, maxBytes: 1023 },
    { ...good, maxBytes: 128 },
    { ...good, avgBytes: 64, normalization: 2 },
    { ...good, maxBytes: 2 ** 27 },
  ]) {
    assert.throws(() => uncheckedChunkerParameters(sizes), AssertionError)
  }
})

test('the keyed table is that of the worked example in FORMAT.md, and differs between keys', () => {
  const key = Uint8Array.from({ length: 32 }, (_, index) => index)
  const table = keyedGear(key)
  assert.equal(table.length, 256)
  assert.deepEqual([table[0], table[1], table[255]], [0x2036b39c7925c2ban, 0x36559f8a66c13f54n, 0xbc239fa6b7710957n])
  const sizes = { minBytes: 64, avgBytes: 256, maxBytes: 1024, normalization: 2 }
  const chunker = new Chunker(uncheckedChunkerParameters(sizes), table)
  assert.deepEqual(chunkBytesOf(chunker, xorshiftBytes(1, 2000)), [263, 375, 323, 313, 293, 308, 125])
  assert.deepEqual(chunkBytesOf(chunker, new Uint8Array(2000)), [1024, 976])
  assert.equal(new Set(table).size, 256)
  key[31] = 0
  const other = keyedGear(key)
  assert.equal(table.filter((value, index) => value === other[index]).length, 0)
  assert.throws(() => keyedGear(new Uint8Array(31)), AssertionError)
})
