// What snapshots reach: every blob below their trees and link tables, each metadata blob read once, however many snapshots
// share it. Serves forget, undelete and garbage collection; `check` has a walk of its own, that goes on through damage.
import { ByteReader } from '../bytes/reader.ts'
import type { BlobType } from '../crypto/keyring.ts'
import { isVaultError, type VaultError } from '../errors/vault-error.ts'
import { blobId, type BlobId } from '../ids/ids.ts'
import { IdSet } from '../ids/id-set.ts'
import { NODE_LEVELS_MAX } from '../limits/limits.ts'
import { linksOf, treeOf, type Snapshot } from '../snapshot/snapshot.ts'
import { decodeList } from '../tree/content-list.ts'
import { readEntry, readLinkRecord } from '../tree/entry-codec.ts'
import type { Inode } from '../tree/entry.ts'
import { readNode, type BlobLoader } from '../tree/node.ts'

/** Blobs read at once: enough to hide a round trip, few enough that the walk stays within some packs. */
const BATCH_BLOBS = 16

interface Item {
  readonly type: BlobType
  readonly id: BlobId
  readonly levelMax: number
}

/** Hears of each blob once. */
export type BlobVisitor = (type: BlobType, id: BlobId) => void

export class ReachWalk {
  readonly #loader: BlobLoader
  readonly #visitor: BlobVisitor
  readonly #signal: AbortSignal | undefined
  readonly #onLost: ((id: BlobId, error: VaultError) => void) | undefined
  readonly #seen = new IdSet()
  readonly #stack: Item[] = []

  /** `onLost`: hears of metadata that cannot be read, and the walk goes on without what lies below it. */
  constructor(loader: BlobLoader, visitor: BlobVisitor, signal?: AbortSignal, onLost?: (id: BlobId, error: VaultError) => void) {
    this.#loader = loader
    this.#visitor = visitor
    this.#signal = signal
    this.#onLost = onLost
  }

  /** Blobs of all types reached so far. */
  get count(): number {
    return this.#seen.size
  }

  /** True for a blob that was reached. */
  has(id: Uint8Array): boolean {
    return this.#seen.has(id)
  }

  /** Walks what a pin's root reaches: a directory tree or a link table, whichever it is. */
  async walkRoot(type: 'tree' | 'links', id: BlobId): Promise<void> {
    this.#reach({ type, id, levelMax: NODE_LEVELS_MAX })
    await this.#drain()
  }

  /** Walks what the snapshot reaches and no earlier one did. Throws `vault-damaged` when metadata is lost, without `onLost`. */
  async walk(snapshot: Snapshot): Promise<void> {
    this.#reach({ type: 'tree', id: treeOf(snapshot), levelMax: NODE_LEVELS_MAX })
    const links = linksOf(snapshot)
    if (links) this.#reach({ type: 'links', id: links, levelMax: NODE_LEVELS_MAX })
    await this.#drain()
  }

  async #drain(): Promise<void> {
    while (this.#stack.length > 0) {
      this.#signal?.throwIfAborted()
      await Promise.all(this.#stack.splice(-BATCH_BLOBS).map((item) => this.#read(item)))
    }
  }

  /** Metadata is read later; data and xattrs lead nowhere. Ids are views of their node: what is kept is copied. */
  #reach({ type, id, levelMax }: Item): void {
    if (!this.#seen.add(id)) return
    this.#visitor(type, id)
    if (type !== 'data' && type !== 'xattr') this.#stack.push({ type, id: blobId(new Uint8Array(id)), levelMax })
  }

  async #read({ type, id, levelMax }: Item): Promise<void> {
    let bytes: Uint8Array
    try {
      bytes = await this.#loader.load(type, id)
    } catch (error) {
      if (!this.#onLost || !isVaultError(error, 'vault-damaged')) throw error
      return this.#onLost(id, error)
    }
    if (type === 'content') return this.#readList(id, bytes, levelMax)
    if (type !== 'tree' && type !== 'links') return
    const node = readNode(type, id, bytes)
    if (node.level > levelMax) node.elements.fail('node level does not descend')
    if (node.level > 0) {
      for (const child of node.children) this.#reach({ type, id: child.id, levelMax: node.level - 1 })
      return
    }
    for (let i = 0; i < node.count; i++) this.#readElement(type, node.elements)
    node.elements.end()
  }

  #readElement(type: 'tree' | 'links', elements: ByteReader): void {
    if (type === 'links') return this.#reachInode(readLinkRecord(elements).inode)
    const entry = readEntry(elements)
    if ('inode' in entry) this.#reachInode(entry.inode)
  }

  #reachInode(inode: Inode): void {
    if ('blob' in inode.xattrs) this.#reach({ type: 'xattr', id: inode.xattrs.blob, levelMax: 0 })
    if (inode.kind === 'directory') this.#reach({ type: 'tree', id: inode.tree, levelMax: NODE_LEVELS_MAX })
    if (inode.kind !== 'file') return
    if ('list' in inode.content) this.#reach({ type: 'content', id: inode.content.list, levelMax: NODE_LEVELS_MAX })
    else for (const { id } of inode.content.items) if (id) this.#reach({ type: 'data', id, levelMax: 0 })
  }

  #readList(list: BlobId, bytes: Uint8Array, levelMax: number): void {
    const { level, items } = decodeList(list, bytes, levelMax)
    for (const { id } of items) if (id) this.#reach({ type: level === 0 ? 'data' : 'content', id, levelMax: level - 1 })
  }
}
