// Goal: numbers are shown with the digits people expect, also at the borders between units.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  formatBytes, formatClock, formatCount, formatDuration, formatItems, formatPercent, formatRate, formatRatio, formatTime,
} from '../../src/presentation/quantities.ts'

test('sizes have three significant digits and never four before the point', () => {
  const shown: [number, string][] = [
    [0, '0 B'], [1, '1 B'], [1023, '1023 B'], [1024, '1.00 KiB'], [1536, '1.50 KiB'], [10_240, '10.0 KiB'],
    [999.4 * 1024, '999 KiB'], [999.6 * 1024, '0.98 MiB'], [1024 ** 2, '1.00 MiB'], [123.456 * 1024 ** 2, '123 MiB'],
    [9.996 * 1024 ** 3, '10.0 GiB'], [99.96 * 1024 ** 3, '100 GiB'], [2 ** 60, '1.00 EiB'], [5000 * 2 ** 60, '5000 EiB'],
  ]
  for (const [bytes, text] of shown) assert.equal(formatBytes(bytes), text, String(bytes))
  assert.equal(formatRate(2048), '2.00 KiB/s')
})

test('every size up to 2^53 keeps within eight columns', () => {
  for (let bytes = 1; bytes < 2 ** 53; bytes = Math.ceil(bytes * 1.037)) {
    assert.ok(formatBytes(bytes).length <= 8, `${bytes}: ${formatBytes(bytes)}`)
  }
})

test('durations and clocks round up into the next unit, not past it', () => {
  assert.equal(formatDuration(350), '0.35 s')
  assert.equal(formatDuration(9_994), '9.99 s')
  assert.equal(formatDuration(9_996), '10.0 s')
  assert.equal(formatDuration(59_949), '59.9 s')
  assert.equal(formatDuration(59_960), '1:00')
  assert.equal(formatClock(7_400), '0:07')
  assert.equal(formatClock(59_600), '1:00')
  assert.equal(formatClock(3_599_600), '1:00:00')
  assert.equal(formatClock(26 * 3_600_000), '26:00:00')
})

test('counts, items, ratios and percentages', () => {
  assert.equal(formatCount(1_234_567), '1,234,567')
  assert.equal(formatCount(123), '123')
  assert.equal(formatItems(1, 'file'), '1 file')
  assert.equal(formatItems(0, 'file'), '0 files')
  assert.equal(formatItems(2, 'directory', 'directories'), '2 directories')
  assert.equal(formatRatio(2.414), '2.41x')
  assert.equal(formatRatio(Number.NaN), '-')
  assert.equal(formatPercent(999, 1000), '99 %', 'never 100 before it is done')
  assert.equal(formatPercent(1000, 1000), '100 %')
  assert.equal(formatPercent(0, 0), '100 %')
})

test('a time is local and sorts as text', () => {
  assert.equal(formatTime(new Date(2026, 10, 7, 6, 2, 3).getTime()), '2026-11-07 06:02:03')
})
