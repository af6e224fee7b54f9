// Where things of a vault lie on this machine, below the cache directory. All of it may be deleted at any time; it costs
// the next run time, never data.
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describeError, VaultError } from '../errors/vault-error.ts'
import type { VaultId } from '../ids/ids.ts'

export interface LocalState {
  readonly directory: string
  /** Known files of one series of backups. */
  fileDatabase(host: string, paths: readonly string[]): string
  readonly journalDirectory: string
  readonly objectDirectory: string
}

/** Makes the folders. Throws `target-unwritable`. */
export function localState(cacheDirectory: string, vault: VaultId): LocalState {
  const directory = join(cacheDirectory, vault)
  const journalDirectory = join(directory, 'journal')
  const objectDirectory = join(directory, 'objects')
  try {
    mkdirSync(journalDirectory, { recursive: true, mode: 0o700 })
    mkdirSync(objectDirectory, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new VaultError('target-unwritable', `cannot make the cache folder ${directory}: ${describeError(cause)}`, {
      hint: 'give another with --cache-dir', cause,
    })
  }
  return {
    directory, journalDirectory, objectDirectory,
    fileDatabase(host, paths) {
      const series = createHash('sha256').update(JSON.stringify([host, [...paths].sort()])).digest('hex').slice(0, 32)
      return join(directory, 'files', `${series}.db`)
    },
  }
}
