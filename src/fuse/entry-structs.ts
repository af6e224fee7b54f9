// The structs that tell of inodes and names: fuse_attr, fuse_entry_out, fuse_attr_out, fuse_dirent, fuse_direntplus.
import {
  NODE_TYPES, type Absence, type Attributes, type DirectorySink, type Entry, type NodeId, type NodeType, type Timed,
} from './file-system.ts'
import { StructWriter } from './struct-writer.ts'

/** st_blksize. Not more than a page: i_blkbits of the kernel's inode follows it. */
const BLOCK_BYTES = 4096
const ENTRY_OUT_BYTES = 128
const DIRENT_HEAD_BYTES = 24

/** The 32-bit form that the kernel's new_decode_dev takes (linux/kdev_t.h). */
const encodedDevice = (major: number, minor: number): number =>
  ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0

export function writeAttributes(writer: StructWriter, attributes: Attributes): void {
  const { inode, type, mode, links, uid, gid, sizeBytes, blocks512, atime, mtime, ctime } = attributes
  writer.bigU64(inode).u64(sizeBytes).u64(blocks512)
    .u64(atime.seconds).u64(mtime.seconds).u64(ctime.seconds)
    .u32(atime.nanos).u32(mtime.nanos).u32(ctime.nanos)
    .u32(NODE_TYPES[type] | mode).u32(links).u32(uid).u32(gid)
    .u32(encodedDevice(attributes.deviceMajor, attributes.deviceMinor)).u32(BLOCK_BYTES).u32(0)
}

const seconds = (ms: number): number => Math.floor(ms / 1000)
const restNanos = (ms: number): number => Math.floor((ms % 1000) * 1e6)

export function writeEntry(writer: StructWriter, entry: Entry | Absence): void {
  const { entryValidMs } = entry
  if (entry.node === undefined) {
    // A nodeid of 0 with a validity: the kernel remembers that there is nothing.
    writer.u64(0).u64(0).u64(seconds(entryValidMs)).u64(0).u32(restNanos(entryValidMs)).u32(0).zeros(88)
    return
  }
  const { attributesValidMs } = entry
  writer.u64(entry.node).u64(0) // generation: node ids are never used again
    .u64(seconds(entryValidMs)).u64(seconds(attributesValidMs))
    .u32(restNanos(entryValidMs)).u32(restNanos(attributesValidMs))
  writeAttributes(writer, entry.attributes)
}

export function writeAttrOut(writer: StructWriter, { value, validMs }: Timed<Attributes>): void {
  writer.u64(seconds(validMs)).u32(restNanos(validMs)).u32(0)
  writeAttributes(writer, value)
}

const aligned = (bytes: number): number => (bytes + 7) & ~7

/** The entries of one READDIR or READDIRPLUS reply. */
export class DirectoryReply implements DirectorySink {
  readonly wantsEntries: boolean
  /** Nodes that the reply holds a reference to. */
  readonly references: NodeId[] = []
  readonly #writer: StructWriter

  constructor(sizeBytes: number, wantsEntries: boolean) {
    this.wantsEntries = wantsEntries
    this.#writer = new StructWriter(sizeBytes)
  }

  get bytes(): Uint8Array {
    return this.#writer.view()
  }

  hasRoom(nameBytes: number): boolean {
    return this.#writer.room >= (this.wantsEntries ? ENTRY_OUT_BYTES : 0) + aligned(DIRENT_HEAD_BYTES + nameBytes)
  }

  addName(name: Uint8Array, inode: bigint, type: NodeType, cookie: number): void {
    if (this.wantsEntries) {
      this.#writer.zeros(40).bigU64(inode).zeros(ENTRY_OUT_BYTES - 48) // nodeid 0: no attributes, no reference
    }
    this.#dirent(name, inode, type, cookie)
  }

  addEntry(name: Uint8Array, entry: Entry, cookie: number): void {
    writeEntry(this.#writer, entry)
    this.references.push(entry.node)
    this.#dirent(name, entry.attributes.inode, entry.attributes.type, cookie)
  }

  #dirent(name: Uint8Array, inode: bigint, type: NodeType, cookie: number): void {
    const length = DIRENT_HEAD_BYTES + name.length
    this.#writer.bigU64(inode).u64(cookie).u32(name.length).u32(NODE_TYPES[type] >>> 12).raw(name)
      .zeros(aligned(length) - length)
  }
}
