// From stat and xattrs to the attributes of an inode.
import type { FileStat } from '../posix/stat.ts'
import { groupName, userName } from '../posix/owners.ts'
import { getXattr, listXattrs } from '../posix/xattrs.ts'
import { encodeXattrs, INLINE_XATTR_BYTES_MAX, OWNER_NAME_BYTES_MAX } from '../tree/entry-codec.ts'
import type { Attributes, Xattr } from '../tree/entry.ts'
import type { BlobSaver } from '../tree/node.ts'

const NS_PER_SECOND = 1_000_000_000n
const NO_XATTRS: readonly Xattr[] = []

function readXattrs(target: Uint8Array | number): readonly Xattr[] {
  const names = listXattrs(target)
  if (names.length === 0) return NO_XATTRS
  const xattrs: Xattr[] = []
  for (const name of names) {
    const value = getXattr(target, name)
    if (value) xattrs.push({ name, value })
  }
  return xattrs
}

/** A name that fits an entry; the number counts anyway. */
const ownerName = (name = ''): string => (Buffer.byteLength(name) <= OWNER_NAME_BYTES_MAX ? name : '')

/** Attributes of what is open at `target` or lies at that path (not followed). Large xattrs become a blob. */
export function attributesOf(target: Uint8Array | number, stat: FileStat, saver: BlobSaver): Attributes {
  const seconds = stat.mtimeNs / NS_PER_SECOND - (stat.mtimeNs % NS_PER_SECOND < 0n ? 1n : 0n) // floor
  let xattrs: Attributes['xattrs'] = readXattrs(target)
  if (xattrs.length > 0) {
    const encoded = encodeXattrs(xattrs)
    if (encoded.length > INLINE_XATTR_BYTES_MAX) xattrs = { blob: saver.save('xattr', encoded) }
  }
  return {
    mode: stat.mode, uid: stat.uid, gid: stat.gid,
    user: ownerName(userName(stat.uid)), group: ownerName(groupName(stat.gid)),
    mtimeSeconds: Number(seconds), mtimeNanos: Number(stat.mtimeNs - seconds * NS_PER_SECOND),
    xattrs,
  }
}
