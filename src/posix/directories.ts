// Addressing without strings and without PATH_MAX: a directory is held by an O_PATH descriptor and its children are named
// `/proc/self/fd/N/name`, which any fs function and any function of this folder takes. Needs a mounted /proc.
import { closeSync, constants, openSync, readdirSync } from 'node:fs'
import { assert } from '../errors/assert.ts'
import { PATH_BYTES_MAX } from './libc.ts'

/** asm-generic/fcntl.h, the same on x86_64 and arm64; Node has no name for it. */
export const O_PATH = 0o10000000
const SLASH = 0x2f
const DOT = 0x2e
/** Longest piece opened in one call: leaves room for `/proc/self/fd/` and a descriptor of 10 digits. */
const PIECE_BYTES_MAX = PATH_BYTES_MAX - 32

/** The same bytes as a Buffer, which is the kind of path that Node's fs takes as raw bytes. */
export function bufferOf(path: Uint8Array): Buffer {
  return Buffer.isBuffer(path) ? path : Buffer.from(path.buffer, path.byteOffset, path.length)
}

/** `/proc/self/fd/N/name`: a child of the directory open at `fd`. `name` is one component, neither `.` nor `..`. */
export function childPath(fd: number, name: Uint8Array): Buffer {
  assertComponent(name)
  return join(`/proc/self/fd/${fd}/`, name)
}

/** `/proc/self/fd/N/.`: the directory open at `fd` itself, for calls that refuse an O_PATH descriptor. */
export function selfPath(fd: number): Buffer {
  return Buffer.from(`/proc/self/fd/${fd}/.`, 'latin1')
}

/** Stops on a name that is not one single component: with a `/`, `.` or `..` it would address something elsewhere. */
export function assertComponent(name: Uint8Array): void {
  assert(isComponent(name), 'posix: not a single path component')
}

function isComponent(name: Uint8Array): boolean {
  if (name.length === 0 || name.includes(SLASH) || name.includes(0)) return false
  return !(name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT)))
}

function join(prefix: string, rest: Uint8Array): Buffer {
  const path = Buffer.allocUnsafe(prefix.length + rest.length)
  path.write(prefix, 'latin1')
  path.set(rest, prefix.length)
  return path
}

/**
 * Opens the directory `name` in the one open at `parentFd` as an O_PATH descriptor. A symlink gives `ENOTDIR` or `ELOOP`,
 * so a hostile tree leads nowhere else. The caller closes it.
 */
export function openDirectoryNoFollow(parentFd: number, name: Uint8Array): number {
  return openSync(childPath(parentFd, name), O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY)
}

/**
 * Opens a directory by a path of any length as an O_PATH descriptor, following symlinks as the kernel does. The caller
 * closes it.
 */
export function openDirectory(path: Uint8Array): number {
  const flags = O_PATH | constants.O_DIRECTORY
  let rest = path
  let fd: number | undefined
  for (;;) {
    const length = pieceLength(rest)
    const piece = rest.subarray(0, length)
    const parentFd = fd
    try {
      fd = openSync(parentFd === undefined ? bufferOf(piece) : join(`/proc/self/fd/${parentFd}/`, piece), flags)
    } finally {
      if (parentFd !== undefined) closeSync(parentFd)
    }
    rest = rest.subarray(length)
    if (rest.length === 0) return fd
  }
}

/** Length of the longest leading part of `path` that ends before a component and fits one call. */
function pieceLength(path: Uint8Array): number {
  if (path.length <= PIECE_BYTES_MAX) return path.length
  const slash = path.lastIndexOf(SLASH, PIECE_BYTES_MAX - 1)
  // No slash: a component far beyond NAME_MAX, for the kernel to refuse (ENAMETOOLONG).
  return slash <= 0 ? path.length : slash + 1
}

/**
 * The same one by one. They are held as Latin-1 text meanwhile, one character a byte, whose order is that of the bytes: a
 * Buffer a name takes 200 bytes more, which counts in a directory of a million.
 */
export function directoryNames(path: Uint8Array): Iterable<Buffer> {
  const names = readdirSync(bufferOf(path), { encoding: 'latin1' }).sort() // throws here, not at the first name
  return (function* () {
    for (const name of names) yield Buffer.from(name, 'latin1')
  })()
}

/** Names in a directory, raw, without `.` and `..`, in byte order. */
export function listDirectory(path: Uint8Array): Buffer[] {
  return readdirSync(bufferOf(path), { encoding: 'buffer' }).sort(Buffer.compare)
}
