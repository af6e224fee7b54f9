// Goal and method as in test/simulation/simulation.test.ts: more schedules, all interleavings of two small actors, and the
// proof that the simulation has teeth: with one rule of the gc protocol broken from outside it finds a loss.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interleave, PAIRS } from '../simulation/exhaustive.ts'
import { breaks } from '../simulation/sabotage.ts'
import { newBeginnings, runSchedule } from '../simulation/schedule.ts'
import { bite } from '../simulation/teeth.ts'
import { takeTime } from '../simulation/virtual-time.ts'

takeTime()
const beginnings = await newBeginnings()
const first = Number(process.env['S3VAULT_TEST_SEED'] ?? Date.now() % 2 ** 31)
const count = Number(process.env['S3VAULT_TEST_SCHEDULES'] ?? 10_000)

test(`${count} random schedules`, async (t) => {
  t.diagnostic(`from seed ${first}`)
  for (let seed = first; seed < first + count; seed++) {
    const { complaints } = await runSchedule(seed, beginnings)
    assert.deepEqual(complaints, [], `S3VAULT_TEST_SEED=${seed} node bin/test.mjs simulation/simulation.test.js`)
  }
})

for (const pair of PAIRS) {
  test(`all interleavings: ${pair.beginning}, ${pair.first.kind} against ${pair.other.kind}`, async () => {
    assert.equal((await interleave(pair, beginnings, 3)).complaint, undefined)
  })
}

for (const one of breaks(beginnings.vault)) {
  test(`is found: rule ${one.rule}, ${one.what}`, async (t) => {
    const found = await bite(one, beginnings, first, 4000)
    t.diagnostic(found ? `${found.schedules} schedules, seed ${found.seed}: ${found.complaint}` : `not from seed ${first}`)
    assert.ok(found)
  })
}
