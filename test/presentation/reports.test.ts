// Goal: the results of operations are told in full and in the person's words.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { objectName, snapshotId } from '../../src/ids/ids.ts'
import type { BackupResult } from '../../src/operations/backup.ts'
import { backupReport } from '../../src/presentation/backup-report.ts'
import { findingLines } from '../../src/presentation/check-report.ts'
import { jsonLine } from '../../src/presentation/json-line.ts'
import { formatTime } from '../../src/presentation/quantities.ts'
import { changeLine, restoreReport, restoreStartLine } from '../../src/presentation/restore-report.ts'
import { costReport } from '../../src/presentation/cost-report.ts'
import { restorePlanReport } from '../../src/presentation/restore-plan-report.ts'
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

const time = '2026-11-27T06:32:37.000Z'
const snapshot = {
  version: 1, id: snapshotId('ab'.repeat(32)), name: objectName(`snapshots/20261127T063237Z-${'ab'.repeat(32)}`), serverTime: '20261127T063237Z',
  time, host: 'laptop', user: 'ana', paths: ['/etc', '/home', '/srv', '/opt'], tags: [], program: 's3vault', tree: 'cd'.repeat(32),
  visible: { count: 0, digest: 'ef'.repeat(32) },
}

test('a restore says of which snapshot, where, and what it did, and lists only what there was', () => {
  const line = `abababab of ${formatTime(Date.parse(time))}, host laptop, /etc /home /srv and 1 more path`
  assert.equal(restoreStartLine(snapshot, '/tmp/back'), `restoring snapshot ${line} into /tmp/back`)
  const counts = {
    snapshot, target: '/tmp/back', xattrsRefused: 0, filesRestored: 1, filesUpdated: 2, filesUnchanged: 3, kept: 0, directories: 1, others: 0, links: 0,
    deleted: 0, bytesWritten: 1024, bytesFetched: 512, rangesFetched: 1, filesVerified: 0, ownersRefused: 0, errorCount: 0,
    warningCount: 0, warnings: 0, durationMs: 1500, requests,
  }
  assert.deepEqual(restoreReport(counts, 'write'), [
    `snapshot  ${line}`,
    'target    /tmp/back',
    'files     1 restored, 2 updated, 3 right already',
    'besides   1 directory, 0 others, 0 hard links',
    'written   1.00 KiB, fetched 512 B',
    'time      1.50 s',
  ])
  const refused = restoreReport({ ...counts, ownersRefused: 1, xattrsRefused: 2 }, 'write').join('\n')
  assert.match(refused, /not set +owner or group of 1 entry, 2 system xattrs, as only root may/)
  const dry = restoreReport({ ...counts, kept: 1, deleted: 2, filesVerified: 3, warnings: 4 }, 'dry-run').join('\n')
  for (const line of [/kept +1 existing entry/, /deleted +2 entries/, /verified +3 files/, /problems +4 items/, /nothing was written/]) {
    assert.match(dry, line)
  }
})

test('a change is its name and what becomes of it', () => {
  assert.equal(changeLine({ action: 'create', kind: 'file', path: '/back/a' }), 'create      /back/a')
  assert.equal(changeLine({ action: 'attributes', kind: 'directory', path: '/back/a' }), 'attributes  /back/a/')
  assert.equal(changeLine({ action: 'attributes', kind: 'directory', path: '/' }), 'attributes  /')
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

const prices = { provider: 'Amazon S3', region: 'us-east-1', currency: 'USD', date: '2026', source: 'https://example.org', table: 'built in' }
const young = { objects: 0, bytes: 0, stillBilled: 0 }
const runs = { runs: 30, days: 30, put: 150, get: 90, list: 180, stat: 30, delete: 0, bytesUp: 2 ** 30, bytesDown: 0, putsByClass: {} }

test('costs begin with the figure of the month; what is not nothing is not shown as nothing', () => {
  const lines = costReport({
    kind: 'billed', host: 's3.us-east-1.amazonaws.com', region: 'us-east-1', prices, runs, unfinishedUploads: 0,
    classes: [
      { storageClass: 'DEEP_ARCHIVE', objects: 5600, bytes: 178 * 2 ** 30, monthly: 0.18, young: { objects: 3, bytes: 2 ** 20, stillBilled: 0.001 } },
      { storageClass: 'STANDARD', objects: 100, bytes: 2 ** 20, monthly: 0.00002, young },
    ],
    noncurrent: [], monthly: { storage: 0.18, noncurrent: 0, requests: 0.07, downloads: 0, total: 0.25 },
    wholeRestore: { download: 16, retrieval: 3.5, requests: 0.01, copies: 0.4, total: 19.91, unpriced: [], bytes: 178 * 2 ** 30, objects: 5600 },
  })
  assert.deepEqual(lines, [
    'about 0.25 USD a month: 178 GiB in DEEP_ARCHIVE 0.18, 1.00 MiB in STANDARD <0.01, requests 0.07 ' +
      '(requests and downloads: of the last 30 days on this machine)',
    '',
    'class         objects      size  USD a month',
    'DEEP_ARCHIVE    5,600   178 GiB         0.18',
    'STANDARD          100  1.00 MiB        <0.01',
    '',
    'requests of 30 runs in 30 days: 150 PUT, 90 GET, 180 LIST, 30 HEAD; 1.00 GiB up, 0 B down',
    'too young to be deleted for nothing: 3 objects (1.00 MiB) in DEEP_ARCHIVE, <0.01 USD would still be billed',
    'reading all of it back (178 GiB): about 19.91 USD, once: download 16.00, retrieval 3.50, copies while it lasts 0.40, requests 0.01',
    'prices: Amazon S3 us-east-1, of 2026, https://example.org (table: built in)',
    'an estimate from list prices, without taxes and discounts; the bill is what counts',
  ])
})

test('a restore plan says what is archived, and what each way of bringing it back takes and costs', () => {
  const costs = { download: 1, retrieval: 0.2, requests: 0.001, copies: 0, total: 1.2, unpriced: ['bringing back from GLACIER (bulk)'] }
  const times = [{ storageClass: 'GLACIER', time: '5-12 hours' }]
  const plan = {
    snapshot: 'ab', packs: 3, bytes: 1024, packBytes: 4096, days: 3, prices,
    classes: [{ storageClass: 'GLACIER', objects: 2, bytes: 1000, objectBytes: 3072 }, { storageClass: 'STANDARD', objects: 1, bytes: 24, objectBytes: 1024 }],
    archived: { packs: 2, bytes: 3072, states: { readable: 0, archived: 1, returning: 1 } }, options: [{ tier: 'bulk' as const, times, costs }],
  }
  assert.deepEqual(restorePlanReport(plan), [
    'the restore reads 1.00 KiB of 3 packs (4.00 KiB)', '',
    'class     packs      size  to read', 'GLACIER       2  3.00 KiB   1000 B', 'STANDARD      1  1.00 KiB     24 B', '',
    'archived, to be brought back first: 2 packs (3.00 KiB); 1 coming back already; readable for 3 days then',
    '--archive-tier bulk: 5-12 hours, about 1.20 USD: download 1.00, retrieval 0.20, requests <0.01; ' +
      'more for bringing back from GLACIER (bulk), which the table does not price',
    'prices: Amazon S3 us-east-1, of 2026, https://example.org (table: built in)',
  ])
  const { prices: _prices, ...unpriced } = plan
  const withoutCosts = restorePlanReport({ ...unpriced, options: [{ tier: 'bulk', times }] })
  assert.ok(withoutCosts.includes('--archive-tier bulk: 5-12 hours; no prices are known, --prices FILE gives them'))
})
