// Inodes that are not files, directories or symlinks, and the attributes Node sets only by following links.
import { chmodSync, closeSync, constants, fchmodSync, fchownSync, lchownSync, openSync } from 'node:fs'
import { AT_FDCWD, cPath, libc, type FileTarget } from './libc.ts'
import { bufferOf, O_PATH } from './directories.ts'
import { ERRNO, systemError } from './system-error.ts'

export type NodeType = 'fifo' | 'socket' | 'char' | 'block'

const TYPE_BITS: Record<NodeType, number> = {
  fifo: constants.S_IFIFO,
  socket: constants.S_IFSOCK,
  char: constants.S_IFCHR,
  block: constants.S_IFBLK,
}

/** The kernel's dev_t has 12 bits of major and 20 of minor (linux/kdev_t.h). */
export const DEVICE_MAJOR_MAX = 0xfff
export const DEVICE_MINOR_MAX = 0xfffff

/** Device number as stat reports it: `gnu_dev_makedev` of glibc's bits/sysmacros.h. */
export function makeDevice(major: number, minor: number): bigint {
  const [a, i] = [BigInt(major), BigInt(minor)]
  return ((a & 0xfffn) << 8n) | ((a & 0xfffff000n) << 32n) | (i & 0xffn) | ((i & 0xffffff00n) << 12n)
}

export const deviceMajor = (device: bigint): number => Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n))
export const deviceMinor = (device: bigint): number => Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n))

/**
 * mknod(2). `mode` is the 12 permission bits, of which the umask takes its part: `setMode` afterwards. Devices need
 * CAP_MKNOD (`EPERM`) and numbers the kernel can hold (`EINVAL`).
 */
export function makeNode(path: Uint8Array, type: NodeType, mode: number, major = 0, minor = 0): void {
  if (major > DEVICE_MAJOR_MAX || minor > DEVICE_MINOR_MAX) throw systemError(ERRNO.EINVAL, 'mknod', path)
  const c = libc()
  const device = Number(makeDevice(major, minor))
  const status = c.mknodat(AT_FDCWD, cPath(path, 'mknod'), TYPE_BITS[type] | (mode & 0o7777), device)
  if (status !== 0) throw systemError(c.errno(), 'mknod', path)
}

/** Sets the 12 permission bits; a symlink gives `ENOTSUP`: Linux keeps no modes for symlinks. */
export function setMode(target: FileTarget, mode: number): void {
  if (typeof target === 'number') return fchmodSync(target, mode)
  // chmod(2) follows symlinks; an O_PATH descriptor pins the inode without opening a device or waiting at a fifo.
  const fd = openSync(bufferOf(target), O_PATH | constants.O_NOFOLLOW)
  try {
    chmodSync(`/proc/self/fd/${fd}`, mode)
  } finally {
    closeSync(fd)
  }
}

/** Sets owner and group, a symlink's own when `target` is one. Linux takes setuid and setgid away: `setMode` afterwards. */
export function setOwner(target: FileTarget, uid: number, gid: number): void {
  if (typeof target === 'number') fchownSync(target, uid, gid)
  else lchownSync(bufferOf(target), uid, gid)
}
