// Goal: selection, deletion and dry run touch exactly what they say.
import assert from 'node:assert/strict'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isVaultError } from '../../src/errors/vault-error.ts'
import type { FetchPlan } from '../../src/restorer/fetch-plan.ts'
import type { Selection } from '../../src/restorer/selection.ts'
import { restore } from '../../src/restorer/restore.ts'
import { findEntry } from '../../src/tree/directory.ts'
import { directory, file, storeTree, TestVault } from '../support/tree-maker.ts'
import { newTarget, problems, restoreStored } from './restoring.ts'

const entries = {
  a: directory({ keep: file('keep'), skip: file('skip') }, { mode: 0o750 }),
  b: directory({ deep: directory({ keep: file('keep') }) }, { mode: 0o711 }),
  c: directory({ none: file('none') }),
}
const onlyKeep: Selection = (path, kind) => {
  if (kind === 'directory') return 'descend'
  return Buffer.from(path).toString().endsWith('keep') ? 'take' : 'skip'
}

/** All names below a directory. */
const names = (path: string): string[] => readdirSync(path, { recursive: true }).map(String).sort()

test('only what is taken is made, with the directories that lead to it', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const stored = await storeTree(vault, entries)
  await restoreStored(vault, stored, target, { select: onlyKeep })
  assert.deepEqual(names(target), ['a', 'a/keep', 'b', 'b/deep', 'b/deep/keep'])
  assert.equal(lstatSync(join(target, 'a')).mode & 0o777, 0o750)
})

test('deletion removes what the snapshot has not, below selected directories only', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const stored = await storeTree(vault, entries)
  await restoreStored(vault, stored, target)
  mkdirSync(join(target, 'a', 'extra', 'sub'), { recursive: true })
  for (const name of ['a/extra/sub/x', 'a/extra/keep', 'a/z', 'b/z', 'extra']) writeFileSync(join(target, name), '')

  const part = await restoreStored(vault, stored, target, {
    deletesExtra: true, select: (path) => (Buffer.from(path).toString().startsWith('a/extra/sub') || path[0] === 0x62 ? 'skip' : 'take'),
  })
  assert.deepEqual(problems(part), [])
  assert.equal(part.deleted, 3)
  assert.ok(existsSync(join(target, 'a/extra/sub/x')) && existsSync(join(target, 'b/z')))
  assert.ok(!existsSync(join(target, 'a/z')) && !existsSync(join(target, 'extra')) && !existsSync(join(target, 'a/extra/keep')))

  const all = await restoreStored(vault, stored, target, { deletesExtra: true })
  assert.equal(all.deleted, 4)
  assert.deepEqual(names(target), ['a', 'a/keep', 'a/skip', 'b', 'b/deep', 'b/deep/keep', 'c', 'c/none'])
})

test('without deletion nothing is removed', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const stored = await storeTree(vault, entries)
  mkdirSync(join(target, 'a'), { recursive: true })
  writeFileSync(join(target, 'a', 'mine'), 'mine')
  const report = await restoreStored(vault, stored, target)
  assert.equal(report.deleted, 0)
  assert.equal(readFileSync(join(target, 'a', 'mine'), 'utf8'), 'mine')
})

test('a dry run counts what a run does and changes nothing', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const stored = await storeTree(vault, { ...entries, l: { kind: 'link', link: 1n, node: file('linked') }, m: { kind: 'link', link: 1n } })
  const plans: FetchPlan[] = []
  const planned = await restoreStored(vault, stored, target, { isDryRun: true, deletesExtra: true, onPlan: (plan) => plans.push(plan) })
  assert.ok(!existsSync(target))
  assert.equal(plans.length, 1)
  const real = await restoreStored(vault, stored, target)
  assert.deepEqual({ ...planned, rangesFetched: 0 }, { ...real, rangesFetched: 0 })

  writeFileSync(join(target, 'extra'), '')
  writeFileSync(join(target, 'a', 'keep'), 'KEEP')
  const before = names(target)
  const again = await restoreStored(vault, stored, target, { isDryRun: true, deletesExtra: true })
  assert.equal(again.deleted, 1)
  assert.equal(again.filesUpdated, 1)
  assert.equal(again.bytesWritten, 4)
  assert.deepEqual(names(target), before)
  assert.equal(readFileSync(join(target, 'a', 'keep'), 'utf8'), 'KEEP')
})

test('a single entry goes into the target under its name, beside what is there', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const { tree } = await storeTree(vault, { one: file('one'), two: file('two') })
  const entry = await findEntry(vault.loader, tree, Buffer.from('one'))
  assert.ok(entry)
  mkdirSync(target)
  writeFileSync(join(target, 'mine'), '')
  const { loader, index, backend, keys } = vault
  await restore({ loader, index, backend, keys, root: { entry }, target: Buffer.from(target), threads: 0, deletesExtra: true })
  assert.deepEqual(names(target), ['mine', 'one'])
})

test('an abort stops the run with `interrupted`, and nothing goes on behind it', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const many = Object.fromEntries(Array.from({ length: 6000 }, (_, i) => [`f${i}`, file(`content ${i}`)]))
  const stored = await storeTree(vault, many)
  const abort = new AbortController()
  const running = restoreStored(vault, stored, target, { signal: abort.signal, threads: 1, onProgress: () => abort.abort() })
  await assert.rejects(running, (error) => isVaultError(error, 'interrupted'))
  const count = readdirSync(target).length
  assert.ok(count < 6000)
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(readdirSync(target).length, count)
})
