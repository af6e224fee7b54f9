// The archiver: walks a source and turns it into trees. It knows no network and no session: files go to readers (worker
// threads or inline), trees into a BlobSaver, and the caller commits what comes out.
//
// Order: directories are walked depth first in byte order of names; files are read by others meanwhile, and a directory's
// tree is made when its last file is there. What is under way is bounded by the FileQueue.
import { hash } from 'node:crypto'
import { KnownCursor, type KnownFile } from '../cache/known-files.ts'
import { describeError, errnoOf, isVaultError, VaultError } from '../errors/vault-error.ts'
import type { BlobId } from '../ids/ids.ts'
import type { FileStat } from '../posix/stat.ts'
import type { Attributes, Summary } from '../tree/entry.ts'
import { childInode, ROOT_INODE } from '../tree/inode-number.ts'
import { saveLinkTable } from '../tree/link-table.ts'
import { FileEntries, readyEntry, type FileEntriesParts } from './file-entries.ts'
import { OpenDirectory, type ReadyEntry } from './open-directory.ts'
import { CACHEDIR_TAG, PatternList, type SourceSelection } from './selection.ts'
import type { DirectoryHandle } from './source.ts'
import { arrangeRoots, type RootNode } from './source-roots.ts'

export interface ArchiverParts extends FileEntriesParts {
  readonly selection: SourceSelection
  /** `dev:ino` of directories that are kept empty: the vault's own and the cache's. */
  readonly ownDirectories: ReadonlySet<string>
  readonly onWarning: (path: Uint8Array, message: string) => void
  readonly onNotice: (path: Uint8Array, message: string) => void
  /** Between entries: where uploads catch up and a checkpoint is written. Throws to stop the walk. */
  readonly onPause: () => Promise<void> | undefined
}

/** Counted while the walk goes on; shown as progress. */
export interface ArchiveCounts {
  files: number
  directories: number
  others: number
  bytes: number
  filesNew: number
  filesChanged: number
  filesUnmodified: number
  errors: number
  current: Uint8Array
}

export interface ArchiveResult {
  readonly tree: BlobId
  readonly links: BlobId | undefined
}

export const newArchiveCounts = (): ArchiveCounts => ({
  files: 0, directories: 0, others: 0, bytes: 0, filesNew: 0, filesChanged: 0, filesUnmodified: 0, errors: 0,
  current: new Uint8Array(0),
})

/** A directory on the way: where it is, and its inode number, computed only when a hard link needs it. */
interface Place {
  readonly handle: DirectoryHandle
  readonly path: Uint8Array
  readonly inode: () => bigint
  readonly device: bigint
  /** Levels below its source. */
  readonly depth: number
}

/** Entries of one directory that wait behind a file that is still being read: about 800 bytes each. */
const WAITING_ENTRIES_MAX = 20_000

/** Levels that are walked in one piece: a path of thousands of names would overflow the stack. */
const STACK_LEVELS_MAX = 64

/**
 * Directories that are walked but stay open because their files are still being read. With those above them and all else
 * they fit the lowest limit in use (1,024 descriptors); a tree of many small directories would open thousands.
 */
const UNREAD_DIRECTORIES_MAX = 512

const SLASH = Uint8Array.of(0x2f)
const joinPath = (directory: Uint8Array, name: Uint8Array): Uint8Array =>
  directory.length === 1 ? Buffer.concat([directory, name]) : Buffer.concat([directory, SLASH, name])

/** Names a directory in KnownFiles. */
const directoryKey = (path: Uint8Array): Uint8Array => hash('sha256', path, 'buffer').subarray(0, 16)

export class Archiver {
  readonly #parts: ArchiverParts
  readonly #entries: FileEntries
  readonly #excludes: PatternList
  #unreadDirectories = 0
  #onDirectoryRead: (() => void) | undefined

  constructor(parts: ArchiverParts) {
    this.#parts = parts
    this.#entries = new FileEntries(parts)
    this.#excludes = new PatternList(parts.selection.excludes)
  }

  /** Archives `paths` (absolute). Throws `source-unreadable` when none of them can be read at all. */
  async archive(paths: readonly Uint8Array[]): Promise<ArchiveResult> {
    const root = arrangeRoots(paths)
    const { tree } = await this.#root(root, ROOT_INODE)
    if (this.#parts.progress.files + this.#parts.progress.directories + this.#parts.progress.others === 0) {
      throw new VaultError('source-unreadable', 'none of the given paths can be read')
    }
    return { tree, links: saveLinkTable(this.#parts.saver, this.#entries.links.records()) }
  }

  #warn(path: Uint8Array, error: unknown): void {
    this.#parts.progress.errors++
    this.#parts.onWarning(path, typeof error === 'string' ? error : describeError(error))
  }

  /** A directory above the sources, or one that is a source itself (then it is open already). */
  async #root(node: RootNode, inode: bigint, handle?: DirectoryHandle): Promise<{ tree: BlobId; summary: Summary }> {
    const { source, saver } = this.#parts
    if (node.isSource) {
      const place = {
        handle: handle ?? source.open(node.path), path: node.path, inode: () => inode,
        device: source.statPath(node.path).dev, depth: 0,
      }
      const finish = await this.#directory(place)
      this.#parts.files.flush()
      return finish()
    }
    const directory = new OpenDirectory(saver)
    for (const child of node.children) {
      const entry = await this.#rootChild(child, inode)
      if (entry) directory.add(entry)
    }
    return directory.finish()
  }

  async #rootChild(node: RootNode, parent: bigint): Promise<ReadyEntry | undefined> {
    const { source, saver, progress, inodeKey } = this.#parts
    let stat: FileStat
    let attributes: Attributes
    let handle: DirectoryHandle | undefined
    try {
      stat = source.statPath(node.path)
      attributes = source.attributesOfPath(node.path, stat, saver, (problem) => this.#warn(node.path, problem))
      if (node.isSource && stat.type === 'directory') handle = source.open(node.path)
    } catch (error) {
      if (isVaultError(error) || errnoOf(error) === undefined) throw error
      this.#warn(node.path, error)
      return undefined
    }
    if (stat.type !== 'directory') return this.#rootFile(node, stat, parent)
    const { tree, summary } = await this.#root(node, childInode(inodeKey, parent, node.name), handle)
    if (node.isSource) progress.directories++
    return readyEntry({ name: node.name, isLocked: false, inode: { ...attributes, kind: 'directory', tree, summary } })
  }

  /** A source that is not a directory. */
  async #rootFile(node: RootNode, stat: FileStat, parent: bigint): Promise<ReadyEntry | undefined> {
    const { source, known, files } = this.#parts
    const parentPath = node.path.subarray(0, Math.max(1, node.path.length - node.name.length - 1))
    const directory = source.open(parentPath)
    try {
      const key = directoryKey(parentPath)
      const row = known.directory(key).find(({ name }) => Buffer.compare(name, node.name) === 0)
      const warn = (problem: unknown): void => this.#warn(node.path, problem)
      const made = this.#entries.make({ directory, key, name: node.name, stat, parent: () => parent, warn }, row)
      files.flush()
      return await made
    } finally {
      source.close(directory)
    }
  }

  /** Walks one directory. Returns when all below is walked; the function returned waits until all of it is read. */
  async #directory(place: Place): Promise<() => ReturnType<OpenDirectory['finish']>> {
    const { source, saver, known, files, onPause, progress } = this.#parts
    if (place.depth % STACK_LEVELS_MAX === STACK_LEVELS_MAX - 1) await Promise.resolve() // goes on with an empty stack
    const directory = new OpenDirectory(saver)
    const key = directoryKey(place.path)
    const rows = new KnownCursor(known, key)
    for (const name of this.#names(place)) {
      const pause = onPause()
      if (pause) await pause
      await this.#entry(directory, place, key, name, rows.find(name))
      await files.room()
      directory.settle()
      if (directory.waitingCount >= WAITING_ENTRIES_MAX) {
        files.flush()
        await directory.progress()
      }
    }
    rows.finish()
    progress.current = place.path
    this.#unreadDirectories++
    return async () => {
      try {
        return await directory.finish()
      } finally {
        source.close(place.handle)
        this.#unreadDirectories--
        this.#onDirectoryRead?.()
      }
    }
  }

  /** Waits until another directory may be opened. Those that are waited for need nothing but readers. */
  async #descriptors(): Promise<void> {
    while (this.#unreadDirectories >= UNREAD_DIRECTORIES_MAX) {
      this.#parts.files.flush()
      await new Promise<void>((resolve) => (this.#onDirectoryRead = resolve))
    }
  }

  /** Names in order, each once: network and union file systems may list one twice. */
  *#names(place: Place): Generator<Uint8Array> {
    const { source, selection } = this.#parts
    let names: Iterable<Uint8Array>
    try {
      const isCache = selection.excludeCaches && source.isCache(place.handle)
      names = isCache ? [CACHEDIR_TAG] : source.list(place.handle)
    } catch (error) {
      return this.#warn(place.path, error)
    }
    let last: Uint8Array | undefined
    for (const name of names) {
      if (!last || Buffer.compare(last, name) !== 0) yield name
      last = name
    }
  }

  async #entry(
    directory: OpenDirectory, place: Place, key: Uint8Array, name: Uint8Array, row: KnownFile | undefined,
  ): Promise<void> {
    const { source } = this.#parts
    let stat: FileStat
    try {
      stat = source.stat(place.handle, name)
    } catch (error) {
      return this.#warn(joinPath(place.path, name), errnoOf(error) === 'ENOENT' ? 'vanished before it was read' : error)
    }
    const kind = stat.type === 'directory' ? 'directory' : 'other'
    if (!this.#excludes.isEmpty && this.#excludes.matches(joinPath(place.path, name), kind)) return
    if (stat.type === 'directory') return this.#subdirectory(directory, place, name, stat)
    const warn = (problem: unknown): void => this.#warn(joinPath(place.path, name), problem)
    const made = this.#entries.make({ directory: place.handle, key, name, stat, parent: place.inode, warn }, row)
    if (made instanceof Promise) directory.addLater(made)
    else if (made) directory.add(made)
  }

  async #subdirectory(parent: OpenDirectory, place: Place, name: Uint8Array, stat: FileStat): Promise<void> {
    const { source, saver, selection, ownDirectories, progress, inodeKey, onNotice } = this.#parts
    if (this.#unreadDirectories >= UNREAD_DIRECTORIES_MAX) await this.#descriptors()
    const path = joinPath(place.path, name)
    let attributes: Attributes
    let handle: DirectoryHandle | undefined
    try {
      attributes = source.attributes(place.handle, name, stat, saver, (problem) => this.#warn(path, problem))
      const isOwn = ownDirectories.has(`${stat.dev}:${stat.ino}`)
      if (isOwn) onNotice(path, 'belongs to s3vault itself: only the empty directory is backed up')
      else if (!selection.oneFileSystem || stat.dev === place.device) handle = source.openChild(place.handle, name)
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
      return this.#warn(path, error)
    }
    progress.directories++
    const depth = place.depth + 1
    const own = depth % STACK_LEVELS_MAX === 0 ? childInode(inodeKey, place.inode(), name) : undefined
    const inode = (): bigint => own ?? childInode(inodeKey, place.inode(), name)
    const finish = handle === undefined
      ? async () => new OpenDirectory(saver).finish() // the mount point of another file system, or our own: it stays, empty
      : await this.#directory({ handle, path, inode, device: place.device, depth })
    parent.addLater(
      finish().then(({ tree, summary }) =>
        readyEntry({ name, isLocked: false, inode: { ...attributes, kind: 'directory', tree, summary } })),
    )
  }
}
