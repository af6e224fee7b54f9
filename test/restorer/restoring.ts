import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { RestoreReport } from '../../src/restorer/report.ts'
import { restore, type RestoreOptions } from '../../src/restorer/restore.ts'
import { storeTree, type StoredTree, type TestEntries, type TestVault } from '../support/tree-maker.ts'

/** A path for a target that does not exist yet; gone after the test. */
export function newTarget(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 's3vault-restorer-'))
  t.after(() => assert.equal(spawnSync('rm', ['-rf', path]).status, 0, `${path} is left behind`))
  return join(path, 'target')
}

export type Extra = Partial<Omit<RestoreOptions, 'target' | 'root'>>

export function restoreStored(vault: TestVault, stored: StoredTree, target: string, extra: Extra = {}): Promise<RestoreReport> {
  const { loader, index, backend, keys } = vault
  const { tree, links } = stored
  return restore({
    loader, index, backend, keys, root: { tree }, target: Buffer.from(target), threads: 0, ...(links ? { links } : {}), ...extra,
  })
}

/** Stores a tree and restores it. */
export async function restoreEntries(vault: TestVault, entries: TestEntries, target: string, extra: Extra = {}): Promise<RestoreReport> {
  return restoreStored(vault, await storeTree(vault, entries), target, extra)
}

export const problems = (report: RestoreReport): string[] =>
  report.errors.map(({ path, message }) => `${Buffer.from(path).toString()}: ${message}`)
