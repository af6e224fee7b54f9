// INIT: what the kernel offers and what is taken of it, flag by flag (linux/fuse.h, protocol 7.31 to 7.45).
import { VaultError } from '../errors/vault-error.ts'
import type { StructReader } from './struct-reader.ts'
import type { StructWriter } from './struct-writer.ts'

const MAJOR = 7
/** The newest whose structs are known here. */
const MINOR_MAX = 45
/** Linux 5.4. */
const MINOR_MIN = 31

/** Bits 0 to 31 are `flags`, 32 to 63 `flags2`. */
const FLAGS = {
  /** Reads of one file at once. */
  ASYNC_READ: 0,
  BIG_WRITES: 5,
  /** Entries come with their attributes, always (not READDIRPLUS_AUTO): a walk costs one request a directory. */
  DO_READDIRPLUS: 13,
  ASYNC_DIO: 15,
  /** OPEN may be answered once for all: a cached file is read without a request. */
  NO_OPEN_SUPPORT: 17,
  /** Look-ups and listings of one directory at once. */
  PARALLEL_DIROPS: 18,
  /** The kernel checks and caches ACLs; it implies default_permissions, so only with that. */
  POSIX_ACL: 20,
  /** Reading the device after an abort says so, and not that the file system was unmounted. */
  ABORT_ERROR: 21,
  /** Requests of up to max_pages instead of 32 pages. */
  MAX_PAGES: 22,
  CACHE_SYMLINKS: 23,
  /** Cached pages are dropped when we say so, not when mtime looks different. */
  EXPLICIT_INVAL_DATA: 25,
  INIT_EXT: 30,
} as const

// Not taken: POSIX_LOCKS and FLOCK_LOCKS (locks of one host are the kernel's affair, and remote ones refuse OFD locks),
// EXPORT_SUPPORT (would need nodes found by number alone), AUTO_INVAL_DATA (contradicts EXPLICIT_INVAL_DATA), SPLICE_* (the
// device is read and written by plain calls), NO_OPENDIR_SUPPORT (a list of snapshots is not cached), WRITEBACK_CACHE,
// ATOMIC_O_TRUNC, DONT_MASK, HANDLE_KILLPRIV*, SETXATTR_EXT (for writing), SECURITY_CTX, SUBMOUNTS, DAX, PASSTHROUGH,
// ALLOW_IDMAP, OVER_IO_URING.

const PAGE_BYTES = 4096
export const REQUEST_BYTES_MAX = 1024 * 1024
const PAGES_MAX = REQUEST_BYTES_MAX / PAGE_BYTES
/** A request: header, arguments of a WRITE, data (FUSE_MIN_READ_BUFFER and max_write). */
export const REQUEST_BUFFER_BYTES = REQUEST_BYTES_MAX + 2 * PAGE_BYTES
/** Requests that the kernel sends ahead of need (read-ahead); its own default is 12. */
const BACKGROUND_MAX = 64

export interface InitWishes {
  /** The kernel checks permissions and ACLs. */
  readonly checksPermissions: boolean
}

export interface Negotiated {
  readonly minor: number
  /** OPEN may be answered ENOSYS, for good. */
  readonly canSkipOpen: boolean
}

const has = (offered: bigint, bit: number): boolean => ((offered >> BigInt(bit)) & 1n) === 1n

/** Reads fuse_init_in, writes fuse_init_out. Undefined: the kernel's major is newer, and it will ask again with ours. */
export function negotiate(reader: StructReader, writer: StructWriter, wishes: InitWishes): Negotiated | undefined {
  const major = reader.u32()
  const minor = reader.u32()
  if (major > MAJOR) {
    writer.u32(MAJOR).u32(MINOR_MAX)
    return undefined
  }
  if (major < MAJOR || minor < MINOR_MIN) {
    throw new VaultError('mount-failed', `this kernel speaks FUSE ${major}.${minor}; ${MAJOR}.${MINOR_MIN} (Linux 5.4) is needed`)
  }
  const readAheadBytes = reader.u32()
  const offered = offeredFlags(reader)
  const taken = Object.values(FLAGS)
    .filter((bit) => has(offered, bit) && (bit !== FLAGS.POSIX_ACL || wishes.checksPermissions))
    .reduce((flags, bit) => flags | (1n << BigInt(bit)), 0n)
  writer.u32(MAJOR).u32(Math.min(minor, MINOR_MAX)).u32(readAheadBytes)
    .u32(Number(taken & 0xffff_ffffn))
    .u16(BACKGROUND_MAX).u16((BACKGROUND_MAX * 3) / 4)
    .u32(REQUEST_BYTES_MAX).u32(1) // time_gran: nanoseconds
    .u16(PAGES_MAX).u16(0)
    .u32(Number(taken >> 32n))
    .zeros(28) // max_stack_depth, request_timeout (none), reserved
  return { minor: Math.min(minor, MINOR_MAX), canSkipOpen: has(offered, FLAGS.NO_OPEN_SUPPORT) }
}

function offeredFlags(reader: StructReader): bigint {
  const flags = BigInt(reader.u32())
  // flags2 is there since 7.36, where bit 30 says so.
  return has(flags, FLAGS.INIT_EXT) && reader.remaining >= 4 ? flags | (BigInt(reader.u32()) << 32n) : flags
}
