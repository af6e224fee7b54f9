// Goal: what exists in the target is treated as the overwrite mode says, and nothing is written that is right already.
// Method: a first restore, a change behind its back, a second one; written and fetched bytes are counted.
import assert from 'node:assert/strict'
import { linkSync, lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SeededBytes } from '../../fixtures/seeded-bytes.ts'
import type { OverwriteMode } from '../../src/restorer/decision.ts'
import { directory, file, storeTree, symlink, TestVault } from '../support/tree-maker.ts'
import { newTarget, problems, restoreEntries, restoreStored } from './restoring.ts'

const BLOCK = 64 * 1024
const blocks = (seed: string, count: number): Buffer[] => {
  const source = new SeededBytes(seed)
  return Array.from({ length: count }, (_, i) => source.noise(`block ${i}`, BLOCK))
}

test('only the blocks that differ are fetched and written', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const content = blocks('delta', 10)
  const stored = await storeTree(vault, { a: file(content) })
  await restoreStored(vault, stored, target)
  const path = join(target, 'a')
  const before = lstatSync(path)
  const changed = readFileSync(path)
  changed[3 * BLOCK + 5] = (changed[3 * BLOCK + 5] ?? 0) ^ 1
  writeFileSync(path, changed)

  const report = await restoreStored(vault, stored, target)
  assert.equal(report.filesUpdated, 1)
  assert.equal(report.bytesWritten, BLOCK)
  assert.ok(report.bytesFetched < BLOCK + 100, `${report.bytesFetched} bytes fetched`)
  assert.deepEqual(readFileSync(path), Buffer.concat(content))
  assert.equal(lstatSync(path).ino, before.ino)
  assert.equal(lstatSync(path).mtimeMs, before.mtimeMs)
})

test('files that grew or shrank get their size back', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const content = blocks('sizes', 3)
  const stored = await storeTree(vault, { long: file(content), short: file(content), gone: file(''), empty: file('') })
  await restoreStored(vault, stored, target)
  writeFileSync(join(target, 'long'), 'more', { flag: 'a' })
  truncateSync(join(target, 'short'), BLOCK + 1)
  writeFileSync(join(target, 'empty'), 'x')

  const report = await restoreStored(vault, stored, target)
  assert.deepEqual(problems(report), [])
  for (const name of ['long', 'short']) assert.deepEqual(readFileSync(join(target, name)), Buffer.concat(content))
  assert.equal(lstatSync(join(target, 'empty')).size, 0)
  assert.equal(report.bytesWritten, 2 * BLOCK)
  assert.equal(report.filesUpdated, 3)
})

test('data in the place of a hole, and of zeros of a sparse file, becomes a hole', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const data = Buffer.alloc(BLOCK, 7)
  const stored = await storeTree(vault, {
    hole: file([data, { hole: 4 * BLOCK }, data], { isSparse: true }),
    zeros: file([data, Buffer.alloc(4 * BLOCK), data], { isSparse: true }),
    tail: file([data, { hole: 4 * BLOCK }], { isSparse: true }),
  })
  await restoreStored(vault, stored, target)
  const allocated = (name: string): number => lstatSync(join(target, name)).blocks * 512
  for (const name of ['hole', 'zeros']) assert.ok(allocated(name) <= 2 * BLOCK + 8192, `${name} takes ${allocated(name)}`)
  for (const name of ['hole', 'zeros', 'tail']) writeFileSync(join(target, name), Buffer.alloc(6 * BLOCK, 1))

  const report = await restoreStored(vault, stored, target)
  assert.equal(report.filesUpdated, 3)
  const expected = Buffer.concat([data, Buffer.alloc(4 * BLOCK), data])
  for (const name of ['hole', 'zeros']) {
    assert.deepEqual(readFileSync(join(target, name)), expected)
    assert.ok(allocated(name) <= 2 * BLOCK + 8192, `${name} takes ${allocated(name)}`)
  }
  assert.deepEqual(readFileSync(join(target, 'tail')), expected.subarray(0, 5 * BLOCK))
})

test('each mode treats older, newer, changed and unchanged files as it says', async (t) => {
  const vault = await TestVault.create()
  const entry = file('snapshot', { mtimeSeconds: 1000, mtimeNanos: 0 })
  const stored = await storeTree(vault, { older: entry, newer: entry, same: entry, changed: entry, absent: entry })
  const expected: Record<OverwriteMode, string> = {
    always: 'snapshot snapshot snapshot snapshot snapshot',
    'if-changed': 'snapshot snapshot existing snapshot snapshot',
    'if-newer': 'snapshot existing existing existing snapshot',
    never: 'existing existing existing existing snapshot',
  }
  for (const [overwrite, contents] of Object.entries(expected)) {
    const target = newTarget(t)
    mkdirSync(target)
    const place = (name: string, content: string, seconds: number): void => {
      writeFileSync(join(target, name), content)
      utimesSync(join(target, name), seconds, seconds)
    }
    place('older', 'existing', 999)
    place('newer', 'existing', 1001)
    place('same', 'existing', 1000)
    place('changed', 'existing!', 1000)
    const report = await restoreStored(vault, stored, target, { overwrite: overwrite as OverwriteMode })
    const found = ['older', 'newer', 'same', 'changed', 'absent'].map((name) => readFileSync(join(target, name), 'utf8').slice(0, 8))
    assert.equal(found.join(' '), contents, overwrite)
    assert.equal(report.kept, contents.split('existing').length - 1 - (overwrite === 'if-changed' ? 1 : 0), overwrite)
  }
})

test('a file with another name outside is replaced, not written through', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const stored = await storeTree(vault, { a: file('new content') })
  mkdirSync(target)
  writeFileSync(`${target}-outside`, 'old content')
  linkSync(`${target}-outside`, join(target, 'a'))
  const report = await restoreStored(vault, stored, target)
  assert.equal(readFileSync(join(target, 'a'), 'utf8'), 'new content')
  assert.equal(readFileSync(`${target}-outside`, 'utf8'), 'old content')
  assert.equal(lstatSync(join(target, 'a')).nlink, 1)
  assert.equal(report.filesRestored, 1)
})

test('things of another kind are replaced; a directory that is not empty stays and is reported', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  mkdirSync(join(target, 'emptydir'), { recursive: true })
  mkdirSync(join(target, 'fulldir'))
  writeFileSync(join(target, 'fulldir', 'precious'), 'x')
  writeFileSync(join(target, 'dir'), 'a file')
  writeFileSync(join(target, 'link'), 'a file')
  symlinkSync('elsewhere', join(target, 'otherlink'))
  const report = await restoreEntries(vault, {
    emptydir: file('1'), fulldir: file('2'), dir: directory({ inside: file('3') }), link: symlink('to'), otherlink: symlink('to'),
  }, target)
  assert.equal(readFileSync(join(target, 'emptydir'), 'utf8'), '1')
  assert.equal(readFileSync(join(target, 'dir', 'inside'), 'utf8'), '3')
  assert.equal(readlinkSync(join(target, 'link')), 'to')
  assert.equal(readlinkSync(join(target, 'otherlink')), 'to')
  assert.equal(readFileSync(join(target, 'fulldir', 'precious'), 'utf8'), 'x')
  assert.equal(report.errorCount, 1)
  assert.match(problems(report)[0] ?? '', /^fulldir: ENOTEMPTY/)
})
