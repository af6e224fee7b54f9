// Goal: whatever the order of their requests, and whatever goes wrong, backups, readers, forget, undelete and prune on one
// vault lose nothing, and what nobody needs goes away (docs/gc-protocol.md). Method: hundreds of random schedules of the real
// code on one thread, each made from its seed alone; S3VAULT_TEST_SEED=… runs the one that failed and tells what happened in
// it. test/slow/simulation.test.ts does the same for longer, and breaks each rule of the protocol to see that this is found.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interleave, PAIRS } from './exhaustive.ts'
import { newBeginnings, runSchedule } from './schedule.ts'
import { takeTime } from './virtual-time.ts'

const wanted = process.env['S3VAULT_TEST_SEED']
const first = wanted === undefined ? Date.now() % 2 ** 31 : Number(wanted)
const count = wanted === undefined ? Number(process.env['S3VAULT_TEST_SCHEDULES'] ?? 200) : 1

test('random schedules', async (t) => {
  takeTime()
  const startMs = Date.now()
  const beginnings = await newBeginnings()
  let steps = 0
  for (let seed = first; seed < first + count; seed++) {
    const verdict = await runSchedule(seed, beginnings, wanted === undefined ? {} : { log: (line) => console.log(line) })
    steps += verdict.steps
    const { beginning, lanes, ...rest } = verdict.schedule
    assert.deepEqual(verdict.complaints, [], `S3VAULT_TEST_SEED=${seed}: ${beginning.name}; ${JSON.stringify(lanes)} ${JSON.stringify(rest)}`)
  }
  t.diagnostic(`${count} schedules from seed ${first}, ${steps} steps, ${Math.round((Date.now() - startMs) / count * 10) / 10} ms each`)
})

test('two small actors, every 500th way to interleave them', { skip: wanted !== undefined }, async (t) => {
  takeTime()
  const beginnings = await newBeginnings()
  let total = 0
  for (const pair of PAIRS) {
    const { complaint, schedules } = await interleave(pair, beginnings, 60)
    total += schedules
    assert.equal(complaint, undefined)
  }
  t.diagnostic(`${total} schedules`)
})
