// posix: what Linux can do with files and Node's `fs` cannot: xattrs, nanosecond times, device nodes, holes, owners' names,
// paths longer than PATH_MAX. Synchronous and per thread: each worker thread that calls it loads koffi for itself (about
// 20 ms at the first call that needs it, nothing before), and scratch buffers are never shared between threads.
//
// Guarantees:
// - paths and names are raw bytes, never strings: names need not be UTF-8. A path with a NUL is our own bug (assertion);
//   one above PATH_MAX throws ENAMETOOLONG as the kernel would: address such files through a directory descriptor
//   (`directories.ts`);
// - a path is never followed at its last component, unless a function says so;
// - failures look like Node's own: an Error with `code` ('ENOENT'), negative `errno`, `syscall`, `path`;
// - x86_64 and arm64, both little-endian with a 64-bit off_t; glibc and musl. Everything here is called by a name that
//   both C libraries export, save statx and mknodat, which go through syscall(2): musl has statx since 1.2.5 only, and
//   glibc has mknodat as a real symbol since 2.33 only.
// It does not know of trees, snapshots or policies: what to do when a file system refuses something is the caller's affair.
import { createRequire } from 'node:module'
import { assert } from '../errors/assert.ts'
import { ERRNO, systemError } from './system-error.ts'

/** PATH_MAX of linux/limits.h, with the final NUL. */
export const PATH_BYTES_MAX = 4096
export const AT_FDCWD = -100
export const AT_SYMLINK_NOFOLLOW = 0x100

/** A file by path (not followed) or by open descriptor. */
export type FileTarget = Uint8Array | number

type PathCall<Rest extends unknown[]> = (path: Uint8Array, ...rest: Rest) => number
type FdCall<Rest extends unknown[]> = (fd: number, ...rest: Rest) => number
type IdLookup = (id: number, record: Uint8Array, strings: Uint8Array, sizeBytes: number, found: Uint8Array) => number
type NameLookup = (name: Uint8Array, record: Uint8Array, strings: Uint8Array, sizeBytes: number, found: Uint8Array) => number

export interface Libc {
  /** errno of this thread; only meaningful directly after a failed call. */
  errno(): number
  /** The address at which C finds the buffer. */
  address(buffer: Uint8Array): bigint
  llistxattr: PathCall<[list: Uint8Array, sizeBytes: number]>
  flistxattr: FdCall<[list: Uint8Array, sizeBytes: number]>
  lgetxattr: PathCall<[name: Uint8Array, value: Uint8Array, sizeBytes: number]>
  fgetxattr: FdCall<[name: Uint8Array, value: Uint8Array, sizeBytes: number]>
  lsetxattr: PathCall<[name: Uint8Array, value: Uint8Array, sizeBytes: number, flags: number]>
  fsetxattr: FdCall<[name: Uint8Array, value: Uint8Array, sizeBytes: number, flags: number]>
  lremovexattr: PathCall<[name: Uint8Array]>
  fremovexattr: FdCall<[name: Uint8Array]>
  utimensat: (directoryFd: number, path: Uint8Array, times: Uint8Array, flags: number) => number
  futimens: FdCall<[times: Uint8Array]>
  lseek: FdCall<[offset: number, whence: number]>
  fallocate: FdCall<[mode: number, offset: number, length: number]>
  posix_fadvise: FdCall<[offset: number, length: number, advice: number]>
  getpwuid_r: IdLookup
  getgrgid_r: IdLookup
  getpwnam_r: NameLookup
  getgrnam_r: NameLookup
  statx: (directoryFd: number, path: Uint8Array, flags: number, mask: number, record: Uint8Array) => number
  mknodat: (directoryFd: number, path: Uint8Array, mode: number, device: number) => number
}

/** linux/asm/unistd_64.h, asm-generic/unistd.h. */
const SYSCALL_NUMBERS = {
  x64: { statx: 332, mknodat: 259 },
  arm64: { statx: 291, mknodat: 33 },
} as const

const DECLARATIONS = [
  'int64_t llistxattr(const uint8_t *path, uint8_t *list, size_t size)',
  'int64_t flistxattr(int fd, uint8_t *list, size_t size)',
  'int64_t lgetxattr(const uint8_t *path, const uint8_t *name, uint8_t *value, size_t size)',
  'int64_t fgetxattr(int fd, const uint8_t *name, uint8_t *value, size_t size)',
  'int lsetxattr(const uint8_t *path, const uint8_t *name, const uint8_t *value, size_t size, int flags)',
  'int fsetxattr(int fd, const uint8_t *name, const uint8_t *value, size_t size, int flags)',
  'int lremovexattr(const uint8_t *path, const uint8_t *name)',
  'int fremovexattr(int fd, const uint8_t *name)',
  'int utimensat(int dirfd, const uint8_t *path, const uint8_t *times, int flags)',
  'int futimens(int fd, const uint8_t *times)',
  'int64_t lseek(int fd, int64_t offset, int whence)',
  'int fallocate(int fd, int mode, int64_t offset, int64_t length)',
  'int posix_fadvise(int fd, int64_t offset, int64_t length, int advice)',
  'int getpwuid_r(uint32_t uid, uint8_t *pwd, uint8_t *buf, size_t size, uint8_t *result)',
  'int getgrgid_r(uint32_t gid, uint8_t *grp, uint8_t *buf, size_t size, uint8_t *result)',
  'int getpwnam_r(const uint8_t *name, uint8_t *pwd, uint8_t *buf, size_t size, uint8_t *result)',
  'int getgrnam_r(const uint8_t *name, uint8_t *grp, uint8_t *buf, size_t size, uint8_t *result)',
]

let loaded: Libc | undefined

/** The C library of the running process; loads koffi at the first call. */
export function libc(): Libc {
  return (loaded ??= loadLibc())
}

function loadLibc(): Libc {
  const arch = process.arch
  assert(arch === 'x64' || arch === 'arm64', `posix: no syscall numbers for ${arch}`)
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const library = koffi.load(null)
  const numbers = SYSCALL_NUMBERS[arch]
  // A C variadic call without floating point passes its arguments as a plain call does, on both architectures.
  const statx = library.func('syscall', 'int64_t', ['int64_t', 'int', 'const uint8_t *', 'int', 'uint32_t', 'uint8_t *'])
  const mknodat = library.func('syscall', 'int64_t', ['int64_t', 'int', 'const uint8_t *', 'uint32_t', 'uint32_t'])
  const named = DECLARATIONS.map((declaration) => library.func(declaration))
  return {
    ...Object.fromEntries(named.map((call) => [call.info.name, call])),
    errno: () => koffi.errno(),
    address: (buffer: Uint8Array) => koffi.address(buffer),
    statx: statx.bind(undefined, numbers.statx),
    mknodat: mknodat.bind(undefined, numbers.mknodat),
  } as Libc
}

const pathScratch = Buffer.alloc(PATH_BYTES_MAX)

/** `path` with a final NUL, in a buffer that the next call overwrites: for one C call. */
export function cPath(path: Uint8Array, syscall: string): Uint8Array {
  if (path.length >= PATH_BYTES_MAX) throw systemError(ERRNO.ENAMETOOLONG, syscall, path)
  assert(!path.includes(0), 'posix: path with a NUL byte')
  pathScratch.set(path)
  pathScratch[path.length] = 0
  return pathScratch
}

/** `name` with a final NUL, in memory of its own. */
export function cString(name: Uint8Array): Uint8Array {
  assert(!name.includes(0), 'posix: name with a NUL byte')
  const terminated = new Uint8Array(name.length + 1)
  terminated.set(name)
  return terminated
}
