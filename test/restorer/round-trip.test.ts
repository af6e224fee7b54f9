// Goal: what was stored from a disk comes back as it was, in every aspect the tree comparator judges, through threads and
// inline, into nothing and over itself. The tree is the one with everything that backup tools get wrong.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeNastyTree } from '../../fixtures/nasty-tree.ts'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { restore } from '../../src/restorer/restore.ts'
import { storeFromDisk } from '../support/disk-tree.ts'
import { TestVault } from '../support/tree-maker.ts'
import { newTarget, problems } from './restoring.ts'

const SEED = 20261127

for (const threads of [0, 2]) {
  test(`the nasty tree comes back as it was (${threads} threads, seed ${SEED})`, async (t) => {
    const source = `${newTarget(t)}-source`
    const target = newTarget(t)
    makeNastyTree(source, { seed: SEED })
    const vault = await TestVault.create({ packTargetBytes: 4 * 1024 * 1024 })
    const { tree, links, inode } = await storeFromDisk(vault, source)
    const { loader, index, backend, keys } = vault
    const options = {
      loader, index, backend, keys, root: { tree, inode }, target: Buffer.from(target), threads, ...(links ? { links } : {}),
    }

    const warnings: string[] = []
    const onWarning = ({ message, path }: { message: string; path?: Uint8Array }): void =>
      void warnings.push(`${Buffer.from(path ?? []).toString()}: ${message}`)
    const first = await restore({ ...options, verifies: true, onWarning })
    assert.deepEqual(problems(first), [])
    assert.deepEqual(warnings, [])
    assert.deepEqual(compareTrees(source, target), [])
    assert.ok(first.filesVerified > 0 && first.filesVerified === first.filesRestored)

    const again = await restore(options)
    assert.deepEqual(problems(again), [])
    assert.deepEqual(compareTrees(source, target), [])
    assert.equal(again.bytesWritten, 0)
    assert.equal(again.bytesFetched, 0)
    assert.equal(again.filesUnchanged, first.filesRestored)
  })
}
