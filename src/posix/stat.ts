// What lstat knows of a file, by statx(2) into one reusable record, as it runs for every file of every backup. Measured over
// 20,000 files of one ext4 directory: 2.7 us a file, against 3.4 us for lstatSync({ bigint: true }) made into the same
// record (half of either is the kernel's path walk).
import { fstatSync, lstatSync, type BigIntStats } from 'node:fs'
import { assertComponent, bufferOf, childPath } from './directories.ts'
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, cPath, libc } from './libc.ts'
import { deviceMajor, deviceMinor, makeDevice } from './nodes.ts'
import { ERRNO, systemError } from './system-error.ts'

export type FileType = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'char' | 'block'

export interface FileStat {
  readonly type: FileType
  /** 12 bits: setuid, setgid, sticky, rwx three times. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly nlink: number
  readonly ino: bigint
  /** Device number of the file system, as stat(2) has it. */
  readonly dev: bigint
  /** 0 unless `char` or `block`. */
  readonly rdevMajor: number
  readonly rdevMinor: number
  readonly sizeBytes: number
  /** Allocated, in units of 512 bytes. */
  readonly blocks512: number
  /** Since 1970, negative before. */
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

// linux/stat.h
const STATX_BASIC_STATS = 0x7ff
const AT_NO_AUTOMOUNT = 0x800
const AT_EMPTY_PATH = 0x1000
const STATX_BYTES = 256
const NS_PER_SECOND = 1_000_000_000n

const record = new Uint8Array(STATX_BYTES)
const words16 = new Uint16Array(record.buffer)
const words32 = new Uint32Array(record.buffer)
const words64 = new BigInt64Array(record.buffer)
const unsigned64 = new BigUint64Array(record.buffer)
const EMPTY_PATH = new Uint8Array(1)
let statxMissing = false

/** lstat: of the symlink itself. Throws as `fs.lstatSync` does. */
export function readStat(path: Uint8Array): FileStat {
  if (!statxMissing) {
    const c = libc()
    const flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT
    if (c.statx(AT_FDCWD, cPath(path, 'lstat'), flags, STATX_BASIC_STATS, record) === 0) return fromRecord()
    forgetStatx(c.errno(), 'lstat', path)
  }
  return fromStats(lstatSync(bufferOf(path), { bigint: true }))
}

/**
 * The same for the child `name` of the directory open at `directoryFd`, which may be an O_PATH descriptor: 3 us less than
 * `readStat(childPath(...))`, as the kernel need not walk /proc.
 */
export function readStatAt(directoryFd: number, name: Uint8Array): FileStat {
  assertComponent(name)
  if (!statxMissing) {
    const c = libc()
    const flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT
    if (c.statx(directoryFd, cPath(name, 'lstat'), flags, STATX_BASIC_STATS, record) === 0) return fromRecord()
    forgetStatx(c.errno(), 'lstat', name)
  }
  return fromStats(lstatSync(childPath(directoryFd, name), { bigint: true }))
}

/** fstat; takes O_PATH descriptors too. */
export function fileStat(fd: number): FileStat {
  if (!statxMissing) {
    const c = libc()
    if (c.statx(fd, EMPTY_PATH, AT_EMPTY_PATH, STATX_BASIC_STATS, record) === 0) return fromRecord()
    forgetStatx(c.errno(), 'fstat', fd)
  }
  return fromStats(fstatSync(fd, { bigint: true }))
}

/** Old container sandboxes answer ENOSYS or EPERM to statx: lstat and fstat take over, for good. Anything else is thrown. */
function forgetStatx(errno: number, syscall: string, target: Uint8Array | number): void {
  if (errno !== ERRNO.ENOSYS && errno !== ERRNO.EPERM) throw systemError(errno, syscall, target)
  statxMissing = true
}

const TYPES: readonly (FileType | undefined)[] = [
  undefined, 'fifo', 'char', undefined, 'directory', undefined, 'block', undefined,
  'file', undefined, 'symlink', undefined, 'socket',
]

function typeOf(mode: number, target: string): FileType {
  const type = TYPES[mode >>> 12]
  if (type === undefined) throw systemError(ERRNO.EINVAL, target)
  return type
}

let lastDevice = { major: -1, minor: -1, dev: 0n }

/** A walk stays on one device for long, and the bigint arithmetic of makeDevice costs more than the rest of the record. */
function deviceOf(major: number, minor: number): bigint {
  if (lastDevice.major !== major || lastDevice.minor !== minor) lastDevice = { major, minor, dev: makeDevice(major, minor) }
  return lastDevice.dev
}

/** Offsets: struct statx of linux/stat.h. */
function fromRecord(): FileStat {
  const mode = words16[14]!
  return {
    type: typeOf(mode, 'statx'),
    mode: mode & 0o7777,
    uid: words32[5]!,
    gid: words32[6]!,
    nlink: words32[4]!,
    ino: unsigned64[4]!,
    dev: deviceOf(words32[34]!, words32[35]!),
    rdevMajor: words32[32]!,
    rdevMinor: words32[33]!,
    sizeBytes: words32[11]! * 2 ** 32 + words32[10]!,
    blocks512: words32[13]! * 2 ** 32 + words32[12]!,
    mtimeNs: words64[14]! * NS_PER_SECOND + BigInt(words32[30]!),
    ctimeNs: words64[12]! * NS_PER_SECOND + BigInt(words32[26]!),
  }
}

function fromStats(stats: BigIntStats): FileStat {
  const mode = Number(stats.mode)
  return {
    type: typeOf(mode, 'lstat'),
    mode: mode & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    nlink: Number(stats.nlink),
    ino: stats.ino,
    dev: stats.dev,
    rdevMajor: deviceMajor(stats.rdev),
    rdevMinor: deviceMinor(stats.rdev),
    sizeBytes: Number(stats.size),
    blocks512: Number(stats.blocks),
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
  }
}
