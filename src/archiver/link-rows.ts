// What is known of each inode with several names, in typed arrays: about 100 bytes a row and its encoded entry, where
// objects in maps took 1.2 KB. Rows are never removed; memory grows by chunks, so nothing large is copied but the two tables.
import { assert } from '../errors/assert.ts'
import { INODE_KINDS, type InodeKind } from '../tree/entry.ts'

const CHUNK_ROWS = 1 << 14
const BLOCK_BYTES = 1 << 20
/** An entry larger than this gets a block of its own, so that no block is left half empty. */
const SHARED_BYTES_MAX = 1 << 16
const TABLE_SLOTS_FIRST = 1024
const NONE = -1
/** `kinds` of a row: not read yet, or its reading failed; else the number of the inode's kind. */
const UNREAD = 0
const FAILED = 255

const KIND_NAMES = new Map((Object.keys(INODE_KINDS) as InodeKind[]).map((kind) => [INODE_KINDS[kind] as number, kind]))

/** One inode as stat(2) tells it from others, also from one that was given its number later. */
export interface InodeIdentity {
  readonly dev: bigint
  readonly ino: bigint
  readonly sizeBytes: number
  readonly mtimeNs: bigint
}

class RowChunk {
  readonly ids = new BigUint64Array(CHUNK_ROWS)
  readonly inodes = new BigUint64Array(CHUNK_ROWS)
  readonly mtimes = new BigInt64Array(CHUNK_ROWS)
  readonly sizes = new Float64Array(CHUNK_ROWS)
  readonly linkSizes = new Float64Array(CHUNK_ROWS)
  readonly devices = new Uint32Array(CHUNK_ROWS)
  readonly names = new Uint32Array(CHUNK_ROWS)
  /** Newest node in the list of parents. */
  readonly parents = new Int32Array(CHUNK_ROWS).fill(NONE)
  readonly blocks = new Uint32Array(CHUNK_ROWS)
  readonly offsets = new Uint32Array(CHUNK_ROWS)
  readonly lengths = new Uint32Array(CHUNK_ROWS)
  readonly kinds = new Uint8Array(CHUNK_ROWS)
}

class ParentChunk {
  readonly parents = new BigUint64Array(CHUNK_ROWS)
  readonly before = new Int32Array(CHUNK_ROWS)
}

const at = (row: number): number => row & (CHUNK_ROWS - 1)
const low = (value: bigint): number => Number(value & 0xffff_ffffn)
const mixed = (a: number, b: number): number => {
  const hash = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b)
  return (hash ^ (hash >>> 15)) >>> 0
}

/** Row numbers by a hash; what a row is called is asked of the caller. Open addressing, at most three quarters filled. */
class RowTable {
  #slots = new Int32Array(TABLE_SLOTS_FIRST).fill(NONE)
  #count = 0
  readonly #hashOf: (row: number) => number

  constructor(hashOf: (row: number) => number) {
    this.#hashOf = hashOf
  }

  find(hash: number, isIt: (row: number) => boolean): number {
    return this.#slots[this.#slotOf(hash, isIt)] ?? NONE
  }

  /** Enters `row`, in place of the one that `isIt` accepts if there is one. */
  set(hash: number, row: number, isIt: (row: number) => boolean): void {
    if (this.#count * 4 >= this.#slots.length * 3) this.#grow()
    const slot = this.#slotOf(hash, isIt)
    if (this.#slots[slot] === NONE) this.#count++
    this.#slots[slot] = row
  }

  #slotOf(hash: number, isIt: (row: number) => boolean): number {
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot] ?? NONE
      if (row === NONE || isIt(row)) return slot
    }
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Int32Array(old.length * 2).fill(NONE)
    for (const row of old) if (row !== NONE) this.#slots[this.#slotOf(this.#hashOf(row), () => false)] = row
  }
}

export class LinkRows {
  readonly #chunks: RowChunk[] = []
  readonly #parents: ParentChunk[] = []
  readonly #blocks: Uint8Array[] = []
  #blockFree = 0
  #rowCount = 0
  #parentCount = 0
  readonly #deviceNumbers = new Map<bigint, number>()
  readonly #byInode = new RowTable((row) => this.#inodeHash(this.#chunk(row).inodes[at(row)] ?? 0n, this.#chunk(row).devices[at(row)] ?? 0))
  readonly #byId = new RowTable((row) => low(this.id(row)))

  #chunk(row: number): RowChunk {
    const chunk = this.#chunks[row >>> 14]
    assert(chunk, 'a row that there is')
    return chunk
  }

  #inodeHash(ino: bigint, device: number): number {
    return mixed(low(ino) ^ low(ino >> 32n), device)
  }

  #deviceNumber(dev: bigint): number {
    const known = this.#deviceNumbers.get(dev)
    if (known !== undefined) return known
    this.#deviceNumbers.set(dev, this.#deviceNumbers.size)
    return this.#deviceNumbers.size - 1
  }

  #isInode(ino: bigint, device: number): (row: number) => boolean {
    return (row) => {
      const chunk = this.#chunk(row)
      return chunk.inodes[at(row)] === ino && chunk.devices[at(row)] === device
    }
  }

  /** The latest row of an inode number, if it is still this inode and its reading has not failed. */
  find({ dev, ino, sizeBytes, mtimeNs }: InodeIdentity): number | undefined {
    const device = this.#deviceNumber(dev)
    const inode = BigInt.asUintN(64, ino)
    const row = this.#byInode.find(this.#inodeHash(inode, device), this.#isInode(inode, device))
    if (row === NONE) return undefined
    const chunk = this.#chunk(row)
    const isSame = chunk.sizes[at(row)] === sizeBytes && chunk.mtimes[at(row)] === BigInt.asIntN(64, mtimeNs)
    return isSame && chunk.kinds[at(row)] !== FAILED ? row : undefined
  }

  hasId(id: bigint): boolean {
    return this.rowOf(id) !== undefined
  }

  rowOf(id: bigint): number | undefined {
    const row = this.#byId.find(low(id), (other) => this.id(other) === id)
    return row === NONE ? undefined : row
  }

  /** A new row, called `id`, which no other is. From now on it stands for that inode number. */
  add({ dev, ino, sizeBytes, mtimeNs }: InodeIdentity, id: bigint): number {
    const row = this.#rowCount++
    if (at(row) === 0) this.#chunks.push(new RowChunk())
    const chunk = this.#chunk(row)
    const device = this.#deviceNumber(dev)
    const inode = BigInt.asUintN(64, ino)
    chunk.ids[at(row)] = id
    chunk.inodes[at(row)] = inode
    chunk.devices[at(row)] = device
    chunk.sizes[at(row)] = sizeBytes
    chunk.mtimes[at(row)] = BigInt.asIntN(64, mtimeNs)
    this.#byInode.set(this.#inodeHash(inode, device), row, this.#isInode(inode, device))
    this.#byId.set(low(id), row, () => false)
    return row
  }

  id(row: number): bigint {
    return this.#chunk(row).ids[at(row)] ?? 0n
  }

  /** Keeps a copy of its encoded entry. */
  store(row: number, encoded: Uint8Array, kind: InodeKind, linkSize: number): void {
    const chunk = this.#chunk(row)
    const isAlone = encoded.length > SHARED_BYTES_MAX
    let block = this.#blocks.at(-1)
    if (isAlone || !block || this.#blockFree + encoded.length > block.length) {
      block = new Uint8Array(isAlone ? encoded.length : BLOCK_BYTES)
      this.#blocks.push(block)
      this.#blockFree = 0
    }
    block.set(encoded, this.#blockFree)
    chunk.blocks[at(row)] = this.#blocks.length - 1
    chunk.offsets[at(row)] = this.#blockFree
    chunk.lengths[at(row)] = encoded.length
    chunk.linkSizes[at(row)] = linkSize
    chunk.kinds[at(row)] = INODE_KINDS[kind]
    this.#blockFree += encoded.length
  }

  fail(row: number): void {
    this.#chunk(row).kinds[at(row)] = FAILED
  }

  /** Kind and size, once it is stored. */
  stored(row: number): { readonly kind: InodeKind; readonly linkSize: number } | undefined {
    const chunk = this.#chunk(row)
    const kind = KIND_NAMES.get(chunk.kinds[at(row)] ?? UNREAD)
    return kind && { kind, linkSize: chunk.linkSizes[at(row)] ?? 0 }
  }

  encoded(row: number): Uint8Array {
    const chunk = this.#chunk(row)
    const offset = chunk.offsets[at(row)] ?? 0
    const block = this.#blocks[chunk.blocks[at(row)] ?? 0]
    assert(block, 'a row that is stored')
    return block.subarray(offset, offset + (chunk.lengths[at(row)] ?? 0))
  }

  addName(row: number, parent: bigint): void {
    const chunk = this.#chunk(row)
    chunk.names[at(row)] = (chunk.names[at(row)] ?? 0) + 1
    const newest = chunk.parents[at(row)] ?? NONE
    // Names of one directory mostly come one after another; what is listed twice all the same is sorted out at the end.
    if (newest !== NONE && this.#parents[newest >>> 14]?.parents[at(newest)] === parent) return
    const node = this.#parentCount++
    if (at(node) === 0) this.#parents.push(new ParentChunk())
    const nodes = this.#parents[node >>> 14]
    assert(nodes, 'a node that there is')
    nodes.parents[at(node)] = parent
    nodes.before[at(node)] = newest
    chunk.parents[at(row)] = node
  }

  names(row: number): number {
    return this.#chunk(row).names[at(row)] ?? 0
  }

  /** Each once, ascending. */
  parentsOf(row: number): bigint[] {
    const parents = new Set<bigint>()
    for (let node = this.#chunk(row).parents[at(row)] ?? NONE; node !== NONE;) {
      const nodes = this.#parents[node >>> 14]
      assert(nodes, 'a node that there is')
      parents.add(nodes.parents[at(node)] ?? 0n)
      node = nodes.before[at(node)] ?? NONE
    }
    return [...parents].sort((a, b) => (a < b ? -1 : 1))
  }

  /** Ids of all rows, ascending. */
  ids(): BigUint64Array {
    const ids = new BigUint64Array(this.#rowCount)
    for (let row = 0; row < this.#rowCount; row++) ids[row] = this.id(row)
    return ids.sort()
  }
}
