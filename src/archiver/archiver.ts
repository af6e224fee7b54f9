// The archiver: walks a source and turns it into trees. It knows no network and no session: files go to readers (worker
// threads or inline), trees into a BlobSaver, and the caller commits what comes out.
//
// Order: directories are walked depth first in byte order of names; files are read by others meanwhile, and a directory's
// tree is made when its last file is there. What is under way is bounded by the FileQueue.
import { hash } from 'node:crypto'
import { ByteReader } from '../bytes/reader.ts'
import { KnownCursor, type KnownFile, type KnownFiles } from '../cache/known-files.ts'
import { describeError, errnoOf, isVaultError, VaultError } from '../errors/vault-error.ts'
import type { BlobId } from '../ids/ids.ts'
import type { FileStat } from '../posix/stat.ts'
import { readContentList } from '../tree/content-list.ts'
import { encodeEntry, readEntry } from '../tree/entry-codec.ts'
import { summaryOf, type Attributes, type Entry, type Inode, type Summary } from '../tree/entry.ts'
import { childInode, ROOT_INODE } from '../tree/inode-number.ts'
import { saveLinkTable } from '../tree/link-table.ts'
import type { BlobLoader, BlobSaver } from '../tree/node.ts'
import type { FileReply } from './file-batch.ts'
import type { FileQueue } from './file-queue.ts'
import { LinkCollector } from './link-collector.ts'
import { OpenDirectory, type ReadyEntry } from './open-directory.ts'
import { PatternList, type SourceSelection } from './selection.ts'
import type { DirectoryHandle, Source } from './source.ts'
import { arrangeRoots, type RootNode } from './source-roots.ts'
import { volatileOf } from './volatile.ts'

/** Tells what is stored: a usable, indexed location, noted as used by this session. */
export interface StoredBlobs {
  use(id: Uint8Array): boolean
}

export interface ArchiverParts {
  readonly source: Source
  readonly files: FileQueue
  readonly saver: BlobSaver
  readonly loader: BlobLoader
  readonly stored: StoredBlobs
  readonly known: KnownFiles
  readonly inodeKey: Uint8Array
  readonly selection: SourceSelection
  /** `all` reads every file, known or not. */
  readonly reading: 'changed' | 'all'
  /** Run whose snapshot is among the roots listed by this session: content lists of its files are inherited unwalked (rule 8). */
  readonly trustedRun: number | undefined
  /** `dev:ino` of directories that are never walked: the vault's own and the cache's. */
  readonly ownDirectories: ReadonlySet<string>
  readonly onWarning: (path: Uint8Array, message: string) => void
  /** Between entries: where uploads catch up and a checkpoint is written. Throws to stop the walk. */
  readonly onPause: () => Promise<void> | undefined
  readonly progress: ArchiveCounts
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

/** Levels that are walked in one piece: a path of thousands of names would overflow the stack. */
const STACK_LEVELS_MAX = 64

/**
 * Directories that are walked but stay open because their files are still being read. With those above them and all else
 * they fit the lowest limit in use (1,024 descriptors); a tree of many small directories would open thousands.
 */
const UNREAD_DIRECTORIES_MAX = 512

interface FilePlace {
  readonly place: Place
  readonly key: Uint8Array
  readonly name: Uint8Array
  readonly stat: FileStat
}

const SLASH = Uint8Array.of(0x2f)
const joinPath = (directory: Uint8Array, name: Uint8Array): Uint8Array =>
  directory.length === 1 ? Buffer.concat([directory, name]) : Buffer.concat([directory, SLASH, name])

/** Names a directory in KnownFiles. */
const directoryKey = (path: Uint8Array): Uint8Array => hash('sha256', path, 'buffer').subarray(0, 16)

function ready(entry: Entry): ReadyEntry {
  return { name: entry.name, encoded: encodeEntry(entry), summary: summaryOf(entry) }
}

function decode(encoded: Uint8Array): Entry & { readonly inode: Inode } {
  const reader = new ByteReader(encoded, 'known file')
  const entry = readEntry(reader)
  reader.end()
  if (!('inode' in entry)) return reader.fail('a link where an inode is expected')
  return entry
}

export class Archiver {
  readonly #parts: ArchiverParts
  readonly #links: LinkCollector
  readonly #excludes: PatternList
  #unreadDirectories = 0
  #onDirectoryRead: (() => void) | undefined

  constructor(parts: ArchiverParts) {
    this.#parts = parts
    this.#links = new LinkCollector(parts.inodeKey)
    this.#excludes = new PatternList(parts.selection.excludes)
  }

  /** Archives `paths` (absolute). Throws `source-unreadable` when none of them can be read at all. */
  async archive(paths: readonly Uint8Array[]): Promise<ArchiveResult> {
    const root = arrangeRoots(paths)
    const { tree } = await this.#root(root, ROOT_INODE)
    if (this.#parts.progress.files + this.#parts.progress.directories + this.#parts.progress.others === 0) {
      throw new VaultError('source-unreadable', 'none of the given paths can be read')
    }
    return { tree, links: saveLinkTable(this.#parts.saver, await this.#links.records()) }
  }

  #warn(path: Uint8Array, error: unknown): void {
    this.#parts.progress.errors++
    this.#parts.onWarning(path, typeof error === 'string' ? error : describeError(error))
  }

  /** A directory above the sources, or one that is a source itself (then it is open already). */
  async #root(node: RootNode, inode: bigint, handle?: DirectoryHandle): Promise<{ tree: BlobId; summary: Summary }> {
    const { source, saver, inodeKey } = this.#parts
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
      const entry = await this.#rootChild(child, childInode(inodeKey, inode, child.name))
      if (entry) directory.add(ready(entry))
    }
    return directory.finish()
  }

  async #rootChild(node: RootNode, inode: bigint): Promise<Entry | undefined> {
    const { source, saver, progress } = this.#parts
    let stat: FileStat
    let attributes: Attributes
    let handle: DirectoryHandle | undefined
    try {
      stat = source.statPath(node.path)
      attributes = source.attributesOfPath(node.path, stat, saver)
      if (node.isSource && stat.type === 'directory') handle = source.open(node.path)
    } catch (error) {
      if (isVaultError(error) || errnoOf(error) === undefined) throw error
      this.#warn(node.path, error)
      return undefined
    }
    if (stat.type !== 'directory') return this.#rootFile(node, stat)
    const { tree, summary } = await this.#root(node, inode, handle)
    if (node.isSource) progress.directories++
    return { name: node.name, isLocked: false, inode: { ...attributes, kind: 'directory', tree, summary } }
  }

  /** A source that is not a directory. */
  async #rootFile(node: RootNode, stat: FileStat): Promise<Entry | undefined> {
    const { source } = this.#parts
    const parentPath = node.path.subarray(0, Math.max(1, node.path.length - node.name.length - 1))
    const handle = source.open(parentPath)
    try {
      const place = { handle, path: parentPath, inode: () => ROOT_INODE, device: stat.dev, depth: 0 }
      const made = this.#other({ place, key: directoryKey(parentPath), name: node.name, stat }, undefined)
      this.#parts.files.flush()
      const entry = await made
      return entry ? decodeAny(entry.encoded) : undefined
    } finally {
      source.close(handle)
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

  #names(place: Place): readonly Uint8Array[] {
    const { source, selection } = this.#parts
    try {
      if (selection.excludeCaches && source.isCache(place.handle)) {
        return source.list(place.handle).filter((name) => Buffer.from(name).toString('latin1') === 'CACHEDIR.TAG')
      }
      return source.list(place.handle)
    } catch (error) {
      this.#warn(place.path, error)
      return []
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
    const made = this.#other({ place, key, name, stat }, row)
    if (made instanceof Promise) directory.addLater(made)
    else if (made) directory.add(made)
  }

  async #subdirectory(parent: OpenDirectory, place: Place, name: Uint8Array, stat: FileStat): Promise<void> {
    const { source, saver, selection, ownDirectories, progress, inodeKey } = this.#parts
    if (ownDirectories.has(`${stat.dev}:${stat.ino}`)) return
    if (this.#unreadDirectories >= UNREAD_DIRECTORIES_MAX) await this.#descriptors()
    const path = joinPath(place.path, name)
    let attributes: Attributes
    let handle: DirectoryHandle | undefined
    try {
      attributes = source.attributes(place.handle, name, stat, saver)
      if (!selection.oneFileSystem || stat.dev === place.device) handle = source.openChild(place.handle, name)
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
      return this.#warn(path, error)
    }
    progress.directories++
    const depth = place.depth + 1
    const own = depth % STACK_LEVELS_MAX === 0 ? childInode(inodeKey, place.inode(), name) : undefined
    const inode = (): bigint => own ?? childInode(inodeKey, place.inode(), name)
    const finish = handle === undefined
      ? async () => new OpenDirectory(saver).finish() // another file system: its mount point stays, empty
      : await this.#directory({ handle, path, inode, device: place.device, depth })
    parent.addLater(
      finish().then(({ tree, summary }) =>
        ready({ name, isLocked: false, inode: { ...attributes, kind: 'directory', tree, summary } })),
    )
  }

  /** What is no directory: at once when nothing need be read, else later; undefined when it is left out. */
  #other(file: FilePlace, row: KnownFile | undefined): ReadyEntry | undefined | Promise<ReadyEntry | undefined> {
    const { stat, place, name } = file
    if (stat.type !== 'file') this.#parts.progress.others++
    if (stat.nlink > 1) {
      const read = async (): Promise<Inode | undefined> => {
        const made = await this.#inode(file, row)
        return made && decode(made.encoded).inode
      }
      return this.#links.entry(stat, place.inode(), name, read).then((entry) => entry && ready(entry))
    }
    return this.#inode(file, row)
  }

  #inode(file: FilePlace, row: KnownFile | undefined): ReadyEntry | undefined | Promise<ReadyEntry | undefined> {
    if (file.stat.type !== 'file') return this.#special(file)
    const { known } = this.#parts
    if (row && this.#parts.reading === 'changed' && Buffer.compare(row.volatile, volatileOf(file.stat)) === 0) {
      const entry = decode(row.entry)
      const reusable = this.#isStored(entry.inode, row)
      const keep = (): ReadyEntry => {
        this.#count(entry.inode, 'filesUnmodified')
        if (known.isSweep || isIndirect(entry.inode)) known.confirm(file.key, file.name)
        return { name: file.name, encoded: row.entry, summary: summaryOf(entry) }
      }
      if (reusable === true) return keep()
      if (reusable !== false) return reusable.then((isStored) => (isStored ? keep() : this.#read(file, row)))
    }
    return this.#read(file, row)
  }

  /** True when all content of a known file is stored and usable; a promise when a content list must be walked for that. */
  #isStored(inode: Inode, row: KnownFile): boolean | Promise<boolean> {
    const { stored, loader, trustedRun } = this.#parts
    if ('blob' in inode.xattrs && !stored.use(inode.xattrs.blob)) return false
    if (inode.kind !== 'file') return false
    const { content } = inode
    if ('items' in content) return content.items.every((item) => !item.id || stored.use(item.id))
    if (!stored.use(content.list)) return false
    if (trustedRun !== undefined && row.run === trustedRun) return true
    return (async () => {
      try {
        for await (const item of readContentList(loader, content.list, (id) => stored.use(id))) {
          if (item.id && !stored.use(item.id)) return false
        }
        return true
      } catch (error) {
        if (isVaultError(error, 'vault-damaged', 'object-missing')) return false
        throw error
      }
    })()
  }

  async #read(file: FilePlace, row: KnownFile | undefined): Promise<ReadyEntry | undefined> {
    const { place, name, stat } = file
    const reply = await this.#parts.files.add({ directoryFd: place.handle, name }, stat.sizeBytes)
    return this.#taken(file, row, reply)
  }

  #taken({ place, key, name }: FilePlace, row: KnownFile | undefined, reply: FileReply): ReadyEntry | undefined {
    const { known } = this.#parts
    if ('message' in reply) {
      const text = reply.status === 'vanished' ? 'vanished before it was read' : reply.message
      if (row) known.forget(key, name)
      this.#warn(joinPath(place.path, name), text)
      return undefined
    }
    if (reply.status === 'changed-while-read') this.#warn(joinPath(place.path, name), 'changed while it was read')
    if (reply.isSettled) known.put(key, { name, volatile: reply.volatile, entry: reply.entry })
    else if (row) known.forget(key, name)
    const entry = decode(reply.entry)
    this.#count(entry.inode, row ? 'filesChanged' : 'filesNew')
    return { name, encoded: reply.entry, summary: summaryOf(entry) }
  }

  #count(inode: Inode, how: 'filesNew' | 'filesChanged' | 'filesUnmodified'): void {
    const { progress } = this.#parts
    progress.files++
    progress[how]++
    if (inode.kind === 'file') progress.bytes += inode.size
  }

  #special({ place, name, stat }: FilePlace): ReadyEntry | undefined {
    const { source, saver } = this.#parts
    try {
      const attributes = source.attributes(place.handle, name, stat, saver)
      return ready({ name, isLocked: false, inode: this.#specialInode(place, name, stat, attributes) })
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
      this.#warn(joinPath(place.path, name), error)
      return undefined
    }
  }

  #specialInode(place: Place, name: Uint8Array, stat: FileStat, attributes: Attributes): Inode {
    const { type } = stat
    if (type === 'symlink') return { ...attributes, kind: type, target: this.#parts.source.readLink(place.handle, name) }
    if (type === 'char' || type === 'block') {
      return { ...attributes, kind: type, major: stat.rdevMajor, minor: stat.rdevMinor }
    }
    if (type === 'fifo' || type === 'socket') return { ...attributes, kind: type }
    throw new VaultError('source-unreadable', `a ${type} where a special file was expected`)
  }
}

const isIndirect = (inode: Inode): boolean => inode.kind === 'file' && 'list' in inode.content

function decodeAny(encoded: Uint8Array): Entry {
  return readEntry(new ByteReader(encoded, 'entry'))
}
