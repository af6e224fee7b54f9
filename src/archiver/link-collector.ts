// Gathers the inodes that have several names. The first name met gives the link id, so that it is the same in every run
// and on every host; the others only refer to it.
import { PARENTS_MAX } from '../tree/entry-codec.ts'
import { childInode } from '../tree/inode-number.ts'
import type { Entry, Inode, LinkRecord } from '../tree/entry.ts'
import type { FileStat } from '../posix/stat.ts'

/** Undefined: its reading failed, and every name of it is left out. */
export type LinkedInode = Promise<Inode | undefined>

interface Link {
  readonly id: bigint
  readonly inode: LinkedInode
  readonly parents: Set<bigint>
  names: number
}

export class LinkCollector {
  readonly #inodeKey: Uint8Array
  readonly #links = new Map<string, Link>()
  readonly #ids = new Set<bigint>()

  constructor(inodeKey: Uint8Array) {
    this.#inodeKey = inodeKey
  }

  /** Notes one name; `read` is called for the first name of an inode only. */
  async entry(
    stat: FileStat, parent: bigint, name: Uint8Array, read: () => LinkedInode,
  ): Promise<Entry | undefined> {
    const key = `${stat.dev}:${stat.ino}`
    let link = this.#links.get(key)
    if (!link) {
      let id = childInode(this.#inodeKey, parent, name)
      while (this.#ids.has(id)) id = BigInt.asUintN(64, id + 1n)
      this.#ids.add(id)
      link = { id, inode: read(), parents: new Set(), names: 0 }
      this.#links.set(key, link)
    }
    const { id, inode, parents } = link
    const known = await inode
    if (!known) return undefined
    link.names++
    parents.add(parent)
    return { name, isLocked: false, link: id, linkKind: known.kind, linkSize: known.kind === 'file' ? known.size : 0 }
  }

  async records(): Promise<LinkRecord[]> {
    const records: LinkRecord[] = []
    for (const { id, inode, parents, names } of this.#links.values()) {
      const read = await inode
      if (!read || names === 0) continue
      const ascending = [...parents].sort((a, b) => (a < b ? -1 : 1)).slice(0, PARENTS_MAX)
      records.push({ link: id, nlink: names, parents: ascending, inode: read })
    }
    return records
  }
}
