// Goal: the driver speaks the protocol of linux/fuse.h: layouts, reference counts, errors, waits that overlap, interrupts.
// Method: requests as bytes from a kernel of our own, against offsets written down here from the header, not from the code.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errno } from '../../src/fuse/file-system.ts'
import { entryInvalidation, nodeInvalidation } from '../../src/fuse/notifications.ts'
import { OPCODES } from '../../src/fuse/opcodes.ts'
import { KernelSide, OFFERED_FLAGS, text, u32, u64 } from '../support/kernel-side.ts'
import { ToyFileSystem } from '../support/toy-file-system.ts'

const FILES = { a: 'content of a', bb: 'content of bb' }

function mounted(files: Readonly<Record<string, string>> = FILES): { kernel: KernelSide; toy: ToyFileSystem } {
  const toy = new ToyFileSystem(files)
  const kernel = new KernelSide(toy)
  assert.equal(kernel.initialize().error, 0)
  return { kernel, toy }
}

const readBody = (offset: number, size: number): Buffer => Buffer.concat([u64(0, offset), u32(size, 0), u64(0), u32(0, 0)])
const readdirBody = (cookie: number, size: number): Buffer => Buffer.concat([u64(9, cookie), u32(size, 0), u64(0), u32(0, 0)])

test('INIT takes what is offered and wanted, and nothing else', () => {
  const { body } = new KernelSide(new ToyFileSystem({})).initialize()
  assert.equal(body.length, 64, 'struct fuse_init_out')
  assert.deepEqual([body.readUInt32LE(0), body.readUInt32LE(4)], [7, 45])
  const flags = body.readUInt32LE(12)
  const wanted = [0, 5, 13, 15, 17, 18, 21, 22, 23, 25, 30].reduce((sum, bit) => sum + 2 ** bit, 0)
  assert.equal(flags, wanted)
  assert.equal(body.readUInt32LE(20), 1024 * 1024, 'max_write')
  assert.equal(body.readUInt32LE(24), 1, 'time_gran')
  assert.equal(body.readUInt16LE(28), 256, 'max_pages')
  const withAcls = new KernelSide(new ToyFileSystem({}), { checksPermissions: true }).initialize().body
  assert.equal(withAcls.readUInt32LE(12), wanted + 2 ** 20)
  const old = new KernelSide(new ToyFileSystem({})).initialize(31, OFFERED_FLAGS & 1, 0).body
  assert.deepEqual([old.readUInt32LE(4), old.readUInt32LE(12)], [31, 1])
})

test('a kernel that is too old is refused, one with a newer major is told ours', () => {
  assert.throws(() => new KernelSide(new ToyFileSystem({})).initialize(30), /7\.31 \(Linux 5\.4\) is needed/)
  const reply = new KernelSide(new ToyFileSystem({})).ask('INIT', 0, u32(8, 0))
  assert.deepEqual([reply.body.length, reply.body.readUInt32LE(0)], [8, 7])
})

test('LOOKUP gives fuse_entry_out, with an absence that may be remembered', () => {
  const { kernel, toy } = mounted()
  const { error, body } = kernel.ask('LOOKUP', 1, text('bb'))
  assert.deepEqual([error, body.length], [0, 128])
  assert.equal(body.readBigUInt64LE(0), 3n, 'nodeid')
  assert.deepEqual([body.readBigUInt64LE(16), body.readBigUInt64LE(24)], [2n, 3n], 'seconds of validity')
  assert.deepEqual([body.readUInt32LE(32), body.readUInt32LE(36)], [500_000_000, 500_000_000])
  const attr = body.subarray(40)
  assert.equal(attr.readBigUInt64LE(0), 0xffff_ffff_0000_0003n, 'ino')
  assert.deepEqual([attr.readBigUInt64LE(8), attr.readBigUInt64LE(16)], [13n, 8n], 'size, blocks')
  assert.deepEqual([24, 32, 40].map((at) => attr.readBigInt64LE(at)), [-5n, -5n, -5n])
  assert.deepEqual([48, 52, 56].map((at) => attr.readUInt32LE(at)), [7, 7, 7])
  assert.deepEqual([60, 64, 68, 72, 76].map((at) => attr.readUInt32LE(at)), [0o104755, 1, 1, 2, 0])
  assert.equal(toy.references.get(3), 1)
  const absent = kernel.ask('LOOKUP', 1, text('c'))
  assert.deepEqual([absent.error, absent.body.readBigUInt64LE(0), absent.body.readBigUInt64LE(16)], [0, 0n, 1n])
})

test('references are taken back by FORGET and BATCH_FORGET, and when a reply does not arrive', () => {
  const { kernel, toy } = mounted()
  for (let i = 0; i < 5; i++) kernel.ask('LOOKUP', 1, text('a'))
  kernel.ask('LOOKUP', 1, text('bb'))
  kernel.send('FORGET', 2, u64(2))
  kernel.send('BATCH_FORGET', 0, Buffer.concat([u32(2, 0), u64(2, 3), u64(3, 1)]))
  assert.deepEqual([toy.references.get(2), toy.references.get(3)], [0, 0])
  assert.equal(kernel.replies.size, 7, 'forgets are not answered')
  const next = 2 * 9 + 2
  kernel.aborted.add(next)
  assert.equal(kernel.send('LOOKUP', 1, text('a')), next)
  assert.equal(toy.references.get(2), 0)
})

test('READDIRPLUS refers to what it gives, but for dots; READDIR to nothing; both go on behind a cookie', () => {
  const { kernel, toy } = mounted()
  const plus = kernel.ask('READDIRPLUS', 1, readdirBody(0, 4096)).body
  assert.equal(plus.length, 3 * (128 + 32))
  assert.equal(plus.readBigUInt64LE(0), 0n, 'no node for the dot')
  assert.equal(plus.readBigUInt64LE(160), 2n)
  assert.deepEqual([plus.readBigUInt64LE(160 + 128 + 8), plus.readUInt32LE(160 + 128 + 16)], [2n, 1], 'off, namelen')
  assert.equal(plus.readUInt32LE(160 + 128 + 20), 8, 'DT_REG')
  assert.equal(plus.toString('latin1', 320 + 128 + 24, 320 + 128 + 26), 'bb')
  assert.deepEqual([...toy.references], [[2, 1], [3, 1]])
  const plain = kernel.ask('READDIR', 1, readdirBody(1, 64)).body
  assert.equal(plain.length, 64, 'two names of 32 bytes')
  assert.equal(kernel.ask('READDIR', 1, readdirBody(1, 63)).body.length, 32)
  assert.equal(kernel.ask('READDIR', 1, readdirBody(3, 4096)).body.length, 0)
  assert.deepEqual([...toy.references], [[2, 1], [3, 1]])
})

test('a read that waits holds up no other request, and may be answered out of order', () => {
  const { kernel, toy } = mounted()
  toy.holds = true
  const slow = kernel.send('READ', 2, readBody(0, 4096))
  assert.equal(kernel.replies.has(slow), false)
  assert.equal(kernel.ask('LOOKUP', 1, text('bb')).error, 0)
  assert.equal(kernel.ask('GETATTR', 1).body.length, 104)
  toy.letGo()
  assert.equal(kernel.replies.get(slow)?.body.toString(), FILES.a)
  assert.equal(kernel.session.waiting, 0)
})

test('an interrupt ends the wait of a caller that dies, and of no other', () => {
  const { kernel, toy } = mounted()
  toy.holds = true
  const killed = kernel.send('READ', 2, readBody(0, 4096), 50)
  const signalled = kernel.send('READ', 2, readBody(0, 4096), 51)
  kernel.dying.add(50)
  kernel.send('INTERRUPT', 0, u64(killed))
  kernel.send('INTERRUPT', 0, u64(signalled))
  kernel.send('INTERRUPT', 0, u64(123456))
  assert.equal(kernel.replies.get(killed)?.error, errno.EINTR)
  assert.equal(kernel.replies.has(signalled), false)
  assert.equal(kernel.session.hasInterrupted, true)
  kernel.dying.add(51)
  kernel.session.reviewInterrupted()
  assert.equal(kernel.replies.get(signalled)?.error, errno.EINTR)
  toy.letGo()
  assert.equal(kernel.session.waiting, 0)
})

test('opening is skipped where the kernel can, and answered where it cannot', () => {
  assert.equal(mounted().kernel.ask('OPEN', 2, u32(0, 0)).error, errno.ENOSYS)
  const kernel = new KernelSide(new ToyFileSystem(FILES))
  kernel.initialize(31, 1, 0)
  const { error, body } = kernel.ask('OPEN', 2, u32(0, 0))
  assert.deepEqual([error, body.length, body.readUInt32LE(8)], [0, 16, 2], 'FOPEN_KEEP_CACHE')
  const directory = kernel.ask('OPENDIR', 1, u32(0, 0)).body
  assert.deepEqual([directory.readBigUInt64LE(0), directory.readUInt32LE(8)], [9n, 2 + 8], 'FOPEN_CACHE_DIR')
})

test('xattrs: size first, then value; too small a buffer; none of that name', () => {
  const { kernel } = mounted()
  const get = (size: number, name: string) => kernel.ask('GETXATTR', 2, Buffer.concat([u32(size, 0), text(name)]))
  assert.equal(get(0, 'user.a').body.readUInt32LE(0), 5)
  assert.equal(get(5, 'user.a').body.toString(), 'value')
  assert.equal(get(4, 'user.a').error, errno.ERANGE)
  assert.equal(get(0, 'user.x').error, errno.ENODATA)
  assert.equal(kernel.ask('LISTXATTR', 2, u32(64, 0)).body.toString(), 'user.a\0user.b\0')
})

test('every opcode has an answer: EROFS for writing, ENOSYS for what the kernel then does without', () => {
  const { kernel } = mounted()
  const writing = ['SETATTR', 'SYMLINK', 'MKNOD', 'MKDIR', 'UNLINK', 'RMDIR', 'RENAME', 'RENAME2', 'LINK', 'WRITE', 'SETXATTR', 'CREATE', 'TMPFILE'] as const
  for (const name of writing) assert.equal(kernel.ask(name, 1, Buffer.alloc(128)).error, errno.EROFS, name)
  for (const name of ['FLUSH', 'FSYNC', 'FSYNCDIR', 'ACCESS', 'STATX', 'POLL', 'BMAP', 'SYNCFS', 'GETLK', 'SETLK'] as const) {
    assert.equal(kernel.ask(name, 1, Buffer.alloc(128)).error, errno.ENOSYS, name)
  }
  assert.equal(kernel.ask(4000, 1, Buffer.alloc(8)).error, errno.ENOSYS)
  assert.equal(kernel.ask('IOCTL', 1, Buffer.alloc(64)).error, errno.ENOTTY)
  assert.equal(kernel.ask('STATFS', 1).body.length, 80)
  kernel.send('NOTIFY_REPLY', 1, Buffer.alloc(64))
  assert.equal(kernel.ask('DESTROY', 0).error, 0)
  assert.equal(kernel.session.isDestroyed, true)
  const answered = new Set<number>(Object.values(OPCODES))
  assert.equal(answered.size, Object.keys(OPCODES).length, 'no number twice')
})

test('stale nodes are ESTALE, a bug is EIO and reported, and neither ends the session', () => {
  const { kernel, toy } = mounted()
  assert.equal(kernel.ask('GETATTR', 99).error, errno.ESTALE)
  assert.equal(kernel.failures.length, 0)
  toy.attributes = () => { throw new TypeError('a bug') }
  assert.equal(kernel.ask('GETATTR', 2).error, errno.EIO)
  assert.match(String(kernel.failures[0]), /a bug/)
  assert.equal(kernel.ask('STATFS', 1).error, 0)
})

test('notifications are messages without a request', () => {
  const entry = Buffer.from(entryInvalidation(1, Buffer.from('name')))
  const node = Buffer.from(nodeInvalidation(5))
  for (const [message, code] of [[entry, 3], [node, 2]] as const) {
    assert.deepEqual([message.readUInt32LE(0), message.readInt32LE(4), message.readBigUInt64LE(8)], [message.length, code, 0n])
  }
  assert.deepEqual([entry.length, entry.readBigUInt64LE(16), entry.readUInt32LE(24)], [16 + 16 + 5, 1n, 4])
  assert.equal(entry.toString('latin1', 32), 'name\0')
  assert.deepEqual([node.length, node.readBigUInt64LE(16)], [40, 5n])
})
