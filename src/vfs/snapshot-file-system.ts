// vfs: snapshots as a read-only file system. Trees are read as far as they are looked at; nothing of them ever changes, so
// the kernel may keep names, attributes, listings and content as long as it likes. Knows blobs and trees, not where blobs
// come from, and nothing of the kernel's protocol.
//
// One of two shapes: a directory of snapshots, or the tree of one snapshot as the root.
import { isVaultError, VaultError } from '../errors/vault-error.ts'
import {
  errno, FileSystemError, ROOT_NODE,
  type Absence, type Attributes, type DirectorySink, type Entry, type FileSystem, type FileSystemStatus, type NodeId,
  type Opened, type Operation, type Timed, type Wait,
} from '../fuse/file-system.ts'
import type { BlobId } from '../ids/ids.ts'
import { kindOf, type Entry as TreeEntry, type Inode } from '../tree/entry.ts'
import { ROOT_INODE } from '../tree/inode-number.ts'
import type { BlobCache } from './blob-cache.ts'
import { BoundedCache } from './bounded-cache.ts'
import { FileContent } from './file-content.ts'
import { FileReading, newReadFile, type ReadFile } from './file-reading.ts'
import { attributesOf, madeDirectory } from './inode-attributes.ts'
import { NodeTable, type Position } from './node-table.ts'
import { SiblingReading } from './sibling-reading.ts'
import { SnapshotList, type ListedName } from './snapshot-list.ts'
import { SnapshotView, type ShownSnapshot } from './snapshot-view.ts'
import { TreeReader, type FoundEntry } from './tree-reader.ts'

/** Nothing of a snapshot changes. */
const FOREVER_MS = 365 * 24 * 3600 * 1000
/** What the list of snapshots says may change. */
const LIST_VALID_MS = 1000
/** Places that are no entry of a tree. */
const SNAPSHOT_PLACE = 0xffff_ffff
const LATEST_PLACE = 0xffff_fffe
/** Entries of one leaf, as a power of two: a node of 8 MiB has fewer. */
const LEAF_ENTRIES_MAX = 2 ** 20
/** FUSE_NAME_MAX of the kernel: one longer name would fail the whole listing. */
const NAME_BYTES_MAX = 1024
/** Runs of a sparse file that are counted for its st_blocks; a longer list is not read just to show it. */
const COUNTED_RUNS_MAX = 65536
const TREES_KEPT = 4096
const FILES_KEPT = 1024
const BLOCK_BYTES = 4096
const DOT = Uint8Array.of(0x2e)
const DOT_DOT = Uint8Array.of(0x2e, 0x2e)
const NO_XATTRS = new Uint8Array(0)

export type Shown =
  | { readonly kind: 'list'; readonly snapshots: readonly ShownSnapshot[] }
  | { readonly kind: 'snapshot'; readonly snapshot: ShownSnapshot }

export interface SnapshotFileSystemOptions {
  readonly shown: Shown
  readonly blobs: BlobCache
  /** Keys inode numbers. */
  readonly inodeKey: Uint8Array
  /** Who owns the directories that are in no tree. */
  readonly owner: { readonly uid: number; readonly gid: number }
  readonly treeBytesMax: number
  readonly aheadBytesMax: number
  /** Something to wait for before the list of snapshots is shown; undefined when it is fresh enough. */
  readonly refresh?: () => Wait | undefined
  /** Hears why an entry is shown without attributes. */
  readonly onProblem: (error: VaultError) => void
}

export class SnapshotFileSystem implements FileSystem {
  readonly #options: SnapshotFileSystemOptions
  readonly #list: SnapshotList | undefined
  readonly #views: readonly SnapshotView[]
  readonly #nodes = new NodeTable(ROOT_INODE)
  readonly #trees: TreeReader
  readonly #reading: FileReading
  readonly #siblings: SiblingReading
  /** By slot of a directory; saves reading its parent again. */
  readonly #treeOfSlot = new BoundedCache<number, BlobId>(TREES_KEPT)
  readonly #files = new BoundedCache<number, ReadFile>(FILES_KEPT)
  readonly #listings = new Map<number, readonly ListedName[]>()
  #nextHandle = 1

  constructor(options: SnapshotFileSystemOptions) {
    const { shown, inodeKey } = options
    this.#options = options
    this.#list = shown.kind === 'list' ? new SnapshotList(inodeKey, shown.snapshots) : undefined
    this.#views = shown.kind === 'list' ? (this.#list?.views ?? []) : [new SnapshotView(shown.snapshot, ROOT_INODE, inodeKey)]
    this.#trees = new TreeReader(options.blobs, options.treeBytesMax)
    this.#reading = new FileReading(options.blobs, options.aheadBytesMax)
    this.#siblings = new SiblingReading(options.blobs)
  }

  /** Nodes that the kernel holds. */
  get nodeCount(): number {
    return this.#nodes.count
  }

  /** Takes the snapshots that there are now, oldest first. Returns the names in the root that changed. */
  replaceSnapshots(snapshots: readonly ShownSnapshot[]): string[] {
    return this.#list?.replace(snapshots) ?? []
  }

  *lookup(parent: NodeId, name: Uint8Array): Operation<Entry | Absence> {
    const slot = this.#slot(parent)
    if (slot === ROOT_NODE && this.#list) {
      const text = Buffer.from(name).toString('latin1')
      // Who asks for `latest`, or for a snapshot by name, need not have listed them.
      if (this.#list.viewNumber(text) === undefined) yield* this.#refresh()
      return this.#lookupSnapshot(this.#list, text)
    }
    const found = yield* this.#trees.find(yield* this.#tree(slot), name)
    if (found === undefined) return { node: undefined, entryValidMs: FOREVER_MS }
    return yield* this.#entry(slot, found)
  }

  forget(node: NodeId, count: number): void {
    const slot = this.#nodes.slotOf(node)
    if (slot === undefined) return
    for (const freed of this.#nodes.forget(slot, count)) {
      this.#treeOfSlot.delete(freed)
      this.#files.delete(freed)
      this.#siblings.forget(freed)
    }
  }

  *attributes(node: NodeId): Operation<Timed<Attributes>> {
    const slot = this.#slot(node)
    if (slot === ROOT_NODE) return this.#rootAttributes()
    const { leaf, view } = this.#nodes.positionOf(slot)
    if (leaf === SNAPSHOT_PLACE) return { value: this.#snapshotAttributes(this.#view(view)), validMs: FOREVER_MS }
    if (leaf === LATEST_PLACE) return { value: this.#latestAttributes(slot), validMs: FOREVER_MS }
    const entry = yield* this.#entryOf(slot)
    const value = yield* this.#attributesOf(this.#view(view), entry, this.#nodes.inodeOf(slot))
    return { value, validMs: FOREVER_MS }
  }

  *readLink(node: NodeId): Operation<Uint8Array> {
    const slot = this.#slot(node)
    const { leaf, view } = this.#nodes.positionOf(slot)
    if (slot !== ROOT_NODE && leaf === LATEST_PLACE) return Buffer.from(this.#view(view).snapshot.name)
    const { inode } = yield* this.#inode(slot)
    if (inode.kind !== 'symlink') throw new FileSystemError(errno.EINVAL, 'not a symlink')
    return inode.target
  }

  /** Nothing is kept for an open file: what is read ahead of it hangs on its node. */
  *open(): Operation<'stateless'> {
    return 'stateless'
  }

  release(): void {}

  *read(node: NodeId, _handle: number, offset: number, sizeBytes: number): Operation<readonly Uint8Array[]> {
    const slot = this.#slot(node)
    const file = yield* this.#file(slot)
    if (offset === 0) yield* this.#lookAhead(slot)
    return yield* this.#reading.read(file, offset, sizeBytes)
  }

  *seek(node: NodeId, _handle: number, offset: number, what: 'data' | 'hole'): Operation<number | undefined> {
    const { content } = yield* this.#file(this.#slot(node))
    return yield* content.seek(offset, what)
  }

  *openDirectory(node: NodeId): Operation<Opened> {
    const slot = this.#slot(node)
    if (slot !== ROOT_NODE || !this.#list) {
      yield* this.#tree(slot)
      return { handle: 0, cache: 'keep' }
    }
    yield* this.#refresh()
    const handle = this.#nextHandle++
    // A listing is of one moment, whatever comes and goes until it is read.
    this.#listings.set(handle, this.#list.listing())
    return { handle, cache: 'drop' }
  }

  releaseDirectory(_node: NodeId, handle: number): void {
    this.#listings.delete(handle)
  }

  *readDirectory(node: NodeId, handle: number, cookie: number, sink: DirectorySink): Operation<void> {
    const slot = this.#slot(node)
    if (cookie === 0) {
      if (!sink.hasRoom(1)) return
      sink.addName(DOT, this.#nodes.inodeOf(slot), 'directory', 1)
    }
    if (cookie <= 1) {
      if (!sink.hasRoom(2)) return
      sink.addName(DOT_DOT, this.#nodes.inodeOf(this.#nodes.parentOf(slot)), 'directory', 2)
    }
    const position = Math.max(cookie - 2, 0)
    const listing = this.#listings.get(handle)
    if (listing) this.#listSnapshots(listing, position, sink)
    else yield* this.#listTree(slot, position, sink)
  }

  *listXattrs(node: NodeId): Operation<Uint8Array> {
    const xattrs = yield* this.#xattrs(node)
    if (xattrs.length === 0) return NO_XATTRS
    return Buffer.concat(xattrs.flatMap(({ name }) => [name, new Uint8Array(1)]))
  }

  *getXattr(node: NodeId, name: Uint8Array): Operation<Uint8Array | undefined> {
    const xattrs = yield* this.#xattrs(node)
    return xattrs.find((xattr) => Buffer.compare(xattr.name, name) === 0)?.value
  }

  /** Full, as a disc is that cannot be written: what is there, and nothing free. */
  *status(): Operation<FileSystemStatus> {
    const { bytes, entries } = this.#list?.totals() ?? this.#view(0).snapshot
    return {
      blockBytes: BLOCK_BYTES, blocks: Math.ceil(bytes / BLOCK_BYTES), blocksFree: 0, files: entries, filesFree: 0,
      nameBytesMax: 255,
    }
  }

  #slot(node: NodeId): number {
    const slot = this.#nodes.slotOf(node)
    if (slot === undefined) throw new FileSystemError(errno.ESTALE, 'no such node')
    return slot
  }

  #view(number: number): SnapshotView {
    const view = this.#views[number]
    if (view === undefined) throw new FileSystemError(errno.ESTALE, 'no such snapshot')
    return view
  }

  *#refresh(): Operation<void> {
    const wait = this.#options.refresh?.()
    if (wait) yield wait
  }

  // The list of snapshots.

  #lookupSnapshot(list: SnapshotList, name: string): Entry | Absence {
    const target = list.target(name)
    const view = list.viewNumber(target ?? name)
    if (view === undefined) return { node: undefined, entryValidMs: LIST_VALID_MS }
    return target === undefined ? this.#snapshotEntry(view) : this.#latestEntry(list, view, target)
  }

  #snapshotEntry(view: number): Entry {
    const attributes = this.#snapshotAttributes(this.#view(view))
    const node = this.#refer(attributes.inode, { parent: ROOT_NODE, view, leaf: SNAPSHOT_PLACE, index: 0 })
    return { node, attributes, entryValidMs: FOREVER_MS, attributesValidMs: FOREVER_MS }
  }

  #latestEntry(list: SnapshotList, view: number, target: string): Entry {
    const inode = list.latestInode(target)
    const node = this.#refer(inode, { parent: ROOT_NODE, view, leaf: LATEST_PLACE, index: 0 })
    return { node, attributes: this.#latestAttributes(this.#slot(node)), entryValidMs: LIST_VALID_MS, attributesValidMs: FOREVER_MS }
  }

  #listSnapshots(listing: readonly ListedName[], start: number, sink: DirectorySink): void {
    for (let position = start; position < listing.length; position++) {
      const listed = listing[position]
      if (listed === undefined || !sink.hasRoom(listed.name.length)) return
      const entry = sink.wantsEntries && this.#list
        ? this.#lookupSnapshot(this.#list, Buffer.from(listed.name).toString('latin1'))
        : undefined
      if (entry?.node !== undefined) sink.addEntry(listed.name, entry, position + 3)
      else sink.addName(listed.name, listed.inode, listed.type, position + 3)
    }
  }

  #rootAttributes(): Timed<Attributes> {
    const { owner } = this.#options
    if (!this.#list) return { value: this.#snapshotAttributes(this.#view(0)), validMs: FOREVER_MS }
    const { count, timeSeconds } = this.#list
    return { value: madeDirectory(ROOT_INODE, 2 + count, timeSeconds, owner), validMs: LIST_VALID_MS }
  }

  #snapshotAttributes({ rootInode, snapshot }: SnapshotView): Attributes {
    return madeDirectory(rootInode, 1, snapshot.timeSeconds, this.#options.owner)
  }

  #latestAttributes(slot: number): Attributes {
    const { snapshot } = this.#view(this.#nodes.viewOf(slot))
    const directory = madeDirectory(this.#nodes.inodeOf(slot), 1, snapshot.timeSeconds, this.#options.owner)
    return { ...directory, type: 'symlink', mode: 0o777, sizeBytes: Buffer.byteLength(snapshot.name), blocks512: 0 }
  }

  // Trees.

  *#listTree(slot: number, start: number, sink: DirectorySink): Operation<void> {
    const tree = yield* this.#tree(slot)
    let index = start % LEAF_ENTRIES_MAX
    for (let number = Math.floor(start / LEAF_ENTRIES_MAX); ; number++, index = 0) {
      const leaf = yield* this.#trees.leaf(tree, number)
      if (leaf === undefined) return
      for (; index < leaf.entries.length; index++) {
        const entry = leaf.entries[index]
        if (entry === undefined || entry.name.length > NAME_BYTES_MAX) continue
        if (!sink.hasRoom(entry.name.length)) return
        yield* this.#addTo(sink, slot, { entry, leaf: number, index })
      }
    }
  }

  *#addTo(sink: DirectorySink, slot: number, found: FoundEntry): Operation<void> {
    const { entry, leaf, index } = found
    const cookie = leaf * LEAF_ENTRIES_MAX + index + 3
    if (sink.wantsEntries) {
      const known = yield* this.#entryUnlessDamaged(slot, found)
      if (known) return sink.addEntry(entry.name, known, cookie)
    }
    const view = this.#view(this.#nodes.viewOf(slot))
    sink.addName(entry.name, this.#inodeNumber(view, slot, entry), kindOf(entry), cookie)
  }

  /** One entry that cannot be read must not hide the others: it is listed by name, and looking at it gives the error. */
  *#entryUnlessDamaged(slot: number, found: FoundEntry): Operation<Entry | undefined> {
    try {
      return yield* this.#entry(slot, found)
    } catch (error) {
      if (isVaultError(error)) this.#options.onProblem(error)
      else if (!(error instanceof FileSystemError)) throw error
      return undefined
    }
  }

  /** An entry to give out, with a reference to its node. */
  *#entry(parent: number, { entry, leaf, index }: FoundEntry): Operation<Entry> {
    const number = this.#nodes.viewOf(parent)
    const view = this.#view(number)
    const inode = this.#inodeNumber(view, parent, entry)
    const attributes = yield* this.#attributesOf(view, entry, inode)
    const node = this.#refer(inode, { parent, view: number, leaf, index }, 'inode' in entry ? 'own' : 'linked')
    const shown = this.#nodes.inodeOf(this.#slot(node))
    return {
      node, attributes: shown === inode ? attributes : { ...attributes, inode: shown },
      entryValidMs: FOREVER_MS, attributesValidMs: FOREVER_MS,
    }
  }

  /**
   * The node with this number, made if the kernel does not know it. Another entry may have the same number by chance (numbers
   * are hashes): then the next free one is taken, or one file would be shown in the place of the other.
   */
  #refer(inode: bigint, position: Position, kind: 'own' | 'linked' = 'own'): NodeId {
    let slot: number | undefined
    for (let number = inode; slot === undefined; number = BigInt.asUintN(64, number + 1n)) {
      const known = this.#nodes.find(number)
      if (known === undefined) slot = this.#nodes.add(number, position)
      else if (this.#isSame(known, position, kind)) slot = known
    }
    this.#nodes.refer(slot)
    return this.#nodes.idOf(slot)
  }

  #isSame(slot: number, { parent, view, leaf, index }: Position, kind: 'own' | 'linked'): boolean {
    if (slot === ROOT_NODE) return false
    const known = this.#nodes.positionOf(slot)
    if (known.view !== view) return false
    return kind === 'linked' || (known.parent === parent && known.leaf === leaf && known.index === index)
  }

  #inodeNumber(view: SnapshotView, parent: number, entry: TreeEntry): bigint {
    if (!('inode' in entry)) return view.storedInode(entry.link)
    if (entry.number !== undefined) return view.storedInode(entry.number)
    return view.childInode(this.#nodes.inodeOf(parent), entry.name)
  }

  *#attributesOf(view: SnapshotView, entry: TreeEntry, number: bigint): Operation<Attributes> {
    const { inode, links } = yield* this.#resolve(view, entry)
    return attributesOf(inode, number, links, yield* this.#dataBytes(inode))
  }

  *#dataBytes(inode: Inode): Operation<number> {
    if (inode.kind !== 'file') return 0
    if (!inode.isSparse) return inode.size
    const content = new FileContent(this.#trees, inode.size, inode.content)
    return (yield* content.dataBytes(COUNTED_RUNS_MAX)) ?? inode.size
  }

  /** The inode of an entry: its own, or the link table's. */
  *#resolve(view: SnapshotView, entry: TreeEntry): Operation<{ inode: Inode; links: number }> {
    if ('inode' in entry) return { inode: entry.inode, links: 1 }
    const record = yield* this.#trees.link(view.links, entry.link)
    if (record.inode.kind !== entry.linkKind) {
      throw new VaultError('vault-damaged', `inode ${entry.link.toString(16)} is a ${record.inode.kind}, its name says ${entry.linkKind}`)
    }
    return { inode: record.inode, links: record.nlink }
  }

  /** What the tree says of a node that is in one. */
  *#entryOf(slot: number): Operation<TreeEntry> {
    const { parent, leaf, index } = this.#nodes.positionOf(slot)
    const found = yield* this.#trees.leaf(yield* this.#tree(parent), leaf)
    const entry = found?.entries[index]
    if (entry === undefined) throw new FileSystemError(errno.ESTALE, 'the entry is gone')
    return entry
  }

  *#inode(slot: number): Operation<{ inode: Inode; links: number }> {
    if (slot === ROOT_NODE || this.#nodes.positionOf(slot).leaf >= LATEST_PLACE) throw new FileSystemError(errno.EISDIR, 'not in a tree')
    return yield* this.#resolve(this.#view(this.#nodes.viewOf(slot)), yield* this.#entryOf(slot))
  }

  /** The tree of a directory. Throws ENOTDIR for what is none. */
  *#tree(slot: number): Operation<BlobId> {
    const known = this.#treeOfSlot.get(slot)
    if (known !== undefined) return known
    const { leaf, view } = this.#nodes.positionOf(slot)
    let tree: BlobId | undefined
    if (slot === ROOT_NODE) tree = this.#list ? undefined : this.#view(0).tree
    else if (leaf === SNAPSHOT_PLACE) tree = this.#view(view).tree
    else if (leaf !== LATEST_PLACE) {
      const entry = yield* this.#entryOf(slot)
      if ('inode' in entry && entry.inode.kind === 'directory') ({ tree } = entry.inode)
    }
    if (tree === undefined) throw new FileSystemError(errno.ENOTDIR, 'not a directory')
    // A copy: as it is, it keeps the whole node that it lies in.
    const copy = Uint8Array.from(tree) as BlobId
    this.#treeOfSlot.set(slot, copy, 1)
    return copy
  }

  *#file(slot: number): Operation<ReadFile> {
    const known = this.#files.get(slot)
    if (known !== undefined) return known
    const { inode } = yield* this.#inode(slot)
    if (inode.kind !== 'file') throw new FileSystemError(inode.kind === 'directory' ? errno.EISDIR : errno.EINVAL, 'not a file')
    const file = newReadFile(new FileContent(this.#trees, inode.size, inode.content))
    this.#files.set(slot, file, 1)
    return file
  }

  *#lookAhead(slot: number): Operation<void> {
    const position = this.#nodes.positionOf(slot)
    if (!this.#siblings.wantsMore(position)) return
    const leaf = yield* this.#trees.leaf(yield* this.#tree(position.parent), position.leaf)
    this.#siblings.ask(position, leaf?.entries ?? [])
  }

  *#xattrs(node: NodeId): Operation<readonly { readonly name: Uint8Array; readonly value: Uint8Array }[]> {
    const slot = this.#slot(node)
    if (slot === ROOT_NODE || this.#nodes.positionOf(slot).leaf >= LATEST_PLACE) return []
    const { inode } = yield* this.#inode(slot)
    return 'blob' in inode.xattrs ? yield* this.#trees.xattrs(inode.xattrs.blob) : inode.xattrs
  }
}
