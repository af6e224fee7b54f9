// From stat and xattrs to the attributes of an inode.
import { describeError, errnoOf } from '../errors/vault-error.ts'
import type { FileStat } from '../posix/stat.ts'
import { groupName, userName } from '../posix/owners.ts'
import { getXattr, listXattrs } from '../posix/xattrs.ts'
import { encodeXattrs, INLINE_XATTR_BYTES_MAX, OWNER_NAME_BYTES_MAX } from '../tree/entry-codec.ts'
import type { Attributes, Xattr } from '../tree/entry.ts'
import type { BlobSaver } from '../tree/node.ts'

const NS_PER_SECOND = 1_000_000_000n
const NO_XATTRS: readonly Xattr[] = []

/** What cannot be read of them is reported and left out: the file itself matters more. */
function readXattrs(target: Uint8Array | number, warn: (problem: unknown) => void): readonly Xattr[] {
  const xattrs: Xattr[] = []
  try {
    const names = listXattrs(target)
    if (names.length === 0) return NO_XATTRS
    let last: Uint8Array | undefined
    for (const name of names) {
      const value = last && Buffer.compare(last, name) === 0 ? undefined : readXattr(target, name, warn)
      if (value) xattrs.push({ name, value })
      last = name
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    warn(`its extended attributes cannot be read: ${describeError(error)}`)
  }
  return xattrs
}

function readXattr(target: Uint8Array | number, name: Uint8Array, warn: (problem: unknown) => void): Uint8Array | undefined {
  try {
    return getXattr(target, name)
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    warn(`its extended attribute ${Buffer.from(name).toString('utf8')} cannot be read: ${describeError(error)}`)
    return undefined
  }
}

/** Seconds that a tree entry can hold: 71 million years. */
const SECONDS_MAX = 2n ** 51n

/** A name that fits an entry; the number counts anyway. */
const ownerName = (name = ''): string => (Buffer.byteLength(name) <= OWNER_NAME_BYTES_MAX ? name : '')

/** Attributes of what is open at `target` or lies at that path (not followed). Large xattrs become a blob. */
export function attributesOf(
  target: Uint8Array | number, stat: FileStat, saver: BlobSaver, warn: (problem: unknown) => void,
): Attributes {
  const seconds = stat.mtimeNs / NS_PER_SECOND - (stat.mtimeNs % NS_PER_SECOND < 0n ? 1n : 0n) // floor
  let xattrs: Attributes['xattrs'] = readXattrs(target, warn)
  if (xattrs.length > 0) {
    const encoded = encodeXattrs(xattrs)
    if (encoded.length > INLINE_XATTR_BYTES_MAX) xattrs = { blob: saver.save('xattr', encoded) }
  }
  return {
    mode: stat.mode, uid: stat.uid, gid: stat.gid,
    user: ownerName(userName(stat.uid)), group: ownerName(groupName(stat.gid)),
    mtimeSeconds: Number(seconds > SECONDS_MAX ? SECONDS_MAX : seconds < -SECONDS_MAX ? -SECONDS_MAX : seconds),
    mtimeNanos: Number(stat.mtimeNs - seconds * NS_PER_SECOND),
    xattrs,
  }
}
