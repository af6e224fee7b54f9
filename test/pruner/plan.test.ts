// Goal: the plan frees what it is told to and touches nothing else. Method: packs as values.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packId } from '../../src/ids/ids.ts'
import { isCold } from '../../src/pruner/cold.ts'
import { planPrune, type PackUse, type PruneLimits } from '../../src/pruner/plan.ts'

let made = 0
const pack = (use: Partial<PackUse>): PackUse => ({
  id: packId((made++).toString(16).padStart(64, '0')), kind: 'data', sizeBytes: 1000, usedBytes: 900, unusedBytes: 0, ...use,
})
const limits = (some: Partial<PruneLimits> = {}): PruneLimits => ({
  maxUnused: { bytes: 0 }, maxRepackBytes: Number.POSITIVE_INFINITY, targetBytes: { data: 1000, metadata: 1000 }, ...some,
})

test('what is full stays, what is dead goes, what is partly dead is copied', () => {
  const [full, dead, partly] = [pack({}), pack({ usedBytes: 0, unusedBytes: 900 }), pack({ usedBytes: 400, unusedBytes: 500 })]
  const plan = planPrune([full, dead, partly], limits())
  assert.deepEqual(plan.dead, [dead])
  assert.deepEqual(plan.repack, [partly])
  assert.equal(plan.totals.unusedBytes, 0)
})

test('a small pack without waste is not copied for its directory', () => {
  assert.deepEqual(planPrune([pack({ sizeBytes: 500, usedBytes: 100, unusedBytes: 0 })], limits()).repack, [])
})

test('waste may stay up to the limit, in bytes or as a part of what is needed; the worst pack goes first', () => {
  const [bad, worse] = [pack({ usedBytes: 700, unusedBytes: 200 }), pack({ usedBytes: 200, unusedBytes: 700 })]
  assert.deepEqual(planPrune([bad, worse], limits({ maxUnused: { bytes: 200 } })).repack, [worse])
  assert.deepEqual(planPrune([bad, worse], limits({ maxUnused: { bytes: 199 } })).repack, [worse, bad])
  assert.deepEqual(planPrune([bad, worse], limits({ maxUnused: { part: 1 } })).repack, [])
  assert.deepEqual(planPrune([bad, worse], limits({ maxUnused: { part: 0.25 } })).repack, [worse])
})

test('no more is copied than allowed, and what is too large for the rest does not keep smaller ones out', () => {
  const packs = [pack({ usedBytes: 500, unusedBytes: 400 }), pack({ usedBytes: 600, unusedBytes: 300 }), pack({ usedBytes: 100, unusedBytes: 10 })]
  assert.deepEqual(planPrune(packs, limits({ maxRepackBytes: 700 })).repack, [packs[0], packs[2]])
})

test('what is young, pinned or marked is left alone, and its waste is told apart', () => {
  const kept = (['young', 'pinned', 'marked'] as const).map((keptFor) => pack({ usedBytes: 0, unusedBytes: 900, keptFor }))
  const plan = planPrune(kept, limits())
  assert.deepEqual([plan.dead, plan.repack], [[], []])
  assert.equal(plan.totals.untouchableUnusedBytes, 2700)
})

test('eight small packs of a kind are joined, seven are not', () => {
  const small = Array.from({ length: 8 }, () => pack({ sizeBytes: 200, usedBytes: 150 }))
  assert.deepEqual(planPrune(small, limits()).repack, small)
  assert.deepEqual(planPrune([...small.slice(1), pack({ kind: 'metadata', sizeBytes: 200, usedBytes: 150 })], limits()).repack, [])
})

test('a pack of a colder class waits until its minimum is paid, and an archived one until nothing in it is needed', () => {
  const DAY_MS = 86_400_000
  const cold = (storageClass: string | undefined, days: number, usedBytes: number): boolean =>
    isCold({ ...(storageClass === undefined ? {} : { storageClass }), modifiedMs: 0 }, usedBytes, days * DAY_MS)
  assert.deepEqual([cold(undefined, 0, 1), cold('STANDARD', 0, 0)], [false, false])
  assert.deepEqual([cold('STANDARD_IA', 29, 0), cold('STANDARD_IA', 30, 0), cold('STANDARD_IA', 30, 1)], [true, false, false])
  assert.deepEqual([cold('DEEP_ARCHIVE', 179, 0), cold('DEEP_ARCHIVE', 180, 0), cold('DEEP_ARCHIVE', 999, 1)], [true, false, true])
})
