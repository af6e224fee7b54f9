// Gathers the inodes that have several names. The first name met gives the link id, so that it is the same in every run
// and on every host; the others only refer to it.
import { PARENTS_MAX } from '../tree/entry-codec.ts'
import { childInode } from '../tree/inode-number.ts'
import type { Entry, Inode, LinkRecord } from '../tree/entry.ts'
import type { FileStat } from '../posix/stat.ts'

/** Undefined: its reading failed, which was reported with the name that was tried. */
export type LinkedInode = Promise<Inode | undefined>

interface Link {
  readonly id: bigint
  readonly inode: LinkedInode
  /** To tell an inode number that was given to another file meanwhile; ctime changes with every name. */
  readonly size: number
  readonly mtimeNs: bigint
  readonly parents: Set<bigint>
  names: number
}

export class LinkCollector {
  readonly #inodeKey: Uint8Array
  readonly #current = new Map<string, Link>()
  readonly #all = new Map<bigint, Link>()

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
    const key = `${stat.dev}:${stat.ino}`
    for (;;) {
      const known = this.#current.get(key)
      const isSame = known !== undefined && known.size === stat.sizeBytes && known.mtimeNs === stat.mtimeNs
      const link = isSame ? known : this.#begin(key, stat, parent, name, read())
      const inode = await link.inode
      if (inode) {
        link.names++
        link.parents.add(parent)
        return {
          name, isLocked: false, link: link.id, linkKind: inode.kind, linkSize: inode.kind === 'file' ? inode.size : 0,
        }
      }
      if (this.#current.get(key) === link) this.#current.delete(key)
      if (!isSame) return undefined
    }
  }

  #begin(key: string, stat: FileStat, parent: bigint, name: Uint8Array, inode: LinkedInode): Link {
    let id = childInode(this.#inodeKey, parent, name)
    while (this.#all.has(id)) id = BigInt.asUintN(64, id + 1n)
    const link = { id, inode, size: stat.sizeBytes, mtimeNs: stat.mtimeNs, parents: new Set<bigint>(), names: 0 }
    this.#current.set(key, link)
    this.#all.set(id, link)
    return link
  }

  async records(): Promise<LinkRecord[]> {
    const records: LinkRecord[] = []
    for (const { id, inode, parents, names } of this.#all.values()) {
      const read = await inode
      if (!read || names === 0) continue
      const ascending = [...parents].sort((a, b) => (a < b ? -1 : 1)).slice(0, PARENTS_MAX)
      records.push({ link: id, nlink: names, parents: ascending, inode: read })
    }
    return records
  }
}
