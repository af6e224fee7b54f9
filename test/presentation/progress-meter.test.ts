// Goal: rates and the time left follow what is reported, over a window, and a phase does not inherit another's.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Progress } from '../../src/operations/events.ts'
import { ProgressMeter } from '../../src/presentation/progress-meter.ts'

const report = (fields: Partial<Progress>): Progress =>
  ({ type: 'progress', phase: 'backup', itemsDone: 0, bytesDone: 0, bytesTransferred: 0, errors: 0, ...fields })

/** A steady run: `bytesPerSecond` for `seconds`, a report every 100 ms. */
function run(meter: ProgressMeter, fromMs: number, seconds: number, bytesPerSecond: number, startBytes = 0, extra: Partial<Progress> = {}): number {
  for (let tick = 0; tick <= seconds * 10; tick++) {
    const bytesDone = startBytes + (tick / 10) * bytesPerSecond
    meter.observe(report({ bytesDone, bytesTransferred: bytesDone / 4, ...extra }), fromMs + tick * 100)
  }
  return fromMs + seconds * 1000
}

test('nothing is shown before the first report', () => {
  assert.equal(new ProgressMeter(0).view(5000), undefined)
})

test('a steady run shows its rates and the time left', () => {
  const meter = new ProgressMeter(0)
  const now = run(meter, 0, 20, 1000, 0, { bytesTotal: 100_000 })
  const view = meter.view(now)
  assert.ok(view)
  assert.equal(Math.round(view.bytesPerSecond), 1000)
  assert.equal(Math.round(view.transferredPerSecond), 250)
  assert.equal(Math.round((view.leftMs ?? 0) / 1000), 80)
  assert.equal(view.elapsedMs, 20_000)
})

test('the rate is that of the last ten seconds or so, and falls when reports stop', () => {
  const meter = new ProgressMeter(0)
  let now = run(meter, 0, 30, 1_000_000)
  now = run(meter, now, 15, 1000, 30_000_000)
  const slow = meter.view(now)?.bytesPerSecond ?? 0
  assert.ok(slow > 900 && slow < 1100, String(slow))
  const stalled = meter.view(now + 90_000)?.bytesPerSecond ?? Infinity
  assert.ok(stalled < 200, String(stalled))
})

test('many small files: items count, or their bytes alone would promise too much', () => {
  const meter = new ProgressMeter(0)
  for (let tick = 0; tick <= 100; tick++) {
    // 100 of 1100 files in 10 s, but half of the bytes: what is left is many small files.
    meter.observe(report({ bytesDone: tick * 1000, bytesTotal: 200_000, itemsDone: tick, itemsTotal: 1100 }), tick * 100)
  }
  const seconds = (meter.view(10_000)?.leftMs ?? 0) / 1000
  assert.ok(seconds > 90 && seconds < 100, String(seconds))
})

test('few large files: bytes count, an unfinished file is not a stall', () => {
  const meter = new ProgressMeter(0)
  for (let tick = 0; tick <= 100; tick++) {
    meter.observe(report({ bytesDone: tick * 1_000_000, bytesTotal: 200_000_000, itemsDone: 0, itemsTotal: 2 }), tick * 100)
  }
  assert.equal(Math.round((meter.view(10_000)?.leftMs ?? 0) / 1000), 10)
})

test('items alone have a time left too', () => {
  const meter = new ProgressMeter(0)
  for (let tick = 0; tick <= 100; tick++) meter.observe(report({ itemsDone: tick, itemsTotal: 300 }), tick * 100)
  assert.equal(Math.round((meter.view(10_000)?.leftMs ?? 0) / 1000), 20)
})

test('without totals there is no time left, and a new phase starts its own rates', () => {
  const meter = new ProgressMeter(0)
  const now = run(meter, 0, 10, 1_000_000)
  assert.equal(meter.view(now)?.leftMs, undefined)
  meter.observe(report({ phase: 'commit', bytesDone: 0 }), now + 300)
  assert.equal(meter.view(now + 300)?.bytesPerSecond, 0)
})
