import assert from 'node:assert/strict'
import { linkSync, lstatSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { deviceMajor, deviceMinor, makeDevice, makeNode, setMode, setOwner } from '../../src/posix/nodes.ts'
import { SeededBytes } from '../../fixtures/seeded-bytes.ts'
import { scratchDirectory, unlessRoot } from './scratch-directory.ts'

test('makeDevice gives what glibc gives', () => {
  // Printed by a C program with glibc's makedev(3).
  const known: [number, number, bigint][] = [
    [0, 0, 0n],
    [8, 1, 0x801n],
    [259, 0x12345, 0x12310345n],
    [4095, 0xfffff, 0xffffffffn],
    [0xffffffff, 0xffffffff, 0xffffffffffffffffn],
    [0x12345678, 0x9abcdef0, 0x123459abcde678f0n],
  ]
  for (const [major, minor, device] of known) assert.equal(makeDevice(major, minor), device)
})

test('device numbers survive the way there and back', (t) => {
  const seed = Date.now()
  t.diagnostic(`seed ${seed}`)
  const random = new SeededBytes(seed)
  for (let round = 0; round < 1000; round++) {
    const [major, minor] = [random.number(`a${round}`, 2 ** 32), random.number(`i${round}`, 2 ** 32)]
    const device = makeDevice(major, minor)
    assert.deepEqual([deviceMajor(device), deviceMinor(device)], [major, minor])
  }
})

test('fifos and sockets are made without opening them, and get their exact mode', (t) => {
  const directory = scratchDirectory(t)
  const fifo = Buffer.from(`${directory}/fifo`)
  const socket = Buffer.from(`${directory}/socket`)
  makeNode(fifo, 'fifo', 0o600)
  makeNode(socket, 'socket', 0o755)
  setMode(fifo, 0o6666)
  assert.ok(lstatSync(fifo).isFIFO())
  assert.ok(lstatSync(socket).isSocket())
  assert.equal(lstatSync(fifo).mode & 0o7777, 0o6666)
  linkSync(fifo, Buffer.from(`${directory}/again`))
  assert.equal(lstatSync(fifo).nlink, 2)
  assert.throws(() => makeNode(fifo, 'fifo', 0o600), { code: 'EEXIST', syscall: 'mknod' })
})

test('devices have the numbers asked for, up to the largest', { skip: unlessRoot }, (t) => {
  const directory = scratchDirectory(t)
  const numbers = [['char', 1, 3], ['block', 7, 0], ['char', 4095, 0xfffff], ['block', 259, 0x12345]] as const
  for (const [type, major, minor] of numbers) {
    const path = Buffer.from(`${directory}/${type}-${major}-${minor}`)
    makeNode(path, type, 0o640, major, minor)
    const stat = lstatSync(path, { bigint: true })
    assert.equal(type === 'char' ? stat.isCharacterDevice() : stat.isBlockDevice(), true)
    assert.equal(stat.rdev, makeDevice(major, minor))
  }
})

test('numbers beyond the kernel are refused, not cut', (t) => {
  const path = Buffer.from(`${scratchDirectory(t)}/device`)
  assert.throws(() => makeNode(path, 'char', 0o600, 4096, 0), { code: 'EINVAL' })
  assert.throws(() => makeNode(path, 'char', 0o600, 0, 0x100000), { code: 'EINVAL' })
})

test('setMode does not reach through a symlink', (t) => {
  const directory = scratchDirectory(t)
  writeFileSync(`${directory}/aim`, '', { mode: 0o600 })
  symlinkSync('aim', `${directory}/link`)
  assert.throws(() => setMode(Buffer.from(`${directory}/link`), 0o777), { code: 'ENOTSUP' })
  assert.equal(statSync(`${directory}/aim`).mode & 0o7777, 0o600)
})

test('setOwner changes a symlink and not its target, and takes the largest ids', { skip: unlessRoot }, (t) => {
  const directory = scratchDirectory(t)
  writeFileSync(`${directory}/aim`, '')
  symlinkSync('aim', `${directory}/link`)
  setOwner(Buffer.from(`${directory}/link`), 0xfffffff0, 0xfffffff1)
  const [link, aim] = [lstatSync(`${directory}/link`), lstatSync(`${directory}/aim`)]
  assert.deepEqual([link.uid, link.gid, aim.uid], [0xfffffff0, 0xfffffff1, 0])
})
