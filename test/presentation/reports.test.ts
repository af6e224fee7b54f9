// Goal: the results of operations are told in full and in the person's words.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BackupResult } from '../../src/operations/backup.ts'
import { backupReport } from '../../src/presentation/backup-report.ts'
import { findingLines } from '../../src/presentation/check-report.ts'
import { jsonLine } from '../../src/presentation/json-line.ts'
import { restoreReport } from '../../src/presentation/restore-report.ts'
import { statsReport } from '../../src/presentation/stats-report.ts'

const requests = { put: 3, get: 2, list: 1, stat: 0, delete: 0, bytesUp: 10, bytesDown: 2048, retries: 0 }
const result: BackupResult = {
  snapshot: { id: 'ab'.repeat(32), time: '2026-11-27T06:32:37.000Z' },
  parent: 'cd'.repeat(32),
  summary: {
    files: 30_000, directories: 1, others: 2, bytes: 2 ** 31, filesNew: 1234, filesChanged: 5, filesUnmodified: 28_761,
    bytesRead: 2 ** 29, dataBlobsAdded: 100, metadataBlobsAdded: 1, bytesAdded: 2 ** 27, bytesStored: 2 ** 26, errors: 0,
    durationMs: 12_300,
  },
  warnings: 0,
  requests,
}

test('a backup says what was new, read, added and stored', () => {
  assert.deepEqual(backupReport(result), [
    'files   1,234 new, 5 changed, 28,761 unmodified, compared with cdcdcdcd',
    'in all  30,000 files, 1 directory, 2 others, 2.00 GiB',
    'read    512 MiB',
    'added   128 MiB in 100 data blobs and 1 metadata blob, stored as 64.0 MiB',
    'time    12.3 s',
    'snapshot abababab saved',
  ])
})

test('a dry run never claims a snapshot, and warnings are counted', () => {
  const { snapshot: _snapshot, parent: _parent, ...dry } = result
  const lines = backupReport({ ...dry, warnings: 3 })
  assert.ok(lines.includes('dry run: nothing was stored'))
  assert.ok(lines.some((line) => /^problems +3 items with a warning$/.test(line)))
  assert.ok(lines.some((line) => line.startsWith('would add')))
  assert.ok(lines.every((line) => !line.includes('saved')))
})

test('a finding names the object and what it hurts', () => {
  assert.deepEqual(
    findingLines({
      severity: 'error', kind: 'pack-missing', object: 'packs/d/ab/abcd', message: 'gone\u001b[0m',
      hurts: { snapshots: ['ef'.repeat(32)], paths: ['/home/ana/a'], more: 2 }, hint: 'restore the object',
    }),
    [
      'error: packs/d/ab/abcd: gone\\x1b[0m',
      '  hurts 1 snapshot: efefefef',
      '    /home/ana/a',
      '    and 2 more paths',
      '  hint: restore the object',
    ],
  )
})

test('a finding whose message names its object does not name it twice', () => {
  const object = 'packs/d/ab/abcd'
  assert.deepEqual(
    findingLines({ severity: 'note', kind: 'pack-unindexed', object, message: `${object}: in no index` }),
    ['note: packs/d/ab/abcd: in no index'],
  )
})

test('a backup says how often storage had to be asked again', () => {
  const lines = backupReport({ ...result, requests: { ...requests, retries: 12 } })
  assert.ok(lines.includes('retried  12 requests that failed or brought wrong bytes'), lines.join('\n'))
})

test('a restore says what it did, and lists only what there was', () => {
  const counts = {
    snapshot: 'ab'.repeat(32), filesRestored: 1, filesUpdated: 2, filesUnchanged: 3, kept: 0, directories: 1, others: 0, links: 0,
    deleted: 0, bytesWritten: 1024, bytesFetched: 512, rangesFetched: 1, filesVerified: 0, ownersRefused: 0, errorCount: 0,
    warningCount: 0, warnings: 0, durationMs: 1500, requests,
  }
  assert.deepEqual(restoreReport(counts, 'write'), [
    'files    1 restored, 2 updated, 3 right already',
    'besides  1 directory, 0 others, 0 hard links',
    'written  1.00 KiB, fetched 512 B',
    'time     1.50 s',
  ])
  const dry = restoreReport({ ...counts, kept: 1, deleted: 2, filesVerified: 3, warnings: 4 }, 'dry-run').join('\n')
  for (const line of [/kept +1 existing entry/, /deleted +2 entries/, /verified +3 files/, /problems +4 items/, /nothing was written/]) {
    assert.match(dry, line)
  }
})

test('stats of an empty vault show no nonsense', () => {
  const none = { objects: 0, bytes: 0 }
  const lines = statsReport({
    snapshots: 0, dataPacks: none, metadataPacks: none, index: none, other: { objects: 3, bytes: 1024 },
    total: { objects: 3, bytes: 1024 }, blobs: 0, rawBytes: 0, compressionRatio: Number.NaN, deduplicationRatio: 1, requests,
  })
  assert.ok(lines.includes('latest          -'))
  assert.ok(lines.includes('compression     -'))
  assert.ok(lines.includes('total           1.00 KiB in 3 objects'))
  assert.ok(lines.includes('this took       6 requests (3 put, 2 get, 1 list), 2.00 KiB fetched'))
})

test('a JSON record is one line, whatever it holds', () => {
  const line = jsonLine({ type: 'entry', path: 'a\nb\u2028', number: 2n ** 63n })
  assert.equal(line, '{"type":"entry","path":"a\\nb\u2028","number":"9223372036854775808"}\n')
})
