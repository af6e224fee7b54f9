// Goal: the progress line says what matters and never exceeds the terminal's width.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { progressLine, progressRecord } from '../../src/presentation/progress-line.ts'
import type { ProgressView } from '../../src/presentation/progress-meter.ts'
import { textWidth } from '../../src/presentation/text-width.ts'

const MIB = 1024 * 1024

const view: ProgressView = {
  progress: {
    type: 'progress', phase: 'backup', itemsDone: 1234, itemsTotal: 30_000, bytesDone: 512 * MIB, bytesTotal: 2048 * MIB,
    bytesTransferred: 64 * MIB, errors: 2, current: '/home/ana/documents/\u001b[31m漢字/letter.txt',
  },
  elapsedMs: 42_000, bytesPerSecond: 120 * MIB, transferredPerSecond: 14 * MIB, leftMs: 13_000,
}

test('a wide terminal shows everything', () => {
  assert.equal(
    progressLine(view, 200),
    '[0:42]  backup  25 %  1,234/30,000 items  512 MiB/2.00 GiB  2 errors  ETA 0:13  read 120 MiB/s  up 64.0 MiB 14.0 MiB/s' +
    '  /home/ana/documents/\\x1b[31m漢字/letter.txt',
  )
})

test('narrow terminals lose the least important first, and no width is exceeded', () => {
  for (let columns = 1; columns < 200; columns++) {
    const line = progressLine(view, columns)
    assert.ok(textWidth(line) <= columns, `${columns}: ${line}`)
  }
  assert.match(progressLine(view, 80), /ETA 0:13/)
  assert.doesNotMatch(progressLine(view, 80), /letter/)
  assert.match(progressLine(view, 140), /…\S*letter\.txt$/)
})

test('unknown totals are left out', () => {
  const { itemsTotal: _items, bytesTotal: _bytes, current: _current, ...progress } = view.progress
  const { leftMs: _left, ...rest } = view
  assert.equal(
    progressLine({ ...rest, progress: { ...progress, errors: 0, bytesTransferred: 0 } }, 200),
    '[0:42]  backup  1,234 items  512 MiB  read 120 MiB/s',
  )
  assert.match(progressLine({ ...rest, progress: { ...progress, itemsDone: 1 } }, 200), /  1 item  /)
})

test('the record has plain numbers', () => {
  const record = progressRecord(view)
  assert.equal(record['secondsLeft'], 13)
  assert.equal(record['elapsedSeconds'], 42)
  assert.equal(record['bytesPerSecond'], 120 * MIB)
  assert.equal(record['itemsTotal'], 30_000)
})
