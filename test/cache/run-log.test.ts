// Goal: what runs asked of the storage is remembered, within bounds, and a damaged line costs only itself.
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { RunLog, type RunRecord } from '../../src/cache/run-log.ts'
import { tallyRuns } from '../../src/operations/stored-cost.ts'

const folder = mkdtempSync(join(tmpdir(), 's3vault-runs-'))
after(() => rmSync(folder, { recursive: true }))

const DAY_MS = 24 * 3600 * 1000
const record = (time: number, put: number, putsByClass = {}): RunRecord => ({
  time: new Date(time).toISOString(), command: 'backup', put, get: 2, list: 3, stat: 4, delete: 0, bytesUp: 5, bytesDown: 6, retries: 0, putsByClass,
})

test('records come back in order; torn and foreign lines are passed over', () => {
  const log = new RunLog(folder)
  assert.deepEqual(log.read(), [])
  log.add(record(0, 1))
  appendFileSync(join(folder, 'runs.jsonl'), '{"time":"2026-\nnull\n{"time":1}\n')
  log.add(record(DAY_MS, 2))
  assert.deepEqual(new RunLog(folder).read().map(({ put }) => put), [1, 2])
})

test('the log stays small and keeps the latest', () => {
  const log = new RunLog(folder)
  for (let i = 0; i < 3000; i++) log.add(record(i, i))
  assert.ok(statSync(join(folder, 'runs.jsonl')).size < 300 * 1024)
  assert.equal(log.read().at(-1)?.put, 2999)
})

test('where nothing can be written nothing is thrown', () => {
  new RunLog(join(folder, 'absent')).add(record(0, 1))
})

test('the last 30 days are summed, with the days that the log spans', () => {
  const nowMs = 100 * DAY_MS
  const tally = tallyRuns([record(nowMs - 31 * DAY_MS, 1000), record(nowMs - 9.5 * DAY_MS, 10, { COLD: 7 }), record(nowMs, 1, { COLD: 1 })], nowMs)
  assert.deepEqual([tally.runs, tally.days, tally.put, tally.get, tally.bytesDown], [2, 10, 11, 4, 12])
  assert.deepEqual(tally.putsByClass, { COLD: 8 })
  assert.equal(tallyRuns([], nowMs).days, 1)
})
