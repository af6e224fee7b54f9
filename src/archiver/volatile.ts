// Volatile stat data: what tells that a file is as it was. It lives in the local cache, never in the tree, or a restored
// disk (new inodes, new ctimes) would rewrite every directory.
import type { FileStat } from '../posix/stat.ts'

export const VOLATILE_BYTES = 40

/** A file whose times lie this close to its reading could change again within their resolution. */
export const TRUST_DISTANCE_NS = 2_000_000_000n

/** Equal to no file's: no inode has the number 0. */
export const UNTRUSTED = new Uint8Array(VOLATILE_BYTES)

/** size, mtime, ctime, inode, links and mode as 40 bytes to compare. */
export function volatileOf(stat: FileStat): Uint8Array {
  const bytes = new Uint8Array(VOLATILE_BYTES)
  const view = new DataView(bytes.buffer)
  view.setFloat64(0, stat.sizeBytes, true)
  view.setBigInt64(8, BigInt.asIntN(64, stat.mtimeNs), true)
  view.setBigInt64(16, BigInt.asIntN(64, stat.ctimeNs), true)
  view.setBigUint64(24, BigInt.asUintN(64, stat.ino), true)
  view.setUint32(32, stat.nlink >>> 0, true)
  view.setUint16(36, stat.mode, true)
  return bytes
}

/**
 * True when no later change could go unseen. An mtime far ahead (a camera's wrong clock) is as good as an old one, since
 * any change moves the ctime; a ctime ahead says that the clock was set back, and nothing is trusted.
 */
export function isSettled(stat: FileStat, nowNs: bigint): boolean {
  const isNear = stat.mtimeNs >= nowNs - TRUST_DISTANCE_NS && stat.mtimeNs <= nowNs + TRUST_DISTANCE_NS
  return !isNear && stat.ctimeNs < nowNs - TRUST_DISTANCE_NS
}
