// Goal: the file cache gives back what it was given, in walking order, survives a crash of its process, and is only a cache:
// whatever is wrong with it costs reading, never a failed backup.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { FileDatabase } from '../../src/cache/file-database.ts'
import { KNOWN_PAGE_MAX, KnownCursor } from '../../src/cache/known-files.ts'

const folder = mkdtempSync(join(tmpdir(), 's3vault-files-'))
after(() => rmSync(folder, { recursive: true }))

const key = Buffer.alloc(16, 1)
const file = (name: string | Buffer, entry = 'e') => ({
  name: Buffer.from(name), volatile: Buffer.from(`v ${String(name)}`), entry: Buffer.from(entry),
})
const names = (database: FileDatabase): string[] => database.directory(key).map(({ name }) => Buffer.from(name).toString('latin1'))
const reopened = (path: string): FileDatabase => new FileDatabase(path)

test('files come back in byte order of names, by directory', () => {
  const path = join(folder, 'order.db')
  const first = new FileDatabase(path)
  for (const name of ['b', 'a', 'a!', Buffer.from([0xff, 0xfe])]) first.put(key, file(name))
  first.put(Buffer.alloc(16, 2), file('elsewhere'))
  first.close()
  const second = reopened(path)
  assert.deepEqual(names(second), ['a', 'a!', 'b', '\xff\xfe'])
  assert.equal(Buffer.from(second.directory(key)[0]?.volatile ?? []).toString(), 'v a')
  second.forget(key, Buffer.from('a'))
  second.put(key, file('b', 'new'))
  assert.deepEqual(names(second), ['a!', 'b', '\xff\xfe'])
  second.close()
})

test('runs are numbered also when they do not complete, and the last completed one is remembered', () => {
  const path = join(folder, 'runs.db')
  const first = new FileDatabase(path)
  assert.deepEqual([first.run, first.lastRun, first.lastSnapshot], [1, 0, undefined])
  first.complete('s1')
  first.close()
  reopened(path).close() // interrupted
  const third = reopened(path)
  assert.deepEqual([third.run, third.lastRun, third.lastSnapshot], [3, 1, 's1'])
  third.close()
})

test('every sixteenth run drops what it did not see', () => {
  const path = join(folder, 'sweep.db')
  for (let run = 1; run < 16; run++) {
    const database = reopened(path)
    if (run === 1) for (const name of ['kept', 'gone']) database.put(key, file(name))
    database.complete(`s${run}`)
    database.close()
  }
  const sweep = reopened(path)
  assert.ok(sweep.isSweep)
  sweep.confirm(key, Buffer.from('kept'))
  sweep.complete('s16')
  sweep.close()
  const next = reopened(path)
  assert.deepEqual(names(next), ['kept'])
  next.close()
})

test('a damaged database is made anew', () => {
  const path = join(folder, 'damaged.db')
  writeFileSync(path, Buffer.alloc(8192, 0x55))
  const database = new FileDatabase(path)
  database.put(key, file('a'))
  database.close()
  const again = reopened(path)
  assert.deepEqual(names(again), ['a'])
  again.close()
})

test('what was checkpointed survives a process that never closes', () => {
  const path = join(folder, 'crash.db')
  const dead = new FileDatabase(path)
  dead.put(key, file('kept'))
  dead.checkpoint()
  dead.put(key, file('lost'))
  const other = reopened(path)
  assert.deepEqual(names(other), ['kept'])
  dead.close()
  other.close()
})

test('a folder that cannot be written is one clear error', () => {
  writeFileSync(join(folder, 'file'), '')
  assert.throws(() => new FileDatabase(join(folder, 'file', 'x.db')), { code: 'target-unwritable', message: /file cache/ })
})

test('a directory of more files than a page is walked whole, and what vanished is forgotten', () => {
  const database = new FileDatabase(join(folder, 'pages.db'))
  const all = Array.from({ length: 2 * KNOWN_PAGE_MAX + 7 }, (_, i) => String(i).padStart(6, '0'))
  for (const name of all) database.put(key, file(name))
  database.close()
  const again = reopened(join(folder, 'pages.db'))
  const cursor = new KnownCursor(again, key)
  const kept = all.filter((_, i) => i % 3 !== 0)
  for (const name of kept) assert.equal(Buffer.from(cursor.find(Buffer.from(name))?.name ?? []).toString(), name)
  assert.equal(cursor.find(Buffer.from('x')), undefined)
  cursor.finish()
  again.close()
  const last = reopened(join(folder, 'pages.db'))
  const rest = new KnownCursor(last, key)
  assert.deepEqual(all.filter((name) => rest.find(Buffer.from(name))), kept)
  last.close()
})
