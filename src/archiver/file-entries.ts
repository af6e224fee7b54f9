// What becomes of one name that is no directory: taken over from what is known, read, or left out with a warning.
import { ByteReader } from '../bytes/reader.ts'
import type { KnownFile, KnownFiles } from '../cache/known-files.ts'
import { AssertionError } from '../errors/assert.ts'
import { errnoOf, isVaultError, VaultError } from '../errors/vault-error.ts'
import type { FileStat } from '../posix/stat.ts'
import { readContentList } from '../tree/content-list.ts'
import { encodeEntry, readEntry } from '../tree/entry-codec.ts'
import { summaryOf, type Attributes, type Entry, type Inode } from '../tree/entry.ts'
import type { BlobLoader, BlobSaver } from '../tree/node.ts'
import type { ArchiveCounts } from './archiver.ts'
import type { FileReply } from './file-batch.ts'
import type { FileQueue } from './file-queue.ts'
import { LinkCollector } from './link-collector.ts'
import type { ReadyEntry } from './open-directory.ts'
import type { DirectoryHandle, Source } from './source.ts'
import { volatileOf } from './volatile.ts'

/** Tells what is stored: a usable, indexed location, noted as used by this session. */
export interface StoredBlobs {
  use(id: Uint8Array): boolean
  /** None of its copies could be read: they count as absent from now on. */
  lose(id: Uint8Array): void
}

export interface FileEntriesParts {
  readonly source: Source
  readonly files: FileQueue
  readonly saver: BlobSaver
  readonly loader: BlobLoader
  readonly stored: StoredBlobs
  readonly known: KnownFiles
  readonly inodeKey: Uint8Array
  /** `all` reads every file, known or not. */
  readonly reading: 'changed' | 'all'
  readonly progress: ArchiveCounts
}

/** One name that is no directory. */
export interface FilePlace {
  readonly directory: DirectoryHandle
  /** Its directory in KnownFiles. */
  readonly key: Uint8Array
  readonly name: Uint8Array
  readonly stat: FileStat
  /** Inode number of its directory; computed only when a hard link needs it. */
  readonly parent: () => bigint
  /** Reports what is wrong with it, and counts it. */
  readonly warn: (problem: unknown) => void
}

/** At once when nothing need be read, else later; undefined when it is left out. */
export type MadeEntry = ReadyEntry | undefined | Promise<ReadyEntry | undefined>

export function readyEntry(entry: Entry): ReadyEntry {
  return { name: entry.name, encoded: encodeEntry(entry), summary: summaryOf(entry) }
}

function decodeInode(encoded: Uint8Array): Entry & { readonly inode: Inode } {
  const reader = new ByteReader(encoded, 'file entry')
  const entry = readEntry(reader)
  reader.end()
  if (!('inode' in entry)) return reader.fail('a link where an inode is expected')
  return entry
}

export class FileEntries {
  readonly #parts: FileEntriesParts
  readonly links: LinkCollector

  constructor(parts: FileEntriesParts) {
    this.#parts = parts
    this.links = new LinkCollector(parts.inodeKey)
  }

  make(file: FilePlace, row: KnownFile | undefined): MadeEntry {
    const { stat, name } = file
    if (stat.type !== 'file') this.#parts.progress.others++
    if (stat.nlink <= 1) return this.#inode(file, row)
    const read = async (): Promise<Inode | undefined> => {
      const made = await this.#inode(file, row)
      return made && decodeInode(made.encoded).inode
    }
    return this.links.entry(stat, file.parent(), name, read).then((entry) => entry && readyEntry(entry))
  }

  #inode(file: FilePlace, row: KnownFile | undefined): MadeEntry {
    if (file.stat.type !== 'file') return this.#special(file)
    const entry = row && this.#unchanged(file, row)
    if (!row || !entry) return this.#read(file, row)
    const isStored = this.#isStored(entry.inode)
    if (isStored === true) return this.#keep(file, row, entry)
    if (isStored === false) return this.#read(file, row)
    return isStored.then((there) => (there ? this.#keep(file, row, entry) : this.#read(file, row)))
  }

  /** The known entry of a file that is as it was; undefined when it is not, or when the entry cannot be used. */
  #unchanged({ stat, name }: FilePlace, row: KnownFile): (Entry & { readonly inode: Inode }) | undefined {
    if (this.#parts.reading === 'all' || Buffer.compare(row.volatile, volatileOf(stat)) !== 0) return undefined
    try {
      const entry = decodeInode(row.entry)
      return entry.inode.kind === 'file' && Buffer.compare(entry.name, name) === 0 ? entry : undefined
    } catch (error) {
      if (!isVaultError(error)) throw error
      return undefined // damaged on the local disk, or of another version: the file is read
    }
  }

  #keep(file: FilePlace, row: KnownFile, entry: Entry & { readonly inode: Inode }): ReadyEntry {
    const { known } = this.#parts
    this.#count(entry.inode, 'filesUnmodified')
    if (known.isSweep) known.confirm(file.key, file.name)
    return { name: file.name, encoded: row.entry, summary: summaryOf(entry) }
  }

  /**
   * True when all content of a known file has a usable place (rule 7 of the gc protocol). Content lists are walked, each
   * chunk is looked up: nothing is inherited unseen, so a loss in the vault is healed while the source still has the file.
   */
  #isStored(inode: Inode): boolean | Promise<boolean> {
    const { stored } = this.#parts
    if (inode.kind !== 'file' || ('blob' in inode.xattrs && !stored.use(inode.xattrs.blob))) return false
    const { content } = inode
    if ('items' in content) return content.items.every((item) => !item.id || stored.use(item.id))
    return this.#isListStored(content.list)
  }

  async #isListStored(list: Parameters<typeof readContentList>[1]): Promise<boolean> {
    const { stored, loader } = this.#parts
    if (!stored.use(list)) return false // before it is loaded: also condemned packs can be read
    let isWhole = true
    let visited: Uint8Array = list
    const visit = (id: Uint8Array): void => {
      visited = id
      if (!stored.use(id)) isWhole = false
    }
    try {
      for await (const item of readContentList(loader, list, visit)) {
        if (!isWhole || (item.id && !stored.use(item.id))) return false
      }
      return isWhole
    } catch (error) {
      if (!isVaultError(error, 'vault-damaged', 'object-missing')) throw error
      stored.lose(visited) // or reading the file again would find it stored
      return false
    }
  }

  async #read(file: FilePlace, row: KnownFile | undefined): Promise<ReadyEntry | undefined> {
    const { directory, name, stat } = file
    const reply = await this.#parts.files.add({ directoryFd: directory, name }, stat.sizeBytes)
    return this.#taken(file, row, reply)
  }

  #taken({ key, name, warn }: FilePlace, row: KnownFile | undefined, reply: FileReply): ReadyEntry | undefined {
    const { known } = this.#parts
    if (reply.status !== 'read') {
      if (row) known.forget(key, name)
      warn(reply.status === 'vanished' ? 'vanished before it was read' : reply.message)
      return undefined
    }
    if (reply.warning !== '') warn(reply.warning)
    if (reply.isSettled) known.put(key, { name, volatile: reply.volatile, entry: reply.entry })
    else if (row) known.forget(key, name)
    const entry = decodeInode(reply.entry)
    this.#count(entry.inode, row ? 'filesChanged' : 'filesNew')
    return { name, encoded: reply.entry, summary: summaryOf(entry) }
  }

  #count(inode: Inode, how: 'filesNew' | 'filesChanged' | 'filesUnmodified'): void {
    const { progress } = this.#parts
    progress.files++
    progress[how]++
    if (inode.kind === 'file') progress.bytes += inode.size
  }

  #special(file: FilePlace): ReadyEntry | undefined {
    const { source, saver } = this.#parts
    const { directory, name, stat, warn } = file
    try {
      const attributes = source.attributes(directory, name, stat, saver, warn)
      return readyEntry({ name, isLocked: false, inode: this.#specialInode(file, attributes) })
    } catch (error) {
      if (errnoOf(error) === undefined && !(error instanceof AssertionError)) throw error
      warn(error)
      return undefined
    }
  }

  #specialInode({ directory, name, stat }: FilePlace, attributes: Attributes): Inode {
    const { type } = stat
    if (type === 'symlink') return { ...attributes, kind: type, target: this.#parts.source.readLink(directory, name) }
    if (type === 'char' || type === 'block') {
      return { ...attributes, kind: type, major: stat.rdevMajor, minor: stat.rdevMinor }
    }
    if (type === 'fifo' || type === 'socket') return { ...attributes, kind: type }
    throw new VaultError('source-unreadable', `a ${type} where a special file was expected`)
  }
}
