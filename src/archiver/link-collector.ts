// Gathers the inodes that have several names. The first name met gives the link id, so that it is the same in every run
// and on every host; the others only refer to it.
import { assert } from '../errors/assert.ts'
import type { FileStat } from '../posix/stat.ts'
import { decodeInode, PARENTS_MAX } from '../tree/entry-codec.ts'
import type { Entry, LinkRecord } from '../tree/entry.ts'
import { childInode } from '../tree/inode-number.ts'
import { LinkRows } from './link-rows.ts'
import type { ReadyEntry } from './open-directory.ts'

/** The entry of the name that was tried; undefined: its reading failed, which was reported with that name. */
export type LinkedInode = Promise<Pick<ReadyEntry, 'encoded'> | undefined>

export class LinkCollector {
  readonly #inodeKey: Uint8Array
  readonly #rows = new LinkRows()
  /** Rows whose inode is being read. */
  readonly #pending = new Map<number, Promise<void>>()

  constructor(inodeKey: Uint8Array) {
    this.#inodeKey = inodeKey
  }

  /**
   * Notes one name; `read` is called for the first name of an inode. When that name cannot be read (it was a temporary one,
   * say) the next one is: undefined is given only for a name whose own reading failed.
   */
  async entry(
    stat: FileStat, parent: bigint, name: Uint8Array, read: () => LinkedInode,
  ): Promise<Entry | undefined> {
    for (;;) {
      const known = this.#rows.find(stat)
      const row = known ?? this.#begin(stat, parent, name, read)
      await this.#pending.get(row)
      const stored = this.#rows.stored(row)
      if (stored) {
        this.#rows.addName(row, parent)
        return { name, isLocked: false, link: this.#rows.id(row), linkKind: stored.kind, linkSize: stored.linkSize }
      }
      if (known === undefined) return undefined
    }
  }

  #begin(stat: FileStat, parent: bigint, name: Uint8Array, read: () => LinkedInode): number {
    let id = childInode(this.#inodeKey, parent, name)
    while (this.#rows.hasId(id)) id = BigInt.asUintN(64, id + 1n)
    const row = this.#rows.add(stat, id)
    this.#pending.set(row, this.#fill(row, read))
    return row
  }

  async #fill(row: number, read: () => LinkedInode): Promise<void> {
    const made = await read()
    if (made) {
      const { inode } = decodeInode(made.encoded)
      this.#rows.store(row, made.encoded, inode.kind, inode.kind === 'file' ? inode.size : 0)
    } else this.#rows.fail(row)
    this.#pending.delete(row)
  }

  /** In ascending order of ids, once all names are noted and read. One at a time: a decoded record takes a kilobyte. */
  *records(): Generator<LinkRecord> {
    for (const link of this.#rows.ids()) {
      const row = this.#rows.rowOf(link)
      assert(row !== undefined && !this.#pending.has(row), 'every linked inode has been read')
      const nlink = this.#rows.names(row)
      if (nlink === 0) continue
      const { inode } = decodeInode(this.#rows.encoded(row))
      yield { link, nlink, parents: this.#rows.parentsOf(row).slice(0, PARENTS_MAX), inode }
    }
  }
}
