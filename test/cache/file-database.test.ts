// Goal: the file cache gives back what it was given, in walking order, survives a crash of its process, and is only a cache:
// whatever is wrong with it costs reading, never a failed backup.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
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

test('runs are numbered also when they do not complete', () => {
  const path = join(folder, 'runs.db')
  const first = new FileDatabase(path)
  assert.deepEqual([first.run], [1])
  first.complete()
  first.close()
  reopened(path).close() // interrupted
  const third = reopened(path)
  assert.deepEqual([third.run], [3])
  third.close()
})

test('every sixteenth run drops what it did not see', () => {
  const path = join(folder, 'sweep.db')
  for (let run = 1; run < 16; run++) {
    const database = reopened(path)
    if (run === 1) for (const name of ['kept', 'gone']) database.put(key, file(name))
    database.complete()
    database.close()
  }
  const sweep = reopened(path)
  assert.ok(sweep.isSweep)
  sweep.confirm(key, Buffer.from('kept'))
  sweep.complete()
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

/** Changes a database behind the back of FileDatabase. */
function change(path: string, sql: string): void {
  const database = new DatabaseSync(path)
  database.exec(sql)
  database.close()
}

test('a row with a damaged column is no row, and does not hide those after it', () => {
  const path = join(folder, 'rotten.db')
  const columns = ['name', 'volatile', 'entry', 'sum']
  const all = Array.from({ length: KNOWN_PAGE_MAX + 10 }, (_, i) => String(i).padStart(6, '0'))
  const database = new FileDatabase(path)
  for (const name of all) database.put(key, file(name))
  database.close()
  for (const [i, column] of columns.entries()) {
    const rotten = column === 'name' ? "CAST('000000x' AS BLOB)" : `CAST(${column} || 'x' AS BLOB)`
    change(path, `UPDATE files SET ${column} = ${rotten} WHERE name = CAST('00000${i}' AS BLOB)`)
  }
  change(path, "UPDATE files SET entry = 'text' WHERE name = CAST('000004' AS BLOB)")
  // What is in one column must not pass for the same bytes in the next.
  change(path, "UPDATE files SET volatile = CAST(volatile || entry AS BLOB), entry = x'' WHERE name = CAST('000005' AS BLOB)")
  change(path, "UPDATE files SET dir = zeroblob(16) WHERE name = CAST('000006' AS BLOB)")
  const again = reopened(path)
  const cursor = new KnownCursor(again, key)
  assert.deepEqual(all.filter((name) => cursor.find(Buffer.from(name))), all.slice(7))
  assert.deepEqual(again.directory(new Uint8Array(16)), [])
  assert.equal(again.problem, undefined)
  again.put(key, file('000001'))
  again.confirm(key, Buffer.from('000001'))
  assert.equal(names(again)[0], '000001', 'what is put again is there again, also when confirmed')
  again.close()
})

test('a whole page of damaged rows ends no walk', () => {
  const path = join(folder, 'rotten-page.db')
  const all = Array.from({ length: 2 * KNOWN_PAGE_MAX }, (_, i) => String(i).padStart(6, '0'))
  const database = new FileDatabase(path)
  for (const name of all) database.put(key, file(name))
  database.close()
  change(path, `UPDATE files SET sum = zeroblob(8) WHERE name < CAST('${all[KNOWN_PAGE_MAX + 1]}' AS BLOB)`)
  const again = reopened(path)
  assert.deepEqual(names(again), all.slice(KNOWN_PAGE_MAX + 1))
  again.close()
})

test('a database of another schema is made anew', () => {
  for (const version of [0, 1, 3]) {
    const path = join(folder, `schema-${version}.db`)
    change(path, `
      CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID; INSERT INTO meta VALUES ('run', 7), ('lastSnapshot', 'old');
      CREATE TABLE files (dir BLOB, name BLOB, run INTEGER, volatile BLOB, entry BLOB, PRIMARY KEY (dir, name)) WITHOUT ROWID;
      INSERT INTO files VALUES (x'${key.toString('hex')}', x'61', 1, x'62', x'63'); PRAGMA user_version = ${version}`)
    const database = new FileDatabase(path)
    assert.deepEqual([database.run, names(database)], [1, []])
    database.put(key, file('a'))
    database.close()
    const again = reopened(path)
    assert.deepEqual([again.run, names(again)], [2, ['a']])
    again.close()
  }
})

test('backups that start together get numbers of their own', async () => {
  const path = join(folder, 'together.db')
  const program = `
    const { FileDatabase } = await import(${JSON.stringify(import.meta.resolve('../../src/cache/file-database.js'))})
    for (let i = 0; i < 200; i++) {
      const database = new FileDatabase(${JSON.stringify(path)})
      console.log(database.problem ?? database.run)
      database.close()
    }`
  const outputs = await Promise.all([1, 2, 3].map(() =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])))
  const runs = outputs.flatMap(({ stdout }) => stdout.trim().split('\n').map(Number)).sort((a, b) => a - b)
  assert.deepEqual(runs, Array.from({ length: 600 }, (_, i) => i + 1))
})

const contents = (directory: string): Map<string, string> =>
  new Map(readdirSync(directory).sort().map((name) => [name, readFileSync(join(directory, name)).toString('base64')]))

/** All that a run calls. */
function useAll(database: FileDatabase): void {
  database.put(key, file('new'))
  database.confirm(key, Buffer.from('a'))
  database.forget(key, Buffer.from('a'))
  database.checkpoint()
  database.complete()
}

test('a look reads what is there and changes nothing', () => {
  const directory = join(folder, 'look? 100%#')
  mkdirSync(directory)
  const path = join(directory, 'x.db')
  const first = new FileDatabase(path)
  first.put(key, file('a'))
  first.complete()
  first.close()
  const before = contents(directory)
  for (let round = 0; round < 2; round++) {
    const look = new FileDatabase(path, { access: 'look' })
    assert.deepEqual([look.run], [2])
    useAll(look)
    assert.deepEqual([names(look), look.problem], [['a'], undefined])
    assert.deepEqual([...contents(directory).keys()], ['x.db'])
    look.close()
  }
  assert.deepEqual(contents(directory), before)
})

test('a look sees what a run beside it has committed', () => {
  const directory = join(folder, 'beside')
  const path = join(directory, 'x.db')
  const writer = new FileDatabase(path)
  writer.put(key, file('a'))
  writer.checkpoint()
  writer.put(key, file('b'))
  const look = new FileDatabase(path, { access: 'look' })
  const before = contents(directory)
  useAll(look)
  assert.deepEqual(names(look), ['a'])
  look.close()
  assert.equal(contents(directory).get('x.db'), before.get('x.db'))
  assert.equal(contents(directory).get('x.db-wal'), before.get('x.db-wal'))
  writer.close()
  const next = reopened(path)
  assert.deepEqual([next.run, names(next)], [2, ['a', 'b']])
  next.close()
})

test('a look at what is missing, damaged or old is a look at nothing, and leaves it', () => {
  const missing = join(folder, 'nowhere', 'x.db')
  const damaged = join(folder, 'look-damaged.db')
  const old = join(folder, 'look-old.db')
  writeFileSync(damaged, Buffer.alloc(8192, 0x55))
  change(old, 'CREATE TABLE meta (key, value); PRAGMA user_version = 1')
  const before = [damaged, old].map((path) => readFileSync(path))
  for (const path of [missing, damaged, old]) {
    const look = new FileDatabase(path, { access: 'look' })
    useAll(look)
    assert.deepEqual([look.run, names(look), look.problem], [1, [], undefined])
    look.close()
  }
  assert.ok(!existsSync(join(folder, 'nowhere')))
  assert.deepEqual([damaged, old].map((path) => readFileSync(path)), before)
})
