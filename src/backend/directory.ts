// A backend in a local directory: every object is a file of its name.
//
//     <vault>/packs/d/ab/<id>   objects, 0600, in folders made as needed, 0700
//     <vault>/tmp/              files being written; not listed
//     <vault>/lock              flock(2): shared around the publication of a fenced object, exclusive while prune deletes
//
// A file is written and fsynced in tmp/, then link(2) gives it its name: whole or not at all, and never over another.
// Then the folder is fsynced. Needs a file system with hard links; of a network file system also working flock(2).
// Does not know what objects mean, and does not protect against someone else writing into the directory.
import { link, lstat, open, stat, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { assert } from '../errors/assert.ts'
import { VaultError, errnoOf } from '../errors/vault-error.ts'
import type { ObjectName } from '../ids/ids.ts'
import type { Backend, ByteRange, GetOptions, ListOptions, ObjectInfo, PutOptions, ReadOptions } from './backend.ts'
import { newRequestCounts } from './backend.ts'
import { Folders, makeRoot, syncFolder } from './directory/folders.ts'
import { isMissing, mapped, systemError } from './directory/system-errors.ts'
import { TemporaryFiles } from './directory/temporary-files.ts'
import { walk } from './directory/walk.ts'
import { objectExists, objectMissing, throwIfInterrupted } from './failures.ts'
import { withFileLock } from './flock.ts'
import { assertRange, resolveRange } from './range.ts'

/** A vault that may only be read, or is full, is opened all the same. */
const LEFTOVERS_MAY_STAY = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT'])
const HIDDEN = new Set(['tmp', 'lock'])
/** A whole-file comparison reads this much at once. */
const COMPARE_BYTES = 1024 * 1024

/** Opens a vault's directory and removes what crashed writers left. Throws `vault-missing` when there is none. */
export async function openDirectoryBackend(path: string): Promise<DirectoryBackend> {
  const root = resolve(path)
  const status = await stat(root).catch((error: unknown) => {
    if (isMissing(error)) {
      throw new VaultError('vault-missing', `no directory at ${root}`, {
        hint: 'check the place given with --repo, or make a vault there with: s3vault init', cause: error,
      })
    }
    throw systemError(error, 'read', root)
  })
  if (!status.isDirectory()) throw new VaultError('vault-missing', `${root} is not a directory`)
  try {
    await new TemporaryFiles(join(root, 'tmp')).removeStale()
  } catch (error) {
    const isHarmless = isMissing(error) || LEFTOVERS_MAY_STAY.has(errnoOf(error) ?? '')
    if (!isHarmless) throw systemError(error, 'write', join(root, 'tmp'))
  }
  return new DirectoryBackend(root)
}

/** Makes the directory (and its parents) unless it is there, then opens it. Whether it is empty is for the caller to see. */
export async function createDirectoryBackend(path: string): Promise<DirectoryBackend> {
  const root = resolve(path)
  await mapped('write', root, () => makeRoot(root))
  return await openDirectoryBackend(root)
}

export class DirectoryBackend implements Backend {
  readonly location: string
  readonly isRemote = false
  readonly connectionsMax = 2
  readonly counts = newRequestCounts()
  readonly #temporary: TemporaryFiles
  readonly #folders: Folders

  /** `root`: absolute path of an existing directory; use openDirectoryBackend. */
  constructor(root: string) {
    this.location = root
    this.#temporary = new TemporaryFiles(join(root, 'tmp'))
    this.#folders = new Folders(root)
  }

  async put(name: ObjectName, bytes: Uint8Array, options: PutOptions = {}): Promise<void> {
    const { fence, signal } = options
    throwIfInterrupted(signal)
    const path = this.#pathOf(name)
    this.counts.put++
    this.counts.bytesUp += bytes.length
    await mapped('write', path, async () => {
      const { path: temporaryPath, handle } = await this.#temporary.create()
      let isNew: boolean
      try {
        await writeDurably(handle, bytes)
        throwIfInterrupted(signal)
        const publish = async (): Promise<boolean> => {
          fence?.check()
          return await this.#link(temporaryPath, path)
        }
        isNew = fence === undefined ? await publish() : await withFileLock(this.#lockPath, 'shared', publish, signal)
      } finally {
        await this.#temporary.discard(temporaryPath)
      }
      if (!isNew && !(await hasContent(path, bytes))) throw objectExists(path)
      // Also when the name was taken: the writer that took it may have died before this step.
      await syncFolder(dirname(path))
    })
  }

  async get(name: ObjectName, range?: ByteRange, options: GetOptions = {}): Promise<Uint8Array> {
    if (range !== undefined) assertRange(range)
    throwIfInterrupted(options.signal)
    const path = this.#pathOf(name)
    this.counts.get++
    return await mapped('read', path, async () => {
      const handle = await open(path, 'r').catch((error: unknown) => {
        throw isMissing(error) ? objectMissing(path, error) : error
      })
      try {
        const status = await handle.stat()
        if (!status.isFile()) throw objectMissing(path)
        const { startBytes, lengthBytes } = resolveRange(range, status.size, path, options.bytesMax)
        const bytes = await readExactly(handle, startBytes, lengthBytes)
        if (bytes === undefined) throw new VaultError('vault-damaged', `${path} became shorter while it was read`)
        this.counts.bytesDown += lengthBytes
        return bytes
      } finally {
        await handle.close()
      }
    })
  }

  async stat(name: ObjectName, options: ReadOptions = {}): Promise<ObjectInfo> {
    throwIfInterrupted(options.signal)
    const path = this.#pathOf(name)
    this.counts.stat++
    return await mapped('read', path, async () => {
      const status = await lstat(path).catch((error: unknown) => {
        throw isMissing(error) ? objectMissing(path, error) : error
      })
      if (!status.isFile()) throw objectMissing(path)
      return { name, sizeBytes: status.size, modifiedMs: Math.floor(status.mtimeMs) }
    })
  }

  list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    return walk({ ...options, root: this.location, prefix, hidden: HIDDEN, counts: this.counts })
  }

  async delete(name: ObjectName, options: ReadOptions = {}): Promise<void> {
    throwIfInterrupted(options.signal)
    const path = this.#pathOf(name)
    this.counts.delete++
    await mapped('write', path, async () => {
      try {
        await unlink(path)
      } catch (error) {
        if (isMissing(error) || errnoOf(error) === 'EISDIR') return
        throw error
      }
      await syncFolder(dirname(path))
    })
  }

  /** Needs a writable vault: writes a probe file. */
  async serverTimeMs(options: ReadOptions = {}): Promise<number> {
    throwIfInterrupted(options.signal)
    this.counts.stat++
    return await mapped('write', this.location, () => this.#temporary.probeTimeMs())
  }

  async close(): Promise<void> {}

  /** Runs `work` while no fenced put of any process can publish (gc protocol, rule 11). Waits for those under way. */
  async withExclusiveLock<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return await mapped('write', this.#lockPath, () => withFileLock(this.#lockPath, 'exclusive', work, signal))
  }

  get #lockPath(): string {
    return join(this.location, 'lock')
  }

  #pathOf(name: ObjectName): string {
    assert(!HIDDEN.has(name.split('/', 1)[0] ?? ''), `object name ${name} is kept for the directory backend`)
    return join(this.location, name)
  }

  /** Gives the temporary file its name; false when that is taken. */
  async #link(temporaryPath: string, path: string): Promise<boolean> {
    const folder = dirname(path)
    await this.#folders.ensure(folder)
    try {
      return await linkUnlessTaken(temporaryPath, path)
    } catch (error) {
      if (!isMissing(error)) throw error
      this.#folders.forget(folder) // somebody removed it
      await this.#folders.ensure(folder)
      return await linkUnlessTaken(temporaryPath, path)
    }
  }
}

async function linkUnlessTaken(temporaryPath: string, path: string): Promise<boolean> {
  try {
    await link(temporaryPath, path)
    return true
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'EEXIST') return false
    if (errno !== 'EPERM' && errno !== 'EOPNOTSUPP') throw error
    const hint = 'the file system must support hard links (FAT and exFAT do not)'
    throw new VaultError('target-unwritable', `cannot link ${path}`, { cause: error, hint })
  }
}

async function writeDurably(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  try {
    for (let offset = 0; offset < bytes.length; ) {
      offset += (await handle.write(bytes, offset, bytes.length - offset)).bytesWritten
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The bytes at `startBytes`, or undefined when the file ends before. */
async function readExactly(handle: FileHandle, startBytes: number, lengthBytes: number): Promise<Uint8Array | undefined> {
  const bytes = Buffer.allocUnsafeSlow(lengthBytes)
  for (let done = 0; done < lengthBytes; ) {
    const { bytesRead } = await handle.read(bytes, done, lengthBytes - done, startBytes + done)
    if (bytesRead === 0) return undefined
    done += bytesRead
  }
  return bytes
}

async function hasContent(path: string, bytes: Uint8Array): Promise<boolean> {
  const handle = await open(path, 'r')
  try {
    if ((await handle.stat()).size !== bytes.length) return false
    for (let offset = 0; offset < bytes.length; offset += COMPARE_BYTES) {
      const expected = bytes.subarray(offset, offset + COMPARE_BYTES)
      const stored = await readExactly(handle, offset, expected.length)
      if (stored === undefined || Buffer.compare(stored, expected) !== 0) return false
    }
    return true
  } finally {
    await handle.close()
  }
}
