// Goal: owners, modes, xattrs and ACLs come out as the snapshot has them, in the order that keeps setuid, and what only root
// may do is warned of, once.
import assert from 'node:assert/strict'
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { errnoOf } from '../../src/errors/vault-error.ts'
import { getXattr, listXattrs, setXattr } from '../../src/posix/xattrs.ts'
import { encodeXattrs } from '../../src/tree/entry-codec.ts'
import { directory, file, storeTree, TestVault, type TestEntries } from '../support/tree-maker.ts'
import { newTarget, problems, restoreStored } from './restoring.ts'

const unlessRoot = process.getuid?.() === 0 ? false : 'needs root'
const NOBODY = 65534
const xattr = (name: string, value: string): { name: Uint8Array; value: Uint8Array } => ({ name: Buffer.from(name), value: Buffer.from(value) })

test('setuid and capabilities survive the change of owner, for small, large, empty and existing files', { skip: unlessRoot }, async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  // struct vfs_cap_data, version 2: cap_net_raw, effective.
  const capability = { name: Buffer.from('security.capability'), value: Buffer.from('0100000200200000000000000000000000000000', 'hex') }
  const attributes = { mode: 0o6755, uid: 1234, gid: 4321, xattrs: [capability] }
  const large = Array.from({ length: 40 }, (_, i) => Buffer.alloc(200_000, i + 1))
  const stored = await storeTree(vault, { small: file('x', attributes), large: file(large, attributes), empty: file('', attributes) })
  for (const run of ['first', 'changed']) {
    const report = await restoreStored(vault, stored, target)
    assert.deepEqual(problems(report), [])
    for (const name of ['small', 'large', 'empty']) {
      const path = join(target, name)
      const { mode, uid, gid } = lstatSync(path)
      assert.deepEqual([mode & 0o7777, uid, gid], [0o6755, 1234, 4321], `${name}, ${run}`)
      assert.deepEqual(Buffer.from(getXattr(Buffer.from(path), capability.name) ?? []), capability.value, `${name}, ${run}`)
      writeFileSync(path, 'changed')
    }
  }
})

test('xattrs that the snapshot has not are taken away, those it has are set, also from a blob', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const many = [xattr('user.long', 'v'.repeat(3000)), xattr('user.more', 'w')]
  const blob = vault.save('xattr', encodeXattrs(many))
  const stored = await storeTree(vault, { inline: file('a', { xattrs: [xattr('user.a', '1')] }), blob: file('b', { xattrs: { blob } }) })
  const warnings: string[] = []
  const onWarning = ({ message }: { message: string }): void => void warnings.push(message)
  await restoreStored(vault, stored, target, { onWarning })
  if (warnings.some((message) => message.includes('ENOTSUP') || message.includes('EOPNOTSUPP'))) return t.skip('no user xattrs here')
  const path = Buffer.from(join(target, 'inline'))
  setXattr(path, Buffer.from('user.b'), Buffer.from('2'))
  setXattr(path, Buffer.from('user.a'), Buffer.from('3'))
  await restoreStored(vault, stored, target)
  assert.deepEqual(listXattrs(path).map((name) => Buffer.from(name).toString()), ['user.a'])
  assert.equal(Buffer.from(getXattr(path, Buffer.from('user.a')) ?? []).toString(), '1')
  assert.equal(getXattr(Buffer.from(join(target, 'blob')), Buffer.from('user.long'))?.length, 3000)
})

test('a default ACL of the target is not inherited', async (t) => {
  const target = newTarget(t)
  mkdirSync(target)
  // acl_ea_header version 2; user::rwx, user:1:rwx, group::rwx, mask::rwx, other::---
  const entry = (tag: number, permissions: number, id = 0xffffffff): Buffer => {
    const bytes = Buffer.alloc(8)
    bytes.writeUInt16LE(tag)
    bytes.writeUInt16LE(permissions, 2)
    bytes.writeUInt32LE(id, 4)
    return bytes
  }
  const acl = Buffer.concat([Buffer.from([2, 0, 0, 0]), entry(1, 7), entry(2, 7, 1), entry(4, 7), entry(16, 7), entry(32, 0)])
  try {
    setXattr(Buffer.from(target), Buffer.from('system.posix_acl_default'), acl)
  } catch (error) {
    if (errnoOf(error) !== 'ENOTSUP' && errnoOf(error) !== 'EOPNOTSUPP') throw error
    return t.skip('the file system has no ACLs')
  }
  const vault = await TestVault.create()
  const stored = await storeTree(vault, { a: file('a', { mode: 0o640 }), d: directory({ b: file('b', { mode: 0o600 }) }, { mode: 0o750 }) })
  await restoreStored(vault, stored, target)
  for (const [name, mode] of [['a', 0o640], ['d', 0o750], ['d/b', 0o600]] as const) {
    assert.equal(lstatSync(join(target, name)).mode & 0o777, mode, name)
    assert.deepEqual(listXattrs(Buffer.from(join(target, name))), [], name)
  }
})

test('without root: owners and system xattrs are counted and no warning, setuid is dropped with them, read-only places are no obstacle', { skip: unlessRoot }, async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const entries: TestEntries = {
    foreign: file('f', { uid: 1, gid: 1, mode: 0o4755, xattrs: [xattr('security.test', '1'), xattr('trusted.test', '1')] }),
    own: file('o', { uid: NOBODY, gid: NOBODY, mode: 0o4444, xattrs: [xattr('user.a', '1')] }),
    closed: directory({ inside: file('i', { uid: NOBODY, gid: NOBODY, mode: 0o400 }) }, { uid: NOBODY, gid: NOBODY, mode: 0o500 }),
    device: { kind: 'char', major: 1, minor: 3 },
  }
  const stored = await storeTree(vault, entries)
  const scratch = dirname(target)
  chmodSync(scratch, 0o755)
  mkdirSync(target)
  chownSync(target, NOBODY, NOBODY)
  const warnings: string[] = []
  const run = (): ReturnType<typeof restoreStored> => restoreStored(vault, stored, target, { onWarning: ({ message }) => void warnings.push(message) })
  process.setegid?.(NOBODY)
  process.seteuid?.(NOBODY)
  try {
    const first = await run()
    assert.deepEqual(problems(first), [])
    assert.equal(first.ownersRefused, 1)
    assert.equal(first.xattrsRefused, 2)
    assert.deepEqual(warnings.filter((line) => !line.includes('user.a')), ['device not made: only root may'])
    const changes: string[] = []
    await restoreStored(vault, stored, target, { isDryRun: true, onChange: ({ action, path }) => void changes.push(`${action} ${Buffer.from(path).toString()}`) })
    assert.deepEqual(changes, ['create device'], 'what cannot be set is not announced again and again')
    chmodSync(join(target, 'closed'), 0o700)
    chmodSync(join(target, 'closed', 'inside'), 0o600)
    writeFileSync(join(target, 'closed', 'inside'), 'X')
    chmodSync(join(target, 'closed', 'inside'), 0o400)
    chmodSync(join(target, 'closed'), 0o500)
    const second = await run()
    assert.deepEqual(problems(second), [])
    assert.equal(second.filesUpdated, 1)
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
  }
  assert.equal(readFileSync(join(target, 'closed', 'inside'), 'utf8'), 'i')
  assert.equal(lstatSync(join(target, 'closed')).mode & 0o7777, 0o500)
  assert.equal(lstatSync(join(target, 'closed', 'inside')).mode & 0o7777, 0o400)
  assert.equal(lstatSync(join(target, 'foreign')).mode & 0o7777, 0o755)
  assert.equal(lstatSync(join(target, 'own')).mode & 0o7777, 0o4444)
})

test('owners by name: this machine’s numbers, and the stored ones for names that nobody has', { skip: unlessRoot }, async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const stored = await storeTree(vault, {
    known: file('k', { uid: 777, gid: 777, user: 'root', group: 'root' }),
    unknown: file('u', { uid: 777, gid: 778, user: 'no-such-user-here', group: '' }),
  })
  await restoreStored(vault, stored, target, { ownersBy: 'name' })
  const owner = (name: string): number[] => [lstatSync(join(target, name)).uid, lstatSync(join(target, name)).gid]
  assert.deepEqual(owner('known'), [0, 0])
  assert.deepEqual(owner('unknown'), [777, 778])
})
