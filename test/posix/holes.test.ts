import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { makeNode } from '../../src/posix/nodes.ts'
import { dataRanges, nextData, nextHole, punchHole } from '../../src/posix/holes.ts'
import { openFileForRead } from '../../src/posix/files.ts'
import { SeededBytes } from '../../fixtures/seeded-bytes.ts'
import { scratchDirectory } from './scratch-directory.ts'

const BLOCK = 4096

function sparseFile(t: TestContext, sizeBytes: number): number {
  const fd = openSync(`${scratchDirectory(t)}/sparse`, 'wx+')
  t.after(() => closeSync(fd))
  ftruncateSync(fd, sizeBytes)
  return fd
}

test('data and holes are found; after the last data and past the end there is none', (t) => {
  const fd = sparseFile(t, 1024 * 1024)
  writeSync(fd, Buffer.alloc(8192, 1), 0, 8192, 65536)
  assert.equal(nextData(fd, 0), 65536)
  assert.equal(nextHole(fd, 0), 0)
  assert.equal(nextHole(fd, 65536), 65536 + 8192)
  assert.equal(nextData(fd, 65536 + 8192), undefined)
  assert.equal(nextData(fd, 1024 * 1024), undefined)
  assert.equal(nextHole(fd, 1024 * 1024), undefined)
  assert.deepEqual([...dataRanges(fd, 1024 * 1024)], [{ offset: 65536, length: 8192 }])
})

test('offsets beyond 4 GiB are whole numbers', (t) => {
  const sizeBytes = 2 ** 40
  const fd = sparseFile(t, sizeBytes)
  writeSync(fd, Buffer.alloc(BLOCK, 1), 0, BLOCK, sizeBytes - BLOCK)
  assert.deepEqual([...dataRanges(fd, sizeBytes)], [{ offset: sizeBytes - BLOCK, length: BLOCK }])
})

test('data written at the very end is clipped to the size asked for; an empty file has none', (t) => {
  const fd = sparseFile(t, 0)
  assert.deepEqual([...dataRanges(fd, 0)], [])
  writeSync(fd, Buffer.from('abc'), 0, 3, 0)
  assert.deepEqual([...dataRanges(fd, 3)], [{ offset: 0, length: 3 }])
  assert.deepEqual([...dataRanges(fd, 2)], [{ offset: 0, length: 2 }])
})

test('data ranges of random sparse files cover all that is not zero, and no block never written', (t) => {
  const seed = Date.now()
  t.diagnostic(`seed ${seed}`)
  const random = new SeededBytes(seed)
  const blocks = 512
  const fd = sparseFile(t, blocks * BLOCK)
  const written = new Set<number>()
  for (let round = 0; round < 100; round++) {
    const block = random.number(`block-${round}`, blocks)
    written.add(block)
    writeSync(fd, Buffer.alloc(BLOCK, 1 + (round % 255)), 0, BLOCK, block * BLOCK)
  }
  const found = new Set<number>()
  for (const { offset, length } of dataRanges(fd, blocks * BLOCK)) {
    for (let block = Math.floor(offset / BLOCK); block * BLOCK < offset + length; block++) found.add(block)
  }
  assert.deepEqual([...found].sort((a, b) => a - b), [...written].sort((a, b) => a - b))
})

test('punchHole zeroes its range exactly, gives blocks back and keeps the size', (t) => {
  const fd = sparseFile(t, 0)
  const sizeBytes = 1024 * 1024
  writeSync(fd, Buffer.alloc(sizeBytes, 1), 0, sizeBytes, 0)
  punchHole(fd, 10_001, 500_000)
  const content = Buffer.alloc(sizeBytes)
  readSync(fd, content, 0, sizeBytes, 0)
  const expected = Buffer.alloc(sizeBytes, 1).fill(0, 10_001, 510_001)
  assert.ok(content.equals(expected))
  assert.equal(fstatSync(fd).size, sizeBytes)
  assert.equal(nextHole(fd, 0), 3 * BLOCK)
  assert.equal(nextData(fd, 3 * BLOCK), 124 * BLOCK)
})

test('what cannot seek throws ESPIPE, what cannot punch throws', (t) => {
  const directory = scratchDirectory(t)
  makeNode(Buffer.from(`${directory}/fifo`), 'fifo', 0o600)
  const fd = openFileForRead(Buffer.from(`${directory}/fifo`))
  t.after(() => closeSync(fd))
  assert.throws(() => nextData(fd, 0), { code: 'ESPIPE', syscall: 'lseek' })
  assert.throws(() => punchHole(fd, 0, BLOCK), { syscall: 'fallocate' })
})

test('the layout is the one that cp(1) sees', (t) => {
  const directory = scratchDirectory(t)
  const fd = openSync(`${directory}/source`, 'wx+')
  t.after(() => closeSync(fd))
  ftruncateSync(fd, 10 * 1024 * 1024)
  writeSync(fd, Buffer.alloc(BLOCK, 9), 0, BLOCK, 5 * 1024 * 1024)
  assert.equal(spawnSync('cp', ['--sparse=always', `${directory}/source`, `${directory}/copy`]).status, 0)
  const copy = openSync(`${directory}/copy`, 'r')
  t.after(() => closeSync(copy))
  assert.deepEqual([...dataRanges(copy, 10 * 1024 * 1024)], [...dataRanges(fd, 10 * 1024 * 1024)])
  assert.ok(readFileSync(`${directory}/copy`).equals(readFileSync(`${directory}/source`)))
})
