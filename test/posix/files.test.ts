import assert from 'node:assert/strict'
import { chmodSync, closeSync, lstatSync, readSync, symlinkSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { openFileForRead, readAheadHint } from '../../src/posix/files.ts'
import { makeNode } from '../../src/posix/nodes.ts'
import { fileStat } from '../../src/posix/stat.ts'
import { setTimes } from '../../src/posix/times.ts'
import { scratchDirectory, unlessRoot } from './scratch-directory.ts'

const readByte = (fd: number): number => {
  const byte = Buffer.alloc(1)
  readSync(fd, byte, 0, 1, 0)
  return byte[0]!
}

test('reading leaves the atime as it was', (t) => {
  const path = `${scratchDirectory(t)}/file`
  writeFileSync(path, 'x')
  setTimes(Buffer.from(path), 5n, 1_600_000_000_000_000_000n) // atime before mtime: relatime would move it
  const fd = openFileForRead(Buffer.from(path))
  t.after(() => closeSync(fd))
  assert.equal(readByte(fd), 0x78)
  assert.equal(lstatSync(path, { bigint: true }).atimeNs, 5n)
})

test('a file of somebody else opens too, where O_NOATIME is not allowed', { skip: unlessRoot }, (t) => {
  const directory = scratchDirectory(t)
  chmodSync(directory, 0o755)
  writeFileSync(`${directory}/file`, 'x', { mode: 0o644 })
  process.seteuid!(65534)
  let fd: number
  try {
    fd = openFileForRead(Buffer.from(`${directory}/file`))
  } finally {
    process.seteuid!(0)
  }
  t.after(() => closeSync(fd))
  assert.equal(readByte(fd), 0x78)
})

test('a symlink is not followed, a fifo is not waited for', (t) => {
  const directory = scratchDirectory(t)
  writeFileSync(`${directory}/file`, 'x')
  symlinkSync('file', `${directory}/link`)
  makeNode(Buffer.from(`${directory}/fifo`), 'fifo', 0o600)
  assert.throws(() => openFileForRead(Buffer.from(`${directory}/link`)), { code: 'ELOOP' })
  const fd = openFileForRead(Buffer.from(`${directory}/fifo`))
  t.after(() => closeSync(fd))
  assert.equal(fileStat(fd).type, 'fifo')
})

test('hints change nothing that can be read, and fail on nothing', (t) => {
  const directory = scratchDirectory(t)
  writeFileSync(`${directory}/file`, 'x')
  makeNode(Buffer.from(`${directory}/fifo`), 'fifo', 0o600)
  for (const name of ['file', 'fifo']) {
    const fd = openFileForRead(Buffer.from(`${directory}/${name}`))
    t.after(() => closeSync(fd))
    readAheadHint(fd, 0, 1)
    readAheadHint(fd, 0, 0, 'sequential')
    readAheadHint(fd, 2 ** 40, 1)
    if (name === 'file') assert.equal(readByte(fd), 0x78)
  }
})
