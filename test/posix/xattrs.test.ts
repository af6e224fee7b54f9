import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, symlinkSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { childPath, openDirectory, selfPath } from '../../src/posix/directories.ts'
import { getXattr, listXattrs, removeXattr, setXattr } from '../../src/posix/xattrs.ts'
import { hasProgram, hasUserXattrs, scratchDirectory, unlessRoot } from './scratch-directory.ts'

const bytes = (text: string): Buffer => Buffer.from(text)
const names = (list: readonly Uint8Array[]): string[] => list.map((name) => Buffer.from(name).toString('latin1'))

test('a file without xattrs lists none, and allocates nothing for it', (t) => {
  const path = bytes(`${scratchDirectory(t)}/plain`)
  writeFileSync(path, '')
  assert.equal(listXattrs(path).length, 0)
  assert.equal(listXattrs(path), listXattrs(path))
})

test('what is set by path is listed in byte order and read back by path and by descriptor, and can be removed', (t) => {
  const directory = scratchDirectory(t)
  if (!hasUserXattrs(t, directory)) return
  const path = bytes(`${directory}/file`)
  writeFileSync(path, '')
  const values = new Map<string, Buffer>([
    ['user.z', Buffer.alloc(0)],
    ['user.a', Buffer.from([0, 255, 0])],
    ['user.caf\xe9', Buffer.alloc(2000, 7)],
    [`user.${'n'.repeat(250)}`, bytes('longest name')],
  ])
  for (const [name, value] of values) setXattr(path, Buffer.from(name, 'latin1'), value)
  const fd = openSync(path, 'r')
  t.after(() => closeSync(fd))
  assert.deepEqual(names(listXattrs(path)), [...values.keys()].sort())
  assert.deepEqual(listXattrs(fd), listXattrs(path))
  for (const [name, value] of values) {
    assert.deepEqual(Buffer.from(getXattr(path, Buffer.from(name, 'latin1'))!), value)
    assert.deepEqual(Buffer.from(getXattr(fd, Buffer.from(name, 'latin1'))!), value)
  }
  setXattr(fd, bytes('user.z'), bytes('replaced'))
  assert.equal(Buffer.from(getXattr(path, bytes('user.z'))!).toString(), 'replaced')
  removeXattr(path, bytes('user.z'))
  removeXattr(fd, bytes('user.a'))
  assert.equal(getXattr(path, bytes('user.z')), undefined)
  assert.equal(getXattr(fd, bytes('user.a')), undefined)
  assert.equal(listXattrs(path).length, 2)
  assert.throws(() => removeXattr(path, bytes('user.z')), { code: 'ENODATA', errno: -61, syscall: 'removexattr' })
})

test('getfattr(1) sees the same bytes', { skip: hasProgram('getfattr') ? false : 'getfattr is not installed' }, (t) => {
  const directory = scratchDirectory(t)
  if (!hasUserXattrs(t, directory)) return
  const path = `${directory}/file`
  writeFileSync(path, '')
  setXattr(bytes(path), bytes('user.seen'), Buffer.from([1, 0, 254]))
  const result = spawnSync('getfattr', ['--absolute-names', '-d', '-e', 'hex', path], { encoding: 'utf8' })
  assert.match(result.stdout, /^user\.seen=0x0100fe$/m)
})

test('files are reached through a directory descriptor, and the directory itself through selfPath', (t) => {
  const directory = scratchDirectory(t)
  if (!hasUserXattrs(t, directory)) return
  writeFileSync(`${directory}/file`, '')
  const fd = openDirectory(bytes(directory))
  t.after(() => closeSync(fd))
  setXattr(childPath(fd, bytes('file')), bytes('user.child'), bytes('1'))
  setXattr(selfPath(fd), bytes('user.self'), bytes('2'))
  assert.deepEqual(names(listXattrs(bytes(`${directory}/file`))), ['user.child'])
  assert.deepEqual(names(listXattrs(bytes(directory))), ['user.self'])
})

test('a symlink is not followed', { skip: unlessRoot }, (t) => {
  const directory = scratchDirectory(t)
  writeFileSync(`${directory}/aim`, '')
  symlinkSync('aim', `${directory}/link`)
  setXattr(bytes(`${directory}/link`), bytes('trusted.s3vault'), bytes('of the link'))
  assert.deepEqual(names(listXattrs(bytes(`${directory}/link`))), ['trusted.s3vault'])
  assert.deepEqual(names(listXattrs(bytes(`${directory}/aim`))), [])
})

test('failures have the shape of Node errors', (t) => {
  const path = `${scratchDirectory(t)}/missing`
  const expected = { code: 'ENOENT', errno: -2, path, message: `ENOENT: no such file or directory, listxattr '${path}'` }
  assert.throws(() => listXattrs(bytes(path)), expected)
  assert.throws(() => getXattr(bytes(path), bytes('user.x')), { code: 'ENOENT', syscall: 'getxattr' })
  assert.throws(() => setXattr(bytes(path), bytes('user.x'), bytes('')), { code: 'ENOENT', syscall: 'setxattr' })
  assert.throws(() => listXattrs(99_999), { code: 'EBADF' })
})

test('a path is never cut short: too long throws, a NUL is our own bug', () => {
  assert.throws(() => listXattrs(Buffer.alloc(4096, 0x61)), { code: 'ENAMETOOLONG' })
  assert.throws(() => listXattrs(bytes('/tmp\0/elsewhere')), { name: 'AssertionError' })
  assert.throws(() => getXattr(bytes('/tmp'), bytes('user.a\0b')), { name: 'AssertionError' })
})

test('a file system without xattrs has none', () => {
  assert.deepEqual(names(listXattrs(bytes('/proc/self/status'))), [])
  assert.equal(getXattr(bytes('/proc/self/status'), bytes('user.x')), undefined)
})
