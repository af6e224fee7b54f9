// Nodes: how a long ordered sequence (a directory, a link table, a content list) is cut into blobs. Leaves hold the
// elements, inner nodes name their children; where a node ends is decided by its content, so that a change rewrites one
// leaf and its ancestors, about 64 KiB in a directory of a million entries.
import { ByteReader } from '../bytes/reader.ts'
import { ByteWriter } from '../bytes/writer.ts'
import type { BlobType } from '../crypto/keyring.ts'
import { VaultError } from '../errors/vault-error.ts'
import { blobId, BLOB_ID_BYTES, toHex, type BlobId } from '../ids/ids.ts'
import { NODE_LEVELS_MAX, TREE_NODE_BYTES_MAX } from '../limits/limits.ts'

const NODE_VERSION = 1
const CHILD_KEY_BYTES_MAX = 4096

/** Stores a plain blob (or finds it stored) and returns its id. Synchronous: it runs in worker threads too; `plain` may be reused afterwards. */
export interface BlobSaver {
  save(type: BlobType, plain: Uint8Array): BlobId
}

/** Loads a plain blob by id; verified. Throws `vault-damaged` when it is lost. */
export interface BlobLoader {
  load(type: BlobType, id: BlobId): Promise<Uint8Array>
}

/** One child in an inner node. */
export interface NodeChild {
  /** Smallest key below (a name, a link id, an offset), in a form whose byte order is the sequence's order. */
  readonly key: Uint8Array
  readonly id: BlobId
  /** Sum over the elements below, encoded by the kind of sequence. */
  readonly total: Uint8Array
}

/** Where nodes end: after an element whose hash ends in zeros once the node has bytesMin, or at bytesMax at the latest. */
export interface SplitRule {
  readonly bytesMin: number
  readonly bytesMax: number
  /** One element in this many is a boundary; a power of two up to 2^16. */
  readonly oneIn: number
}

/** FNV-1a (32 bit) with a final mix. Not keyed: nodes are sealed, and their sizes say no more than the entries do. */
export function boundaryHash(bytes: Uint8Array, level: number): number {
  let hash = 0x811c9dc5 ^ level
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) >>> 0
}

interface OpenNode {
  readonly writer: ByteWriter
  count: number
  firstKey: Uint8Array | undefined
  totals: Uint8Array[]
}

/** Cuts a sequence into nodes as it is added, in order. Memory: one open node a level. */
export class NodeBuilder {
  readonly #type: BlobType
  readonly #saver: BlobSaver
  readonly #rule: SplitRule
  readonly #sum: (totals: readonly Uint8Array[]) => Uint8Array
  readonly #levels: OpenNode[] = []

  constructor(type: BlobType, saver: BlobSaver, rule: SplitRule, sum: (totals: readonly Uint8Array[]) => Uint8Array) {
    this.#type = type
    this.#saver = saver
    this.#rule = rule
    this.#sum = sum
  }

  /** Adds one encoded element; `key` orders it and decides, by its hash, whether the node ends after it. */
  add(key: Uint8Array, element: Uint8Array, total: Uint8Array): void {
    this.#append(0, key, element, total)
  }

  #append(level: number, key: Uint8Array, element: Uint8Array, total: Uint8Array): void {
    const node = (this.#levels[level] ??= { writer: new ByteWriter(4096), count: 0, firstKey: undefined, totals: [] })
    node.firstKey ??= key
    node.writer.raw(element)
    node.count++
    node.totals.push(total)
    const { bytesMin, bytesMax, oneIn } = this.#rule
    const isBoundary = node.writer.length >= bytesMin && boundaryHash(key, level) % oneIn === 0
    // An inner node of one child would repeat itself for ever: two at least.
    if ((isBoundary || node.writer.length >= bytesMax) && (level === 0 || node.count > 1)) this.#close(level)
  }

  #save(level: number, node: OpenNode): BlobId {
    const writer = new ByteWriter(node.writer.length + 16)
    writer.u8(NODE_VERSION).u8(level).varint(node.count).raw(node.writer.view())
    return this.#saver.save(this.#type, writer.view())
  }

  #close(level: number): void {
    const node = this.#levels[level]
    if (!node || node.count === 0) return
    const id = this.#save(level, node)
    const key = node.firstKey ?? new Uint8Array(0)
    const total = this.#sum(node.totals)
    node.writer.reset()
    node.count = 0
    node.firstKey = undefined
    node.totals = []
    const child = new ByteWriter(96).bytes(key).raw(id).bytes(total).finish()
    this.#append(level + 1, key, child, total)
  }

  /** Closes all levels; the root is the only node left, an empty leaf for an empty sequence. */
  finish(): { id: BlobId; total: Uint8Array } {
    for (let level = 0; ; level++) {
      const node = this.#levels[level] ?? { writer: new ByteWriter(0), count: 0, firstKey: undefined, totals: [] }
      const isTop = this.#levels.slice(level + 1).every((above) => above.count === 0)
      if (!isTop) {
        this.#close(level)
        continue
      }
      if (level > 0 && node.count === 1) return this.#onlyChild(node)
      return { id: this.#save(level, node), total: this.#sum(node.totals) }
    }
  }

  /** A top node with one child is not stored: the child is the root. */
  #onlyChild(node: OpenNode): { id: BlobId; total: Uint8Array } {
    const reader = new ByteReader(node.writer.view(), 'open node')
    reader.bytes(CHILD_KEY_BYTES_MAX)
    return { id: blobId(reader.raw(BLOB_ID_BYTES).slice()), total: this.#sum(node.totals) }
  }
}

export interface Node {
  readonly level: number
  /** Leaf: reads the elements. Inner: empty. */
  readonly elements: ByteReader
  readonly count: number
  readonly children: readonly NodeChild[]
}

/** Decodes a node blob. Throws `vault-damaged` or `vault-newer`. */
export function readNode(type: BlobType, id: BlobId, bytes: Uint8Array): Node {
  const title = `${type} node ${toHex(id).slice(0, 16)}`
  const reader = new ByteReader(bytes, title)
  if (bytes.length > TREE_NODE_BYTES_MAX) reader.fail('node too large')
  const version = reader.u8()
  if (version !== NODE_VERSION) {
    throw new VaultError(version > NODE_VERSION ? 'vault-newer' : 'vault-damaged', `${title}: version ${version}`)
  }
  const level = reader.u8()
  if (level > NODE_LEVELS_MAX) reader.fail('too many levels')
  const count = reader.varint(reader.remaining)
  const children: NodeChild[] = []
  if (level > 0) {
    if (count === 0) reader.fail('inner node without children')
    for (let i = 0; i < count; i++) {
      const key = reader.bytes(CHILD_KEY_BYTES_MAX)
      const before = children.at(-1)
      if (before && Buffer.compare(before.key, key) >= 0) reader.fail('children not ascending')
      children.push({ key, id: blobId(reader.raw(BLOB_ID_BYTES)), total: reader.bytes(64) })
    }
    reader.end()
  }
  return { level, elements: reader, count, children }
}

/** Walks the leaves below `root` in order, depth first; a child's level must be below its parent's, so no cycle can be. */
export async function* leaves(
  loader: BlobLoader, type: BlobType, root: BlobId, visit?: (id: BlobId) => void, levelMax = NODE_LEVELS_MAX,
): AsyncGenerator<Node> {
  visit?.(root)
  const node = readNode(type, root, await loader.load(type, root))
  if (node.level > levelMax) node.elements.fail('node level does not descend')
  if (node.level === 0) {
    yield node
    return
  }
  for (const child of node.children) yield* leaves(loader, type, child.id, visit, node.level - 1)
}

/** The child of an inner node below which `key` lies, if anywhere. */
export function childFor(node: Node, key: Uint8Array): NodeChild {
  let chosen = node.children[0]
  for (const child of node.children) {
    if (Buffer.compare(child.key, key) > 0) break
    chosen = child
  }
  return chosen ?? node.elements.fail('inner node without children')
}

/** The leaf below `root` that holds `key` if any does. */
export async function leafFor(loader: BlobLoader, type: BlobType, root: BlobId, key: Uint8Array): Promise<Node> {
  let id = root
  let levelMax = NODE_LEVELS_MAX
  for (;;) {
    const node = readNode(type, id, await loader.load(type, id))
    if (node.level > levelMax) node.elements.fail('node level does not descend')
    if (node.level === 0) return node
    id = childFor(node, key).id
    levelMax = node.level - 1
  }
}
