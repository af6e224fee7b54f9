// Directories, link tables and content lists, read node by node as they are needed, never whole. What was decoded is kept up
// to a limit; a directory of a million entries is an outline of 3,000 leaves of which a few are in memory.
import type { BlobType } from '../crypto/keyring.ts'
import { VaultError } from '../errors/vault-error.ts'
import type { Operation } from '../fuse/file-system.ts'
import { toHex, type BlobId } from '../ids/ids.ts'
import { NODE_LEVELS_MAX } from '../limits/limits.ts'
import { ByteReader } from '../bytes/reader.ts'
import { decodeList, type ListItem } from '../tree/content-list.ts'
import { entriesOf } from '../tree/directory.ts'
import { readXattrs } from '../tree/entry-codec.ts'
import type { Entry, LinkRecord, Xattr } from '../tree/entry.ts'
import { linkKey, recordsOf } from '../tree/link-table.ts'
import { childFor, readNode, type Node } from '../tree/node.ts'
import { blobKey, type BlobCache } from './blob-cache.ts'
import { BoundedCache } from './bounded-cache.ts'

/** What decoded values take, beside the bytes that they are views of: objects of an entry, measured with 8-byte names. */
const ENTRY_BYTES = 560
const ITEM_BYTES = 160

export interface Leaf {
  readonly id: BlobId
  readonly entries: readonly Entry[]
}

/** The leaves of a directory in order, with the smallest name in each but the first. */
interface Outline {
  readonly leaves: readonly { readonly id: BlobId; readonly firstName: Uint8Array }[]
}

export interface FoundEntry {
  readonly entry: Entry
  readonly leaf: number
  readonly index: number
}

/** One content list: its items, and where each begins. */
export interface DecodedList {
  readonly level: number
  readonly items: readonly ListItem[]
  readonly starts: Float64Array
  readonly length: number
}

/** Where each item begins. */
export function startsOf(items: readonly { readonly length: number }[]): { starts: Float64Array; length: number } {
  const starts = new Float64Array(items.length)
  let length = 0
  for (const [index, item] of items.entries()) {
    starts[index] = length
    length += item.length
  }
  return { starts, length }
}

type Kept = Leaf | Outline | DecodedList | ReadonlyMap<bigint, LinkRecord> | Node | readonly Xattr[]

/** Its operations throw `vault-damaged` for what does not decode. */
export class TreeReader {
  readonly #blobs: BlobCache
  readonly #kept: BoundedCache<string, Kept>

  constructor(blobs: BlobCache, memoryBytes: number) {
    this.#blobs = blobs
    this.#kept = new BoundedCache(memoryBytes)
  }

  /** Number of leaves of a directory; 1 at least. */
  *leafCount(tree: BlobId): Operation<number> {
    return (yield* this.#outline(tree)).leaves.length
  }

  /** A leaf by its number; undefined when there are not so many. */
  *leaf(tree: BlobId, number: number): Operation<Leaf | undefined> {
    const place = (yield* this.#outline(tree)).leaves[number]
    return place && (yield* this.#leaf(place.id))
  }

  *find(tree: BlobId, name: Uint8Array): Operation<FoundEntry | undefined> {
    const { leaves } = yield* this.#outline(tree)
    const number = lastAtMost(leaves.length, (index) => Buffer.compare(leaves[index]?.firstName ?? name, name) <= 0)
    const place = leaves[number]
    if (place === undefined) return undefined
    const { entries } = yield* this.#leaf(place.id)
    const index = lastAtMost(entries.length, (at) => Buffer.compare(entries[at]?.name ?? name, name) <= 0)
    const entry = entries[index]
    return entry && Buffer.compare(entry.name, name) === 0 ? { entry, leaf: number, index } : undefined
  }

  /** Throws `vault-damaged` when the table lacks it. */
  *link(table: BlobId | undefined, link: bigint): Operation<LinkRecord> {
    if (table === undefined) throw damaged(`inode ${link.toString(16)}: the snapshot has no link table`)
    const key = linkKey(link)
    let id = table
    for (let levelMax = NODE_LEVELS_MAX; ;) {
      const known = yield* this.#linkNode(id, levelMax)
      if ('children' in known) {
        id = childFor(known, key).id
        levelMax = known.level - 1
        continue
      }
      const record = known.get(link)
      if (record === undefined) throw damaged(`the link table lacks inode ${link.toString(16)}`)
      return record
    }
  }

  *list(id: BlobId, levelMax: number): Operation<DecodedList> {
    return yield* this.#decoded('content', id, (bytes) => {
      const { level, items } = decodeList(id, bytes, levelMax)
      const value: DecodedList = { level, items, ...startsOf(items) }
      return { value, cost: bytes.length + items.length * ITEM_BYTES }
    })
  }

  *xattrs(id: BlobId): Operation<readonly Xattr[]> {
    return yield* this.#decoded('xattr', id, (bytes) => {
      const reader = new ByteReader(bytes, `xattr blob ${toHex(id).slice(0, 16)}`)
      const value: readonly Xattr[] = readXattrs(reader)
      reader.end()
      return { value, cost: bytes.length + value.length * ITEM_BYTES }
    })
  }

  *#linkNode(id: BlobId, levelMax: number): Operation<Node | ReadonlyMap<bigint, LinkRecord>> {
    return yield* this.#decoded<Node | ReadonlyMap<bigint, LinkRecord>>('links', id, (bytes) => {
      const node = readNode('links', id, bytes)
      if (node.level > levelMax) node.elements.fail('node level does not descend')
      if (node.level > 0) return { value: node, cost: bytes.length + node.count * ITEM_BYTES }
      const records = new Map([...recordsOf(node)].map((record) => [record.link, record]))
      return { value: records, cost: bytes.length + records.size * ENTRY_BYTES }
    })
  }

  *#leaf(id: BlobId): Operation<Leaf> {
    const known = this.#kept.get(leafKey(id))
    if (known !== undefined) return known as Leaf
    const bytes = yield* this.#blobs.load('tree', id)
    return this.#keepLeaf(id, readNode('tree', id, bytes), bytes.length)
  }

  #keepLeaf(id: BlobId, node: Node, lengthBytes: number): Leaf {
    if (node.level !== 0) throw damaged(`tree node ${toHex(id).slice(0, 16)}: inner node in the place of a leaf`)
    const leaf: Leaf = { id, entries: [...entriesOf(node, undefined)] }
    this.#kept.set(leafKey(id), leaf, lengthBytes + leaf.entries.length * ENTRY_BYTES)
    return leaf
  }

  /** Reads the inner nodes of a directory: one blob for every 300 leaves, none for most directories. */
  *#outline(tree: BlobId): Operation<Outline> {
    const key = `outline ${blobKey('tree', tree)}`
    const known = this.#kept.get(key)
    if (known !== undefined) return known as Outline
    const bytes = yield* this.#blobs.load('tree', tree)
    const root = readNode('tree', tree, bytes)
    const leaves: { id: BlobId; firstName: Uint8Array }[] = []
    if (root.level === 0) {
      this.#keepLeaf(tree, root, bytes.length)
      leaves.push({ id: tree, firstName: new Uint8Array(0) })
    } else {
      yield* this.#leavesBelow(root, leaves)
    }
    const outline: Outline = { leaves }
    this.#kept.set(key, outline, 200 + leaves.length * ITEM_BYTES)
    return outline
  }

  *#leavesBelow(node: Node, leaves: { id: BlobId; firstName: Uint8Array }[]): Operation<void> {
    for (const { id, key } of node.children) {
      if (node.level === 1) {
        leaves.push({ id, firstName: key })
        continue
      }
      const bytes = yield* this.#blobs.load('tree', id)
      const child = readNode('tree', id, bytes)
      if (child.level >= node.level) throw damaged(`tree node ${toHex(id).slice(0, 16)}: level does not descend`)
      if (child.level === 0) leaves.push({ id, firstName: key })
      else yield* this.#leavesBelow(child, leaves)
    }
  }

  *#decoded<Value extends Kept>(
    type: BlobType, id: BlobId, decode: (bytes: Uint8Array) => { value: Value; cost: number },
  ): Operation<Value> {
    const key = blobKey(type, id)
    const known = this.#kept.get(key)
    if (known !== undefined) return known as Value
    const bytes = yield* this.#blobs.load(type, id)
    const { value, cost } = decode(bytes)
    this.#kept.set(key, value, cost)
    return value
  }
}

const damaged = (message: string): VaultError => new VaultError('vault-damaged', message)

const leafKey = (id: BlobId): string => `leaf ${blobKey('tree', id)}`

/** The last of `count` for which `holds`, which holds for the first ones only; 0 when it holds for none. */
export function lastAtMost(count: number, holds: (index: number) => boolean): number {
  let low = 0
  let high = count
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (holds(middle)) low = middle
    else high = middle
  }
  return low
}
