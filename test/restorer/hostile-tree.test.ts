// Goal: nothing is written outside the target, whatever the tree names and whatever stands in the target.
// Method: real directories beside the target that must stay as they are; a tree node with bad names encoded by hand.
import assert from 'node:assert/strict'
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ByteWriter } from '../../src/bytes/writer.ts'
import { writeEntry } from '../../src/tree/entry-codec.ts'
import type { Entry } from '../../src/tree/entry.ts'
import { directory, file, storeDirectory, storeTree, symlink, TestVault, type TestNode } from '../support/tree-maker.ts'
import { newTarget, problems, restoreEntries, restoreStored } from './restoring.ts'

test('a symlink planted in the place of a directory is replaced, not followed', async (t) => {
  const target = newTarget(t)
  const outside = `${target}-outside`
  mkdirSync(outside)
  writeFileSync(join(outside, 'passwd'), 'mine')
  mkdirSync(target)
  symlinkSync(outside, join(target, 'etc'))
  const vault = await TestVault.create()
  const report = await restoreEntries(vault, { etc: directory({ passwd: file('theirs'), shadow: file('theirs') }) }, target, { deletesExtra: true })
  assert.deepEqual(problems(report), [])
  assert.deepEqual(readdirSync(outside), ['passwd'])
  assert.equal(readFileSync(join(outside, 'passwd'), 'utf8'), 'mine')
  assert.ok(lstatSync(join(target, 'etc')).isDirectory())
  assert.equal(readFileSync(join(target, 'etc', 'passwd'), 'utf8'), 'theirs')
})

test('a symlink planted in the place of a file, or of a device, is replaced, not followed', async (t) => {
  const target = newTarget(t)
  const outside = `${target}-outside`
  writeFileSync(outside, 'mine')
  mkdirSync(target)
  for (const name of ['file', 'fifo', 'link']) symlinkSync(outside, join(target, name))
  const vault = await TestVault.create()
  const before = lstatSync(outside)
  await restoreEntries(vault, { file: file('theirs'), fifo: { kind: 'fifo', mode: 0o777 }, link: symlink('x', { uid: 0 }) }, target)
  assert.equal(readFileSync(outside, 'utf8'), 'mine')
  assert.deepEqual([lstatSync(outside).mode, lstatSync(outside).mtimeMs], [before.mode, before.mtimeMs])
  assert.equal(readFileSync(join(target, 'file'), 'utf8'), 'theirs')
})

test('a directory exchanged for a symlink during the restore is not followed', async (t) => {
  const target = newTarget(t)
  const outside = `${target}-outside`
  mkdirSync(outside)
  const vault = await TestVault.create()
  // More directories than stay open, so that the first is opened again; the exchange happens when the last is met.
  const many: Record<string, TestNode> = {}
  for (let i = 0; i < 400; i++) many[`d${String(i).padStart(3, '0')}`] = directory({ f: file(`${i}`) })
  const stored = await storeTree(vault, { a: directory(many), b: directory({ last: file('x') }) })
  const { rename } = await import('node:fs/promises')
  let isExchanged = false
  const report = await restoreStored(vault, stored, target, {
    select: (path) => {
      if (!isExchanged && Buffer.from(path).toString() === 'a/d300') {
        isExchanged = true
        void rename(join(target, 'a'), join(target, 'moved')).then(() => symlinkSync(outside, join(target, 'a')))
      }
      return 'take'
    },
  })
  assert.ok(isExchanged)
  assert.deepEqual(readdirSync(outside), [])
  assert.ok(report.filesRestored <= 401)
})

test('entries with names that lead elsewhere are damage, not paths', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  for (const name of ['..', '.', '../evil', '/tmp/evil', 'a/b', '', 'nul\0']) {
    const inode = { kind: 'fifo', mode: 0o600, uid: 0, gid: 0, user: '', group: '', mtimeSeconds: 0, mtimeNanos: 0, xattrs: [] } as const
    const entry: Entry = { name: Buffer.from(name), isLocked: false, inode }
    const elements = new ByteWriter()
    writeEntry(elements, entry)
    const node = new ByteWriter().u8(1).u8(0).varint(1).raw(elements.finish())
    const tree = vault.save('tree', node.finish())
    await vault.flush()
    const report = await restoreStored(vault, { tree }, target)
    assert.equal(report.errorCount, 1, JSON.stringify(name))
    assert.equal(report.errors[0]?.code, 'vault-damaged')
    assert.deepEqual(readdirSync(target), [])
  }
})

test('a file that names a blob with a length not its own is damaged, not filled with something else', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const id = vault.save('data', Buffer.from('four'))
  const report = await restoreEntries(vault, { a: file({ id, length: 3 }), b: file({ id, length: 4 }) }, target)
  assert.equal(readFileSync(join(target, 'b'), 'utf8'), 'four')
  assert.deepEqual(readdirSync(target), ['b'])
  assert.equal(report.errorCount, 1)
})

test('a tree far deeper than PATH_MAX is restored and deleted', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const attributes = { mode: 0o700, uid: 0, gid: 0, user: '', group: '', mtimeSeconds: 5, mtimeNanos: 0, xattrs: [] } as const
  const name = Buffer.from('deep-down')
  const content = { items: [{ id: vault.save('data', Buffer.from('deep')), length: 4 }] }
  let below = storeDirectory(vault, [
    { name, isLocked: false, inode: { ...attributes, kind: 'file', size: 4, isSparse: false, content } },
  ])
  for (let i = 0; i < 1500; i++) {
    below = storeDirectory(vault, [{ name, isLocked: false, inode: { ...attributes, kind: 'directory', ...below } }])
  }
  await vault.flush()
  const report = await restoreStored(vault, below, target)
  assert.deepEqual(problems(report), [])
  assert.equal(report.directories, 1500)
  assert.equal(report.filesRestored, 1)
  const deleted = await restoreEntries(vault, { other: file('') }, target, { deletesExtra: true })
  assert.deepEqual(problems(deleted), [])
  assert.equal(deleted.deleted, 1501)
  assert.deepEqual(readdirSync(target), ['other'])
})
