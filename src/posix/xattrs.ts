// Extended attributes. A path is not followed (l* calls); through a descriptor the f* calls are used, which do not take an
// O_PATH descriptor: for a directory opened that way use `selfPath(fd)` of directories.ts. A path `/proc/self/fd/N` is the
// magic link itself, `/proc/self/fd/N/name` is the file.
import { cPath, cString, libc, type FileTarget } from './libc.ts'
import { ERRNO, systemError } from './system-error.ts'

/** XATTR_LIST_MAX of linux/limits.h: all names of one file, each with a NUL. */
export const XATTR_LIST_BYTES_MAX = 65536
/** XATTR_SIZE_MAX of linux/limits.h. */
export const XATTR_VALUE_BYTES_MAX = 65536
/** XATTR_NAME_MAX of linux/limits.h. */
export const XATTR_NAME_BYTES_MAX = 255

const NONE: readonly Uint8Array[] = Object.freeze([])
let scratch: Uint8Array | undefined

/**
 * Names of the extended attributes, in byte order; the same empty array each time there are none. A file system without
 * xattrs has none. POSIX ACLs appear as `system.posix_acl_access` and `system.posix_acl_default`; `trusted.*` only for root.
 */
export function listXattrs(target: FileTarget): readonly Uint8Array[] {
  const c = libc()
  const list = (scratch ??= new Uint8Array(XATTR_LIST_BYTES_MAX))
  const length =
    typeof target === 'number'
      ? c.flistxattr(target, list, XATTR_LIST_BYTES_MAX)
      : c.llistxattr(cPath(target, 'llistxattr'), list, XATTR_LIST_BYTES_MAX)
  if (length === 0) return NONE
  if (length > 0) return splitNames(list.subarray(0, length))
  const errno = c.errno()
  if (errno === ERRNO.EOPNOTSUPP || errno === ERRNO.ENOSYS) return NONE
  throw systemError(errno, 'listxattr', target)
}

function splitNames(list: Uint8Array): Uint8Array[] {
  const names: Uint8Array[] = []
  for (let start = 0; start < list.length; ) {
    const end = list.indexOf(0, start)
    names.push(list.slice(start, end))
    start = end + 1
  }
  return names.sort(Buffer.compare)
}

/** The value (0 to 65,536 bytes, a copy), or undefined when the file has no such attribute. */
export function getXattr(target: FileTarget, name: Uint8Array): Uint8Array | undefined {
  const c = libc()
  const value = (scratch ??= new Uint8Array(XATTR_VALUE_BYTES_MAX))
  const cName = cString(name)
  const length =
    typeof target === 'number'
      ? c.fgetxattr(target, cName, value, XATTR_VALUE_BYTES_MAX)
      : c.lgetxattr(cPath(target, 'lgetxattr'), cName, value, XATTR_VALUE_BYTES_MAX)
  if (length >= 0) return value.slice(0, length)
  const errno = c.errno()
  if (errno === ERRNO.ENODATA || errno === ERRNO.EOPNOTSUPP) return undefined
  throw systemError(errno, 'getxattr', target)
}

/** Creates or replaces. Refusals by kind of file or file system are `ENOTSUP`, `EPERM`, `ENOSPC`, `E2BIG`, `ERANGE`. */
export function setXattr(target: FileTarget, name: Uint8Array, value: Uint8Array): void {
  const c = libc()
  const cName = cString(name)
  const status =
    typeof target === 'number'
      ? c.fsetxattr(target, cName, value, value.length, 0)
      : c.lsetxattr(cPath(target, 'lsetxattr'), cName, value, value.length, 0)
  if (status !== 0) throw systemError(c.errno(), 'setxattr', target)
}

/** Throws `ENODATA` when there is no such attribute. */
export function removeXattr(target: FileTarget, name: Uint8Array): void {
  const c = libc()
  const cName = cString(name)
  const status =
    typeof target === 'number'
      ? c.fremovexattr(target, cName)
      : c.lremovexattr(cPath(target, 'lremovexattr'), cName)
  if (status !== 0) throw systemError(c.errno(), 'removexattr', target)
}
