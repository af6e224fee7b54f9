// Goal: subsets of packs are what was asked for, and the parts of a division are together all packs, each once.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { parsePackSelection, selectPacks, type PackSelection } from '../../src/check/pack-selection.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { packId, toHex } from '../../src/ids/ids.ts'
import type { PackRecord } from '../../src/index/vault-index.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const seed = testSeed()
console.log(`seed ${seed}`)

const packsOf = (random: SeededRandom, count: number): PackRecord[] => Array.from({ length: count }, () => ({
  id: packId(toHex(random.bytes(32))), kind: 'data', sizeBytes: 1000 + random.below(1000), keys: [], blobCount: 1, segments: new Set(),
}))

it('reads what people type', () => {
  const known: [string, PackSelection][] = [
    ['10%', { by: 'percent', percent: 10 }], ['0.5%', { by: 'percent', percent: 0.5 }],
    ['100%', { by: 'percent', percent: 100 }], ['3/7', { by: 'part', part: 3, parts: 7 }],
    [' 500M ', { by: 'size', bytes: 500 * 2 ** 20 }], ['1.5GiB', { by: 'size', bytes: 1.5 * 2 ** 30 }],
    ['1000', { by: 'size', bytes: 1000 }], ['2T', { by: 'size', bytes: 2 ** 41 }], ['5kb', { by: 'size', bytes: 5120 }],
  ]
  for (const [text, selection] of known) assert.deepEqual(parsePackSelection(text), selection)
  for (const text of ['', '0%', '101%', '0/7', '8/7', '1/0', '-5', '5 %', 'all', '1/99999', '0', '10X', '1e9', '99999999999999999']) {
    assert.throws(() => parsePackSelection(text), (error) => isVaultError(error, 'usage'), text)
  }
})

it('parts cover everything once and are stable', () => {
  const random = new SeededRandom(seed)
  const packs = packsOf(random, 997)
  for (const parts of [1, 2, 7, 30]) {
    const ids = Array.from({ length: parts }, (_, place) => selectPacks(packs, { by: 'part', part: place + 1, parts }, random)).flat()
    assert.deepEqual(ids.map(({ id }) => id).sort(), packs.map(({ id }) => id).sort())
  }
  const first = selectPacks(packs, { by: 'part', part: 2, parts: 7 }, random)
  assert.deepEqual(selectPacks(packs.toReversed(), { by: 'part', part: 2, parts: 7 }, random).toReversed(), first)
  assert.ok(first.length > 80 && first.length < 210, `${first.length} of 997`)
})

it('percent and size: distinct packs, the right amount, another choice each time, one at least', () => {
  const random = new SeededRandom(seed)
  const packs = packsOf(random, 200)
  const tenth = selectPacks(packs, { by: 'percent', percent: 10 }, random)
  assert.equal(new Set(tenth).size, 20)
  assert.notDeepEqual(selectPacks(packs, { by: 'percent', percent: 10 }, random), tenth)
  assert.equal(selectPacks(packs, { by: 'percent', percent: 0.01 }, random).length, 1)
  assert.equal(selectPacks(packs, { by: 'percent', percent: 100 }, random).length, 200)
  for (const bytes of [5000, 50_000]) {
    const total = selectPacks(packs, { by: 'size', bytes }, random).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    assert.ok(total <= bytes && total > bytes - 2000)
  }
  assert.equal(selectPacks(packs, { by: 'size', bytes: 1 }, random).length, 1)
  assert.equal(selectPacks([], { by: 'percent', percent: 50 }, random).length, 0)
})
