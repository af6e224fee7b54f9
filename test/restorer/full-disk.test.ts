// Goal: a full or read-only target ends the run with one clear error. Method: a small tmpfs, mounted for the test.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { file, storeTree, TestVault } from '../support/tree-maker.ts'
import { newTarget, restoreStored } from './restoring.ts'

const unlessRoot = process.getuid?.() === 0 ? false : 'needs root to mount a tmpfs'

/** A tmpfs of 1 MiB, or undefined, and the test is marked as skipped, where mounting is forbidden even to root. */
function smallDisk(t: TestContext): string | undefined {
  // Hooks run in their order, and a mounted directory cannot be removed.
  let unmount: (() => unknown) | undefined
  t.after(() => unmount?.())
  const path = newTarget(t)
  mkdirSync(path)
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path]).status !== 0) {
    t.skip('no mounts here')
    return undefined
  }
  unmount = () => spawnSync('umount', ['-l', path])
  return path
}

for (const threads of [0, 2]) {
  test(`a full disk stops the run with disk-full (${threads} threads)`, { skip: unlessRoot }, async (t) => {
    const target = smallDisk(t)
    if (target === undefined) return
    const vault = await TestVault.create()
    const blocks = Array.from({ length: 40 }, (_, i) => Buffer.alloc(100_000, i + 1))
    const stored = await storeTree(vault, { large: file(blocks), small: file('x') })
    await assert.rejects(restoreStored(vault, stored, target, { threads }), (error) => isVaultError(error, 'disk-full'))
  })
}

test('a read-only target is refused at once', { skip: unlessRoot }, async (t) => {
  const target = smallDisk(t)
  if (target === undefined) return
  assert.equal(spawnSync('mount', ['-o', 'remount,ro', target]).status, 0)
  const vault = await TestVault.create()
  const stored = await storeTree(vault, { a: file('x') })
  await assert.rejects(restoreStored(vault, stored, target), (error) => isVaultError(error, 'target-unwritable'))
})

test('a target that is a file is refused', async (t) => {
  const target = newTarget(t)
  writeFileSync(target, '')
  const vault = await TestVault.create()
  const stored = await storeTree(vault, { a: file('x') })
  await assert.rejects(restoreStored(vault, stored, target), (error) => isVaultError(error, 'target-unwritable'))
})
