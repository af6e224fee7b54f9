import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync, closeSync, ftruncateSync, linkSync, mkdirSync, openSync, renameSync, rmSync, symlinkSync, unlinkSync,
  writeFileSync, writeSync,
} from 'node:fs'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { makeNode, setOwner } from '../../src/posix/nodes.ts'
import { setTimes } from '../../src/posix/times.ts'
import { setXattr } from '../../src/posix/xattrs.ts'
import { hasUserXattrs, scratchDirectory, unlessRoot } from './scratch-directory.ts'

const TIB = 2 ** 40

function makeSmallTree(root: string): void {
  mkdirSync(`${root}/directory`, { recursive: true })
  writeFileSync(`${root}/file`, 'content')
  writeFileSync(`${root}/directory/linked`, 'linked')
  linkSync(`${root}/directory/linked`, `${root}/also linked`)
  writeFileSync(`${root}/not linked`, 'linked')
  symlinkSync('file', `${root}/symlink`)
  makeNode(Buffer.from(`${root}/fifo`), 'fifo', 0o600)
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff])]), '')
  const fd = openSync(`${root}/sparse`, 'wx')
  ftruncateSync(fd, TIB)
  writeSync(fd, Buffer.alloc(4096, 1), 0, 4096, TIB / 2)
  closeSync(fd)
  setAllTimes(root)
}

const ENTRIES = ['directory/linked', 'also linked', 'not linked', 'file', 'symlink', 'fifo', 'sparse', 'directory', '']

/** All times alike, so that a change shows by itself. */
function setAllTimes(root: string): void {
  for (const name of ENTRIES) setTimes(Buffer.from(`${root}/${name}`), 1n, 1n)
  setTimes(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff])]), 1n, 1n)
}

function pair(t: TestContext): { a: string; b: string } {
  const directory = scratchDirectory(t)
  const [a, b] = [`${directory}/a`, `${directory}/b`]
  makeSmallTree(a)
  makeSmallTree(b)
  assert.deepEqual(compareTrees(a, b), [])
  return { a, b }
}

/** Changes the second of two equal trees, and expects exactly these lines. */
function expectDifferences(t: TestContext, change: (b: string) => void, expected: readonly string[]): void {
  const { a, b } = pair(t)
  change(b)
  for (const name of ['directory', '']) setTimes(Buffer.from(`${b}/${name}`), 1n, 1n)
  assert.deepEqual(compareTrees(a, b), expected)
}

function writeAt(path: string, bytes: Uint8Array, offset: number): void {
  const fd = openSync(path, 'r+')
  writeSync(fd, bytes, 0, bytes.length, offset)
  closeSync(fd)
  setTimes(Buffer.from(path), 1n, 1n)
}

test('a missing and an additional entry', (t) => {
  expectDifferences(t, (b) => renameSync(`${b}/file`, `${b}/renamed`), ['./file: missing in B', './renamed: only in B'])
})

test('a name that differs in a byte that is not UTF-8', (t) => {
  const change = (b: string): void => {
    const at = (byte: number): Buffer => Buffer.concat([Buffer.from(`${b}/`), Buffer.from([byte])])
    renameSync(at(0xff), at(0xfe))
  }
  expectDifferences(t, change, ['./\\xff: missing in B', './\\xfe: only in B'])
})

test('a nanosecond of mtime, of a file, a symlink, a directory', (t) => {
  const { a, b } = pair(t)
  for (const name of ['file', 'symlink', 'directory']) setTimes(Buffer.from(`${b}/${name}`), 'omit', 2n)
  assert.deepEqual(compareTrees(a, b), ['directory', 'file', 'symlink'].map((name) => `./${name}: mtime: 1 ns, in B 2 ns`))
  assert.deepEqual(compareTrees(a, b, { except: ['mtime'] }), [])
})

test('one byte of content, and a size', (t) => {
  expectDifferences(t, (b) => writeAt(`${b}/file`, Buffer.from('X'), 4), ['./file: content: differs from byte 4'])
  expectDifferences(t, (b) => writeAt(`${b}/file`, Buffer.from('!'), 7), ['./file: size: 7 bytes, in B 8 bytes'])
})

test('one byte far inside a tebibyte of nothing', (t) => {
  expectDifferences(t, (b) => writeAt(`${b}/sparse`, Buffer.from('X'), TIB / 2 + 4000), [
    `./sparse: content: differs from byte ${TIB / 2 + 4000}`,
  ])
  expectDifferences(t, (b) => writeAt(`${b}/sparse`, Buffer.from('X'), TIB - 1), [
    `./sparse: content: differs from byte ${TIB - 1}`,
    `./sparse: holes: hole at byte ${TIB - 4096}, in B data`,
  ])
})

test('zeros written into a hole, a little and much', (t) => {
  expectDifferences(t, (b) => writeAt(`${b}/sparse`, Buffer.alloc(4096), 8192), [
    './sparse: holes: hole at byte 8192, in B data',
  ])
  const { a, b } = pair(t)
  writeAt(`${b}/sparse`, Buffer.alloc(4 * 1024 * 1024), TIB / 2 + 4096)
  const [first, second, ...rest] = compareTrees(a, b)
  assert.equal(first, `./sparse: holes: hole at byte ${TIB / 2 + 4096}, in B data`)
  assert.match(second ?? '', /^\.\/sparse: holes: \d+ bytes allocated, in B \d+$/)
  assert.deepEqual(rest, [])
  assert.deepEqual(compareTrees(a, b, { except: ['holes'] }), [])
  // The other way round zeros became a hole, which a restore may do.
  assert.deepEqual(compareTrees(b, a), [])
})

test('type, mode, symlink target', (t) => {
  const toDirectory = (b: string): void => {
    unlinkSync(`${b}/fifo`)
    mkdirSync(`${b}/fifo`)
  }
  expectDifferences(t, toDirectory, ['./fifo: type: fifo, in B directory'])
  expectDifferences(t, (b) => chmodSync(`${b}/not linked`, 0o4644), ['./not linked: mode: 0644, in B 4644'])
  const retarget = (b: string): void => {
    unlinkSync(`${b}/symlink`)
    symlinkSync('elsewhere', `${b}/symlink`)
    setTimes(Buffer.from(`${b}/symlink`), 1n, 1n)
  }
  expectDifferences(t, retarget, ['./symlink: target: file, in B elsewhere'])
})

test('a hard link that became a copy', (t) => {
  const change = (b: string): void => {
    unlinkSync(`${b}/also linked`)
    writeFileSync(`${b}/also linked`, 'linked')
    setTimes(Buffer.from(`${b}/also linked`), 1n, 1n)
  }
  expectDifferences(t, change, [
    './also linked: links: 2, in B 1',
    './directory/linked: links: 2, in B 1',
    './directory/linked: hard link: one inode with ./also linked, in B not',
  ])
})

test('a hard link too many, and the right number of links between the wrong names', (t) => {
  const joined = (b: string): void => {
    rmSync(`${b}/not linked`)
    linkSync(`${b}/also linked`, `${b}/not linked`)
  }
  expectDifferences(t, joined, [
    './also linked: links: 2, in B 3',
    './directory/linked: links: 2, in B 3',
    './not linked: links: 1, in B 3',
    './not linked: hard link: another inode than ./also linked, in B the same',
  ])
  const swapped = (b: string): void => {
    renameSync(`${b}/not linked`, `${b}/held`)
    renameSync(`${b}/also linked`, `${b}/not linked`)
    renameSync(`${b}/held`, `${b}/also linked`)
  }
  const { a, b } = pair(t)
  swapped(b)
  assert.ok(compareTrees(a, b).includes('./directory/linked: hard link: one inode with ./also linked, in B not'))
})

test('xattrs: missing, additional, changed', (t) => {
  const { a, b } = pair(t)
  const outside = scratchDirectory(t)
  if (!hasUserXattrs(t, outside)) return
  const set = (root: string, name: string, value: string): void =>
    setXattr(Buffer.from(`${root}/file`), Buffer.from(name), Buffer.from(value))
  set(a, 'user.a', '1')
  set(a, 'user.b', '2')
  set(b, 'user.b', '3')
  set(b, 'user.c', '')
  assert.deepEqual(compareTrees(a, b), [
    './file: xattr user.a: missing in B',
    './file: xattr user.b: 1 bytes 32, in B 1 bytes 33',
    './file: xattr user.c: only in B',
  ])
})

test('owner and device numbers', { skip: unlessRoot }, (t) => {
  expectDifferences(t, (b) => setOwner(Buffer.from(`${b}/symlink`), 1, 2), ['./symlink: owner: 0:0, in B 1:2'])
  const { a, b } = pair(t)
  for (const [root, minor] of [[a, 3], [b, 5]] as const) {
    makeNode(Buffer.from(`${root}/device`), 'char', 0o600, 1, minor)
    setTimes(Buffer.from(`${root}/device`), 1n, 1n)
    setTimes(Buffer.from(root), 1n, 1n)
  }
  assert.deepEqual(compareTrees(a, b), ['./device: device: 1:3, in B 1:5'])
})

test('a copy by cp -a has no difference: a judge that is not ours', (t) => {
  const { a, b } = pair(t)
  rmSync(b, { recursive: true })
  assert.equal(spawnSync('cp', ['-a', '--sparse=always', a, b]).status, 0)
  assert.deepEqual(compareTrees(a, b), [])
})

test('the program exits 0 on equal trees, 1 with the differences on others, 2 on misuse', (t) => {
  const { a, b } = pair(t)
  const program = fileURLToPath(new URL('../../fixtures/tree-comparator.js', import.meta.url))
  const run = (...args: string[]): { status: number | null; stdout: string } =>
    spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' })
  assert.deepEqual([run(a, b).status, run(a, b).stdout], [0, ''])
  chmodSync(`${b}/file`, 0o600)
  assert.deepEqual([run(a, b).status, run(a, b).stdout], [1, './file: mode: 0644, in B 0600\n'])
  assert.equal(run(a, b, '--except=mode').status, 0)
  assert.equal(run(a, b, '--except=nothing').status, 2)
  assert.equal(run(a).status, 2)
})
