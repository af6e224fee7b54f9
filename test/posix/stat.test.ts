import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  closeSync, fstatSync, ftruncateSync, linkSync, lstatSync, mkdirSync, openSync, symlinkSync, writeFileSync, type BigIntStats,
} from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { listDirectory, openDirectory } from '../../src/posix/directories.ts'
import { makeNode, setMode, setOwner } from '../../src/posix/nodes.ts'
import { fileStat, readStat, readStatAt, type FileStat } from '../../src/posix/stat.ts'
import { setTimes } from '../../src/posix/times.ts'
import { isRoot, scratchDirectory, unlessRoot } from './scratch-directory.ts'

/** A second, simple implementation: from Node's own lstat. */
function expected(stat: BigIntStats): Omit<FileStat, 'rdevMajor' | 'rdevMinor'> {
  const kinds = [
    ['file', stat.isFile()], ['directory', stat.isDirectory()], ['symlink', stat.isSymbolicLink()], ['fifo', stat.isFIFO()],
    ['socket', stat.isSocket()], ['char', stat.isCharacterDevice()], ['block', stat.isBlockDevice()],
  ] as const
  return {
    type: kinds.find(([, is]) => is)![0],
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    nlink: Number(stat.nlink),
    ino: stat.ino,
    dev: stat.dev,
    sizeBytes: Number(stat.size),
    blocks512: Number(stat.blocks),
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
  }
}

function withoutDevice(stat: FileStat): Omit<FileStat, 'rdevMajor' | 'rdevMinor'> {
  const { rdevMajor: _major, rdevMinor: _minor, ...rest } = stat
  return rest
}

function makeOneOfEach(directory: string): void {
  const at = (name: string): Buffer => Buffer.from(`${directory}/${name}`)
  writeFileSync(at('file'), 'content')
  linkSync(at('file'), at('link'))
  writeFileSync(at('big'), Buffer.alloc(100_000, 1))
  mkdirSync(at('directory'))
  symlinkSync('nowhere', at('symlink'))
  makeNode(at('fifo'), 'fifo', 0o644)
  makeNode(at('socket'), 'socket', 0o644)
  setMode(at('directory'), 0o7751)
  setTimes(at('fifo'), 'omit', -1_500_000_001n)
  setTimes(at('file'), 'omit', 4_102_444_800_987_654_321n)
  if (!isRoot) return
  makeNode(at('char'), 'char', 0o600, 4095, 0xfffff)
  makeNode(at('block'), 'block', 0o600, 259, 0x12345)
  setOwner(at('socket'), 0xfffffff0, 0xfffffff1)
}

test('readStat, readStatAt and fileStat tell of every type what Node tells', (t) => {
  const directory = scratchDirectory(t)
  makeOneOfEach(directory)
  const directoryFd = openDirectory(Buffer.from(directory))
  t.after(() => closeSync(directoryFd))
  for (const name of listDirectory(Buffer.from(directory))) {
    const path = Buffer.from(`${directory}/${name}`)
    const wanted = expected(lstatSync(path, { bigint: true }))
    assert.deepEqual(withoutDevice(readStat(path)), wanted)
    assert.deepEqual(withoutDevice(readStatAt(directoryFd, name)), wanted)
  }
  for (const name of ['file', 'directory']) {
    const fd = openSync(`${directory}/${name}`, 'r')
    t.after(() => closeSync(fd))
    assert.deepEqual(withoutDevice(fileStat(fd)), expected(fstatSync(fd, { bigint: true })))
  }
  assert.equal(fileStat(directoryFd).type, 'directory')
})

test('device numbers come apart', { skip: unlessRoot }, (t) => {
  const directory = scratchDirectory(t)
  makeOneOfEach(directory)
  const numbers = (name: string): number[] => {
    const stat = readStat(Buffer.from(`${directory}/${name}`))
    return [stat.rdevMajor, stat.rdevMinor]
  }
  assert.deepEqual(numbers('char'), [4095, 0xfffff])
  assert.deepEqual(numbers('block'), [259, 0x12345])
  assert.deepEqual(numbers('file'), [0, 0])
})

test('other file systems have other devices, one after the other', () => {
  for (const path of ['/', '/proc', '/dev', '/', '/proc/self', '/sys']) {
    assert.equal(readStat(Buffer.from(path)).dev, lstatSync(path, { bigint: true }).dev, path)
  }
})

test('sizes beyond 32 bits are whole', (t) => {
  const path = `${scratchDirectory(t)}/huge`
  const fd = openSync(path, 'wx')
  t.after(() => closeSync(fd))
  ftruncateSync(fd, 2 ** 40 + 12_345)
  assert.equal(fileStat(fd).sizeBytes, 2 ** 40 + 12_345)
  assert.equal(readStat(Buffer.from(path)).sizeBytes, 2 ** 40 + 12_345)
})

test('failures have the shape of Node errors', (t) => {
  const path = `${scratchDirectory(t)}/missing`
  let fromNode: unknown
  assert.throws(() => lstatSync(path), (error) => {
    fromNode = error
    return true
  })
  const { code, errno, syscall, message } = fromNode as NodeJS.ErrnoException
  assert.throws(() => readStat(Buffer.from(path)), { code, errno, syscall, message, path })
  assert.throws(() => readStat(Buffer.from(`${path}/below`.repeat(900))), { code: 'ENAMETOOLONG' })
  assert.throws(() => fileStat(99_999), { code: 'EBADF', syscall: 'fstat' })
  assert.throws(() => readStatAt(3, Buffer.from('../passwd')), { name: 'AssertionError' })
})

// A process under a seccomp filter that answers EPERM to statx, as the container sandboxes of 2018 did.
const SANDBOXED = `
  import koffi from 'koffi'
  const library = koffi.load(null)
  const prctl = library.func('prctl', 'int', ['int', 'uint64_t', 'uint64_t', 'uint64_t', 'uint64_t'])
  // struct sock_filter: load the syscall number; is it statx? EPERM : allow.
  const filter = Buffer.alloc(32)
  const statx = { x64: 332, arm64: 291 }[process.arch]
  const steps = [[0x20, 0, 0, 0], [0x15, 0, 1, statx], [0x06, 0, 0, 0x00050001], [0x06, 0, 0, 0x7fff0000]]
  steps.forEach(([code, ifTrue, ifFalse, k], index) => {
    filter.writeUInt16LE(code, index * 8)
    filter.writeUInt8(ifTrue, index * 8 + 2)
    filter.writeUInt8(ifFalse, index * 8 + 3)
    filter.writeUInt32LE(k, index * 8 + 4)
  })
  const program = Buffer.alloc(16)
  program.writeUInt16LE(steps.length, 0)
  program.writeBigUInt64LE(koffi.address(filter), 8)
  const { fileStat, readStat, readStatAt } = await import(process.argv[1])
  const { openDirectory } = await import(process.argv[2])
  const fd = openDirectory(Buffer.from('/dev'))
  const look = () => [readStat(Buffer.from('/dev/null')), readStatAt(fd, Buffer.from('null')), fileStat(fd)]
  const before = look()
  const NO_NEW_PRIVS = 38, SET_SECCOMP = 22, MODE_FILTER = 2
  if (prctl(NO_NEW_PRIVS, 1, 0, 0, 0) !== 0 || prctl(SET_SECCOMP, MODE_FILTER, koffi.address(program), 0, 0) !== 0) {
    console.log('no seccomp')
  } else {
    const raw = library.func('syscall', 'int64_t', ['int64_t', 'int', 'const uint8_t *', 'int', 'uint32_t', 'uint8_t *'])
    const refused = raw(statx, -100, Buffer.from('/dev\\0'), 0, 0x7ff, Buffer.alloc(256)) === -1
    const { isDeepStrictEqual } = await import('node:util')
    console.log(refused, isDeepStrictEqual(look(), before), readStat(Buffer.from('/dev/null')).rdevMinor)
    try { readStat(Buffer.from('/missing')) } catch (error) { console.log(error.code) }
  }`

test('where statx is forbidden, lstat and fstat take over with the same answers', (t) => {
  const modules = ['stat', 'directories'].map((name) => new URL(`../../src/posix/${name}.js`, import.meta.url).href)
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', SANDBOXED, ...modules], {
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('.', import.meta.url)), // where koffi is found
  })
  if (result.stdout === 'no seccomp\n') return t.skip('seccomp filters are not to be had here')
  assert.equal(result.stdout, 'true true 3\nENOENT\n', result.stderr)
})
