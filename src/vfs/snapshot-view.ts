// One snapshot as the file system shows it.
import type { BlobId } from '../ids/ids.ts'
import { childInode, ROOT_INODE } from '../tree/inode-number.ts'

/** What is known of a snapshot before anything of it is read. */
export interface ShownSnapshot {
  /** Its directory's name; unique. */
  readonly name: string
  readonly tree: Uint8Array
  readonly links: Uint8Array | undefined
  /** When it was made, in seconds. */
  readonly timeSeconds: number
  /** Logical bytes and entries of it; 0 when unknown. */
  readonly bytes: number
  readonly entries: number
}

const SLASH = 0x2f

export class SnapshotView {
  readonly snapshot: ShownSnapshot
  /** Of the snapshot's top directory. */
  readonly rootInode: bigint
  readonly #inodeKey: Uint8Array

  /**
   * Numbers start from `rootInode`: 1 gives those of the format. Where several snapshots are in one mount each starts from
   * its own, or tools would take a file of two snapshots for one with two names.
   */
  constructor(snapshot: ShownSnapshot, rootInode: bigint, inodeKey: Uint8Array) {
    this.snapshot = snapshot
    this.rootInode = rootInode
    this.#inodeKey = inodeKey
  }

  get tree(): BlobId {
    return this.snapshot.tree as BlobId
  }

  get links(): BlobId | undefined {
    return this.snapshot.links as BlobId | undefined
  }

  childInode(parent: bigint, name: Uint8Array): bigint {
    return childInode(this.#inodeKey, parent, name)
  }

  /** Number of an inode whose number is stored: a link's, or one that was renamed. */
  storedInode(number: bigint): bigint {
    if (this.rootInode === ROOT_INODE) return number
    // No file name has a slash: never a child's number.
    const name = Buffer.alloc(9, SLASH)
    name.writeBigUInt64LE(number, 1)
    return childInode(this.#inodeKey, this.rootInode, name)
  }
}
