// fuse: a file system as the Linux kernel asks for it, over /dev/fuse, without libfuse. This folder knows the kernel's
// protocol (include/uapi/linux/fuse.h) and how to mount; it knows nothing of vaults. What it serves is this interface.
//
// Floors: struct-reader, struct-writer, entry-structs (bytes of the protocol); initialization (INIT); handlers (one function
// an opcode); session (requests under way, interrupts, replies); event-loop (the thread that reads the device); kernel-mount
// and fusermount (how to get a device).
//
// Rules that the kernel sets, and that are easily broken:
// - every entry given out (lookup, and each of a READDIRPLUS but `.` and `..`) holds one reference to its node until FORGET;
// - ENOSYS is remembered for the whole connection: never for one file only;
// - never touch the mounted tree from the thread that serves it: it would wait for itself;
// - never write a notification from that thread either (notifications.ts).
import { constants } from 'node:os'

export const { errno } = constants

/** What the kernel calls a nodeid: an integer up to 2^53 that never means two things during a mount. */
export type NodeId = number
/** The root's, by the protocol (FUSE_ROOT_ID). */
export const ROOT_NODE: NodeId = 1

/** An errno for the caller, and nothing else worth telling. */
export class FileSystemError extends Error {
  readonly errno: number

  constructor(code: number, message: string) {
    super(message)
    this.name = 'FileSystemError'
    this.errno = code
  }
}

/** Begins to wait; `resume` is to be called once, later and never from within. */
export type Wait = (resume: () => void) => void

/**
 * An operation runs in the one thread that reads the device. It goes on until it yields what it must wait for; others run
 * meanwhile. What it throws becomes an errno: a FileSystemError its own, anything else EIO and a report.
 */
export type Operation<Result> = Generator<Wait, Result, void>

/** Since 1970; negative before, nanoseconds 0 to 999,999,999. */
export interface Time {
  readonly seconds: number
  readonly nanos: number
}

export const NODE_TYPES = {
  fifo: 0o010000, char: 0o020000, directory: 0o040000, block: 0o060000, file: 0o100000, symlink: 0o120000, socket: 0o140000,
} as const
export type NodeType = keyof typeof NODE_TYPES

export interface Attributes {
  /** What stat shows as st_ino. */
  readonly inode: bigint
  readonly type: NodeType
  /** 12 bits. */
  readonly mode: number
  readonly links: number
  readonly uid: number
  readonly gid: number
  /** Of a symlink the length of its target: the kernel caches no more than that. */
  readonly sizeBytes: number
  /** Allocated, in units of 512 bytes. */
  readonly blocks512: number
  readonly atime: Time
  readonly mtime: Time
  readonly ctime: Time
  /** Of char and block devices; else 0. */
  readonly deviceMajor: number
  readonly deviceMinor: number
}

export interface Timed<Value> {
  readonly value: Value
  /** How long the kernel need not ask again. */
  readonly validMs: number
}

export interface Entry {
  readonly node: NodeId
  readonly attributes: Attributes
  /** How long the name leads here, and how long the attributes hold. */
  readonly entryValidMs: number
  readonly attributesValidMs: number
}

/** No such name, for as long as that. */
export interface Absence {
  readonly node: undefined
  readonly entryValidMs: number
}

/** Who asks. */
export interface Caller {
  readonly uid: number
  readonly gid: number
  /** Thread id; 0 when it is of a namespace that is not ours. */
  readonly pid: number
}

/** Takes directory entries until it is full. */
export interface DirectorySink {
  /** True when `addEntry` is wanted instead of `addName` (READDIRPLUS). */
  readonly wantsEntries: boolean
  /** Asked before an entry is made, so that none is made in vain. */
  hasRoom(nameBytes: number): boolean
  /** `cookie` is where a later call goes on behind this name. */
  addName(name: Uint8Array, inode: bigint, type: NodeType, cookie: number): void
  /** Not for `.` and `..`, for which the kernel takes no reference (fuse_direntplus_link). */
  addEntry(name: Uint8Array, entry: Entry, cookie: number): void
}

export interface FileSystemStatus {
  readonly blockBytes: number
  readonly blocks: number
  readonly blocksFree: number
  readonly files: number
  readonly filesFree: number
  readonly nameBytesMax: number
}

export interface Opened {
  /** Comes back with every call on the open file. */
  readonly handle: number
  /** `keep`: what the kernel cached of it before stays valid. */
  readonly cache: 'keep' | 'drop'
}

/**
 * A file system that is only read. All errors are thrown. Node ids come from entries that were given out and not yet
 * forgotten, but hostile or stale ones must give ESTALE.
 */
export interface FileSystem {
  lookup(parent: NodeId, name: Uint8Array, caller: Caller): Operation<Entry | Absence>
  /** The kernel drops `count` of its references. */
  forget(node: NodeId, count: number): void
  attributes(node: NodeId): Operation<Timed<Attributes>>
  readLink(node: NodeId): Operation<Uint8Array>
  /** `stateless`: files need no opening here, and the kernel need not ask again (where it knows how not to). */
  open(node: NodeId, flags: number): Operation<Opened | 'stateless'>
  release(node: NodeId, handle: number): void
  /** Pieces that make up the range, or less at the end of the file. */
  read(node: NodeId, handle: number, offset: number, sizeBytes: number): Operation<readonly Uint8Array[]>
  /** Where data or a hole begins at or after `offset`; undefined beyond the end. */
  seek(node: NodeId, handle: number, offset: number, what: 'data' | 'hole'): Operation<number | undefined>
  openDirectory(node: NodeId): Operation<Opened>
  releaseDirectory(node: NodeId, handle: number): void
  /** Adds entries behind `cookie`; 0 is the start. */
  readDirectory(node: NodeId, handle: number, cookie: number, sink: DirectorySink): Operation<void>
  /** All names, each ended by NUL. */
  listXattrs(node: NodeId): Operation<Uint8Array>
  /** Undefined: there is none of that name. */
  getXattr(node: NodeId, name: Uint8Array): Operation<Uint8Array | undefined>
  status(): Operation<FileSystemStatus>
}
