// The vault's own tmp/ folder: same file system as the objects, so that link(2) can publish a finished file.
import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, stat, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '../../errors/vault-error.ts'
import { isMissing } from './system-errors.ts'

/** Older than any upload that is still under way. */
const STALE_AFTER_MS = 24 * 3600 * 1000

export interface TemporaryFile {
  readonly path: string
  readonly handle: FileHandle
}

export class TemporaryFiles {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** A new empty file, 0600, that nobody else opens. The caller closes and discards it. */
  async create(): Promise<TemporaryFile> {
    const path = join(this.#folder, `${process.pid}-${randomUUID()}`)
    try {
      return { path, handle: await open(path, 'wx', 0o600) }
    } catch (error) {
      if (!isMissing(error)) throw error
    }
    await mkdir(this.#folder, { mode: 0o700 }).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error
    })
    return { path, handle: await open(path, 'wx', 0o600) }
  }

  /** A file that cannot be removed does no harm and must not hide the error before it: removeStale finds it later. */
  async discard(path: string): Promise<void> {
    await unlink(path).catch(() => undefined)
  }

  /** The file system's clock, ms since the epoch: what it stamps on a file written now. */
  async probeTimeMs(): Promise<number> {
    const { path, handle } = await this.create()
    try {
      await handle.write('t')
      return Math.floor((await handle.stat()).mtimeMs)
    } finally {
      await handle.close()
      await this.discard(path)
    }
  }

  /** Removes what crashed writers left a day ago or earlier. Both times are the file system's. */
  async removeStale(): Promise<void> {
    const names = await readdir(this.#folder)
    if (names.length === 0) return
    const nowMs = await this.probeTimeMs()
    for (const name of names) {
      const path = join(this.#folder, name)
      try {
        if (nowMs - (await stat(path)).mtimeMs > STALE_AFTER_MS) await unlink(path)
      } catch (error) {
        if (!isMissing(error)) throw error // else its writer, or another cleaner, was faster
      }
    }
  }
}
