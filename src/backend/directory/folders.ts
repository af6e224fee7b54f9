// Folders whose existence survives a power cut: each one's entry is fsynced before a file in it counts as stored.
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from '../../errors/vault-error.ts'

export class Folders {
  readonly #root: string
  readonly #durable = new Map<string, Promise<void>>()

  /** `root` exists and is durable. */
  constructor(root: string) {
    this.#root = root
  }

  /**
   * Makes the folder at absolute `path` below the root, 0700, with its parents. An existing one is fsynced too, once a
   * process: whoever made it may still be about to.
   */
  async ensure(path: string): Promise<void> {
    if (path === this.#root) return
    const known = this.#durable.get(path)
    if (known !== undefined) return await known
    const made = this.ensure(dirname(path)).then(() => makeFolder(path))
    this.#durable.set(path, made)
    try {
      await made
    } catch (error) {
      this.forget(path)
      throw error
    }
  }

  /** Somebody removed folders: the next `ensure` looks again. */
  forget(path: string): void {
    for (let folder = path; folder.length > this.#root.length; folder = dirname(folder)) this.#durable.delete(folder)
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  }
  await syncFolder(dirname(path))
}

/** Like mkdir -p, 0700, durable. */
export async function makeRoot(path: string): Promise<void> {
  try {
    await makeFolder(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    await makeRoot(dirname(path))
    await makeFolder(path)
  }
}

/** fsync(2) of a directory: its entries are durable. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
