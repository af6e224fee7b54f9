// The nodes that the kernel knows: 48 bytes each, since a walk over a million files makes a million of them and the kernel
// gives few back. A node says where its entry stands (directory, leaf, place in it), not what it says.
//
// Node id := generation * 2^32 + slot. Slots are used again, ids never. A node stays while the kernel holds references to it
// or a child needs it to be found.
import { assert } from '../errors/assert.ts'
import { ROOT_NODE, type NodeId } from '../fuse/file-system.ts'

const TWO_32 = 2 ** 32
/** Ids stay below 2^53. */
const GENERATION_MAX = 2 ** 21 - 1
const SLOTS_FIRST = 1024
const ROOT_SLOT = ROOT_NODE
const NONE = 0

/** Where a node's entry stands. */
export interface Position {
  readonly parent: number
  /** Number of the snapshot that it belongs to. */
  readonly view: number
  /** Leaf of the parent's directory, and entry in it. */
  readonly leaf: number
  readonly index: number
}

export class NodeTable {
  #capacity = SLOTS_FIRST
  #inodes = new BigUint64Array(SLOTS_FIRST)
  #parents = new Uint32Array(SLOTS_FIRST)
  #views = new Uint32Array(SLOTS_FIRST)
  #leaves = new Uint32Array(SLOTS_FIRST)
  #indices = new Uint32Array(SLOTS_FIRST)
  #references = new Uint32Array(SLOTS_FIRST)
  #children = new Uint32Array(SLOTS_FIRST)
  #generations = new Uint32Array(SLOTS_FIRST)
  /** Slots by inode number: open addressing, at most half full. */
  #buckets = new Uint32Array(SLOTS_FIRST * 2)
  readonly #free: number[] = []
  #slotEnd = ROOT_SLOT + 1
  #count = 1

  /** The root is there from the start, for ever. */
  constructor(rootInode: bigint) {
    this.#inodes[ROOT_SLOT] = rootInode
    this.#references[ROOT_SLOT] = 1
    this.#insert(ROOT_SLOT)
  }

  /** Nodes that are held, the root included. */
  get count(): number {
    return this.#count
  }

  /** Slot of a node, undefined when there is none (any more). */
  slotOf(node: NodeId): number | undefined {
    const slot = node % TWO_32
    if (slot >= this.#slotEnd || this.#generations[slot] !== Math.floor(node / TWO_32)) return undefined
    return this.#isUsed(slot) ? slot : undefined
  }

  idOf(slot: number): NodeId {
    return (this.#generations[slot] ?? 0) * TWO_32 + slot
  }

  inodeOf(slot: number): bigint {
    return this.#inodes[slot] ?? 0n
  }

  positionOf(slot: number): Position {
    return {
      parent: this.#parents[slot] ?? 0, view: this.#views[slot] ?? 0,
      leaf: this.#leaves[slot] ?? 0, index: this.#indices[slot] ?? 0,
    }
  }

  parentOf(slot: number): number {
    return slot === ROOT_SLOT ? ROOT_SLOT : (this.#parents[slot] ?? ROOT_SLOT)
  }

  viewOf(slot: number): number {
    return this.#views[slot] ?? 0
  }

  /** Slot of the node with this inode number, if the kernel knows it. */
  find(inode: bigint): number | undefined {
    const mask = this.#buckets.length - 1
    for (let bucket = hash(inode) & mask; ; bucket = (bucket + 1) & mask) {
      const slot = this.#buckets[bucket] ?? NONE
      if (slot === NONE) return undefined
      if (this.#inodes[slot] === inode) return slot
    }
  }

  /** Makes a node, which the caller then refers to. */
  add(inode: bigint, { parent, view, leaf, index }: Position): number {
    const slot = this.#free.pop() ?? this.#newSlot()
    this.#inodes[slot] = inode
    this.#parents[slot] = parent
    this.#views[slot] = view
    this.#leaves[slot] = leaf
    this.#indices[slot] = index
    this.#references[slot] = 0
    this.#children[slot] = 0
    this.#children[parent] = (this.#children[parent] ?? 0) + 1
    this.#count++
    if (this.#count * 2 > this.#buckets.length) this.#rehash()
    this.#insert(slot)
    return slot
  }

  refer(slot: number): void {
    this.#references[slot] = (this.#references[slot] ?? 0) + 1
  }

  /** Takes references back; returns the slots that became free. */
  forget(slot: number, count: number): number[] {
    if (slot === ROOT_SLOT) return []
    const references = this.#references[slot] ?? 0
    this.#references[slot] = Math.max(0, references - count)
    const freed: number[] = []
    for (let current = slot; current !== ROOT_SLOT && !this.#isUsed(current);) {
      const parent = this.#parents[current] ?? ROOT_SLOT
      this.#remove(current)
      freed.push(current)
      this.#children[parent] = (this.#children[parent] ?? 1) - 1
      current = parent
    }
    return freed
  }

  #isUsed(slot: number): boolean {
    return (this.#references[slot] ?? 0) > 0 || (this.#children[slot] ?? 0) > 0
  }

  #newSlot(): number {
    if (this.#slotEnd === this.#capacity) this.#grow()
    return this.#slotEnd++
  }

  #grow(): void {
    this.#capacity *= 2
    const grown = (old: Uint32Array): Uint32Array<ArrayBuffer> => {
      const array = new Uint32Array(this.#capacity)
      array.set(old)
      return array
    }
    const inodes = new BigUint64Array(this.#capacity)
    inodes.set(this.#inodes)
    this.#inodes = inodes
    this.#parents = grown(this.#parents)
    this.#views = grown(this.#views)
    this.#leaves = grown(this.#leaves)
    this.#indices = grown(this.#indices)
    this.#references = grown(this.#references)
    this.#children = grown(this.#children)
    this.#generations = grown(this.#generations)
  }

  #insert(slot: number): void {
    const mask = this.#buckets.length - 1
    let bucket = hash(this.#inodes[slot] ?? 0n) & mask
    while (this.#buckets[bucket] !== NONE) bucket = (bucket + 1) & mask
    this.#buckets[bucket] = slot
  }

  #rehash(): void {
    const slots = this.#buckets.filter((slot) => slot !== NONE)
    this.#buckets = new Uint32Array(this.#buckets.length * 2)
    for (const slot of slots) this.#insert(slot)
  }

  #remove(slot: number): void {
    this.#removeBucket(slot)
    this.#count--
    const generation = (this.#generations[slot] ?? 0) + 1
    // A slot that has used up its generations is left alone: an id must never come again.
    if (generation > GENERATION_MAX) return
    this.#generations[slot] = generation
    this.#free.push(slot)
  }

  /** Knuth 6.4, algorithm R: entries behind the gap move into it where they may. */
  #removeBucket(slot: number): void {
    const mask = this.#buckets.length - 1
    let gap = hash(this.#inodes[slot] ?? 0n) & mask
    while (this.#buckets[gap] !== slot) {
      assert(this.#buckets[gap] !== NONE, 'a node that is in the table')
      gap = (gap + 1) & mask
    }
    for (let bucket = (gap + 1) & mask; ; bucket = (bucket + 1) & mask) {
      const other = this.#buckets[bucket] ?? NONE
      if (other === NONE) break
      const home = hash(this.#inodes[other] ?? 0n) & mask
      // Stays when its home lies cyclically behind the gap.
      if (((bucket - home) & mask) < ((bucket - gap) & mask)) continue
      this.#buckets[gap] = other
      gap = bucket
    }
    this.#buckets[gap] = NONE
  }
}

/** Inode numbers are hashes already, save small ones. */
const hash = (inode: bigint): number => Number(inode & 0xffff_ffffn)
