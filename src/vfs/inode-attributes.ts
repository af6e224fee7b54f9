// From a tree's inode to what stat shows.
import type { Attributes, Time } from '../fuse/file-system.ts'
import type { Inode } from '../tree/entry.ts'

const SECTOR_BYTES = 512
/** What ext4 shows for a small directory; trees keep no size for them. */
const DIRECTORY_BYTES = 4096

/** `dataBytes` of a file: what of it is no hole. */
export function attributesOf(inode: Inode, number: bigint, links: number, dataBytes: number): Attributes {
  const time: Time = { seconds: inode.mtimeSeconds, nanos: inode.mtimeNanos }
  const isDevice = inode.kind === 'char' || inode.kind === 'block'
  return {
    inode: number, type: inode.kind, mode: inode.mode, links, uid: inode.uid, gid: inode.gid,
    sizeBytes: sizeOf(inode),
    blocks512: inode.kind === 'directory' ? DIRECTORY_BYTES / SECTOR_BYTES : Math.ceil(dataBytes / SECTOR_BYTES),
    // atime and ctime are not stored.
    atime: time, mtime: time, ctime: time,
    deviceMajor: isDevice ? inode.major : 0, deviceMinor: isDevice ? inode.minor : 0,
  }
}

function sizeOf(inode: Inode): number {
  if (inode.kind === 'file') return inode.size
  if (inode.kind === 'symlink') return inode.target.length
  return inode.kind === 'directory' ? DIRECTORY_BYTES : 0
}

/** A directory that is in no tree: the root of the mount, and a snapshot's top directory. */
export function madeDirectory(
  inode: bigint, links: number, timeSeconds: number, owner: { readonly uid: number; readonly gid: number },
): Attributes {
  const time: Time = { seconds: timeSeconds, nanos: 0 }
  return {
    inode, type: 'directory', mode: 0o555, links, ...owner, sizeBytes: DIRECTORY_BYTES,
    blocks512: DIRECTORY_BYTES / SECTOR_BYTES, atime: time, mtime: time, ctime: time, deviceMajor: 0, deviceMinor: 0,
  }
}
