// Stores a directory as it lies on disk, without the archiver: fixed chunks, one thread.
import { closeSync, readlinkSync, readSync } from 'node:fs'
import { childPath, listDirectory, openDirectory, openDirectoryNoFollow, selfPath } from '../../src/posix/directories.ts'
import { openFileForRead } from '../../src/posix/files.ts'
import { dataRanges } from '../../src/posix/holes.ts'
import { fileStat, readStatAt, type FileStat } from '../../src/posix/stat.ts'
import { getXattr, listXattrs } from '../../src/posix/xattrs.ts'
import { encodeXattrs, INLINE_XATTR_BYTES_MAX } from '../../src/tree/entry-codec.ts'
import type { Attributes, ContentItem, Entry, Inode, LinkRecord, Xattr } from '../../src/tree/entry.ts'
import { saveLinkTable } from '../../src/tree/link-table.ts'
import { contentOf, storeDirectory, type StoredTree, type TestVault } from './tree-maker.ts'

/** Stores the tree at `path`; `inode` is its top directory. */
export async function storeFromDisk(
  vault: TestVault, path: string, chunkBytes = 1024 * 1024,
): Promise<StoredTree & { readonly inode: Inode }> {
  const walk = new DiskWalk(vault, chunkBytes)
  const fd = openDirectory(Buffer.from(path))
  try {
    const stored = await walk.directory(fd)
    const inode: Inode = { ...walk.attributes(fileStat(fd), selfPath(fd)), kind: 'directory', ...stored }
    const links = saveLinkTable(vault, [...walk.links.values()].sort((a, b) => (a.link < b.link ? -1 : 1)))
    await vault.flush()
    return { tree: stored.tree, inode, ...(links ? { links } : {}) }
  } finally {
    closeSync(fd)
  }
}

class DiskWalk {
  readonly links = new Map<bigint, LinkRecord>()
  readonly #vault: TestVault
  readonly #buffer: Buffer

  constructor(vault: TestVault, chunkBytes: number) {
    this.#vault = vault
    this.#buffer = Buffer.alloc(chunkBytes)
  }

  async directory(fd: number): Promise<ReturnType<typeof storeDirectory>> {
    const entries: Entry[] = []
    for (const name of listDirectory(selfPath(fd))) {
      const stat = readStatAt(fd, name)
      await this.#vault.storeFull()
      if (stat.type !== 'directory' && stat.nlink > 1) {
        const inode = this.links.get(stat.ino)?.inode ?? (await this.#inode(fd, name, stat))
        this.links.set(stat.ino, { link: stat.ino, nlink: stat.nlink, parents: [], inode })
        entries.push({ name, isLocked: false, linkKind: inode.kind, link: stat.ino, linkSize: stat.type === 'file' ? stat.sizeBytes : 0 })
      } else entries.push({ name, isLocked: false, inode: await this.#inode(fd, name, stat) })
    }
    return storeDirectory(this.#vault, entries)
  }

  async #inode(fd: number, name: Uint8Array, stat: FileStat): Promise<Inode> {
    const path = childPath(fd, name)
    const attributes = this.attributes(stat, path)
    switch (stat.type) {
      case 'directory': {
        const child = openDirectoryNoFollow(fd, name)
        try {
          return { ...attributes, kind: 'directory', ...(await this.directory(child)) }
        } finally {
          closeSync(child)
        }
      }
      case 'file': {
        const items = this.#items(path, stat.sizeBytes)
        const isSparse = stat.blocks512 * 512 < stat.sizeBytes
        return { ...attributes, kind: 'file', size: stat.sizeBytes, isSparse, content: contentOf(this.#vault, items, false) }
      }
      case 'symlink': return { ...attributes, kind: 'symlink', target: readlinkSync(path, { encoding: 'buffer' }) }
      case 'char':
      case 'block': return { ...attributes, kind: stat.type, major: stat.rdevMajor, minor: stat.rdevMinor }
      default: return { ...attributes, kind: stat.type }
    }
  }

  attributes(stat: FileStat, path: Uint8Array): Attributes {
    const { mode, uid, gid } = stat
    const nanos = ((stat.mtimeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
    const xattrs = listXattrs(path).map((name): Xattr => ({ name, value: getXattr(path, name) ?? new Uint8Array(0) }))
    const encoded = encodeXattrs(xattrs)
    return {
      mode, uid, gid, user: '', group: '',
      mtimeSeconds: Number((stat.mtimeNs - nanos) / 1_000_000_000n), mtimeNanos: Number(nanos),
      xattrs: encoded.length > INLINE_XATTR_BYTES_MAX ? { blob: this.#vault.save('xattr', encoded) } : xattrs,
    }
  }

  #items(path: Uint8Array, sizeBytes: number): ContentItem[] {
    const items: ContentItem[] = []
    const fd = openFileForRead(path)
    let at = 0
    const hole = (end: number): void => {
      if (end > at) items.push({ length: end - at })
      at = Math.max(at, end)
    }
    try {
      for (const { offset, length } of dataRanges(fd, sizeBytes)) {
        hole(offset)
        while (at < offset + length) {
          const wanted = Math.min(this.#buffer.length, offset + length - at)
          const count = readSync(fd, this.#buffer, 0, wanted, at)
          if (count === 0) throw new Error('the file became shorter')
          items.push({ length: count, id: this.#vault.save('data', this.#buffer.subarray(0, count)) })
          at += count
        }
      }
      hole(sizeBytes)
    } finally {
      closeSync(fd)
    }
    return items
  }
}
