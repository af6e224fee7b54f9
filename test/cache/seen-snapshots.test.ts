// Goal: a machine remembers the newest snapshot of each series, and looking at a vault that lost it does not make it forget.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SeenSnapshots } from '../../src/cache/seen-snapshots.ts'
import { objectName, snapshotId } from '../../src/ids/ids.ts'
import type { StoredSnapshot } from '../../src/snapshot/snapshot.ts'

const folder = mkdtempSync(join(tmpdir(), 's3vault-seen-'))
after(() => rmSync(folder, { recursive: true }))

function snapshot(digit: string, day: number, host = 'h', paths = ['/a']): StoredSnapshot {
  const id = snapshotId(digit.repeat(64))
  return {
    version: 1, id, host, paths, time: `2026-01-0${day}T00:00:00.000Z`, user: 'u', tags: [], program: 'p', tree: digit.repeat(64),
    visible: { count: 0, digest: digit.repeat(64) }, serverTime: '20260101T000000Z', name: objectName(`snapshots/20260101T000000Z-${id}`),
  }
}
const ids = (seen: SeenSnapshots): string[] => seen.read().map(({ id }) => id[0] ?? '').sort()

test('the newest of each series is kept, whatever the order of paths', () => {
  const seen = new SeenSnapshots(folder)
  assert.deepEqual(ids(seen), [])
  seen.remember([snapshot('1', 1), snapshot('2', 2), snapshot('3', 1, 'other'), snapshot('4', 1, 'h', ['/b', '/a'])])
  assert.deepEqual(ids(new SeenSnapshots(folder)), ['2', '3', '4'])
  seen.remember([snapshot('5', 3, 'h', ['/a', '/b']), snapshot('4', 1, 'h', ['/b', '/a'])].reverse())
  assert.deepEqual(ids(seen), ['2', '3', '5'])
})

test('one that is gone gives way to a later one only', () => {
  const seen = new SeenSnapshots(folder)
  seen.remember([snapshot('1', 1)])
  assert.ok(ids(seen).includes('2'), 'an older snapshot does not end the alarm')
  seen.remember([snapshot('1', 1), snapshot('6', 4)])
  assert.ok(!ids(seen).includes('2') && ids(seen).includes('6'))
})

test('a damaged file was never seen', () => {
  writeFileSync(join(folder, 'seen-snapshots.json'), '{"not": "a list"')
  assert.deepEqual(new SeenSnapshots(folder).read(), [])
})
