// Goal: the names of one inode share it after a restore, those that were apart are apart, and nothing outside changes.
import assert from 'node:assert/strict'
import { linkSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { directory, file, storeTree, TestVault, type TestEntries } from '../support/tree-maker.ts'
import { newTarget, problems, restoreStored } from './restoring.ts'

const linked: TestEntries = {
  a: { kind: 'link', link: 7n, node: file('shared') },
  d: directory({ b: { kind: 'link', link: 7n }, other: file('shared') }),
  z: { kind: 'link', link: 7n },
}
const inodeOf = (...path: string[]): number => lstatSync(join(...path)).ino

test('all names of an inode are one file; equal content alone is not', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const stored = await storeTree(vault, linked)
  const report = await restoreStored(vault, stored, target)
  assert.deepEqual(problems(report), [])
  assert.equal(report.links, 2)
  assert.equal(lstatSync(join(target, 'a')).nlink, 3)
  assert.equal(inodeOf(target, 'a'), inodeOf(target, 'd', 'b'))
  assert.notEqual(inodeOf(target, 'a'), inodeOf(target, 'd', 'other'))
})

test('a repeated restore leaves right links alone and mends wrong ones', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const stored = await storeTree(vault, linked)
  await restoreStored(vault, stored, target)
  const before = inodeOf(target, 'a')
  rmSync(join(target, 'd', 'b'))
  writeFileSync(join(target, 'd', 'b'), 'apart')
  rmSync(join(target, 'd', 'other'))
  linkSync(join(target, 'a'), join(target, 'd', 'other'))

  const report = await restoreStored(vault, stored, target)
  assert.deepEqual(problems(report), [])
  assert.equal(inodeOf(target, 'a'), before)
  assert.equal(inodeOf(target, 'd', 'b'), before)
  assert.notEqual(inodeOf(target, 'd', 'other'), before)
  assert.equal(lstatSync(join(target, 'a')).nlink, 3)
})

test('a linked file that changed is replaced, so that a name outside keeps its content', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const stored = await storeTree(vault, linked)
  mkdirSync(target)
  writeFileSync(`${target}-outside`, 'their')
  linkSync(`${target}-outside`, join(target, 'a'))
  linkSync(`${target}-outside`, join(target, 'z'))
  await restoreStored(vault, stored, target)
  assert.equal(readFileSync(`${target}-outside`, 'utf8'), 'their')
  assert.equal(readFileSync(join(target, 'z'), 'utf8'), 'shared')
  assert.equal(inodeOf(target, 'a'), inodeOf(target, 'z'))
})

test('with overwrite never a kept first name is not what the others are linked to', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const stored = await storeTree(vault, linked)
  mkdirSync(target)
  writeFileSync(join(target, 'a'), 'kept')
  await restoreStored(vault, stored, target, { overwrite: 'never' })
  assert.equal(readFileSync(join(target, 'a'), 'utf8'), 'kept')
  assert.equal(readFileSync(join(target, 'd', 'b'), 'utf8'), 'shared')
  assert.equal(inodeOf(target, 'd', 'b'), inodeOf(target, 'z'))
})

test('when only later names are selected, the first of those is written', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const stored = await storeTree(vault, linked)
  await restoreStored(vault, stored, target, { select: (path) => (Buffer.from(path).toString() === 'a' ? 'skip' : 'take') })
  assert.equal(readFileSync(join(target, 'z'), 'utf8'), 'shared')
  assert.equal(lstatSync(join(target, 'z')).nlink, 2)
})
