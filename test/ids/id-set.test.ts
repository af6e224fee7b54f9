// Goal: the compact set answers as a Set of strings does, through every growth.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { IdSet } from '../../src/ids/id-set.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const seed = testSeed()
console.log(`seed ${seed}`)

it('equals a Set of the first 16 bytes', () => {
  const random = new SeededRandom(seed)
  const set = new IdSet()
  const model = new Set<string>()
  const nearby = random.bytes(32)
  for (let round = 0; round < 60_000; round++) {
    const id = random.below(10) === 0 ? new Uint8Array(nearby) : random.bytes(32)
    if (random.below(3) === 0) id.fill(0, 0, random.below(17)) // same home slot, zeros at any place, all zeros
    if (random.below(4) === 0) id[15] = random.below(4)
    const name = Buffer.from(id.subarray(0, 16)).toString('hex')
    assert.equal(set.has(id), model.has(name))
    if (random.below(2) === 0) {
      assert.equal(set.add(id), !model.has(name))
      model.add(name)
      assert.ok(set.has(id))
    }
    assert.equal(set.size, model.size)
  }
})
