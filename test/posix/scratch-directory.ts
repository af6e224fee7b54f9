import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { errnoOf } from '../../src/errors/vault-error.ts'
import { setXattr } from '../../src/posix/xattrs.ts'

/** A new empty directory, gone after the test. rm(1), as trees here are deeper than PATH_MAX. */
export function scratchDirectory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 's3vault-posix-'))
  t.after(() => spawnSync('rm', ['-rf', path]))
  return path
}

export const isRoot = process.getuid?.() === 0
/** Value for a test's `skip` option. */
export const unlessRoot: string | false = isRoot ? false : 'needs root'

/** False, and the test is marked as skipped, where the temporary directory's file system has no user xattrs. */
export function hasUserXattrs(t: TestContext, directory: string): boolean {
  const path = join(directory, 'xattr-probe')
  writeFileSync(path, '')
  try {
    setXattr(Buffer.from(path), Buffer.from('user.probe'), Buffer.from('x'))
    return true
  } catch (error) {
    if (errnoOf(error) !== 'ENOTSUP') throw error
    t.skip('the temporary directory has no user xattrs')
    return false
  }
}

/** Whether a program is installed. */
export function hasProgram(name: string): boolean {
  return spawnSync(name, ['--version']).error === undefined
}
