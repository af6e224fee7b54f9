// The attributes of an inode as they are set on disk: numbers resolved, xattrs loaded. And their encoding in messages to
// workers: bytes of their own, since cloning a view would copy the whole tree node under it.
import { ByteReader } from '../bytes/reader.ts'
import type { ByteWriter } from '../bytes/writer.ts'
import { groupId, isRoot, userId } from '../posix/owners.ts'
import type { FileStat } from '../posix/stat.ts'
import { encodeXattrs, readXattrs } from '../tree/entry-codec.ts'
import type { Inode, Xattr } from '../tree/entry.ts'
import type { BlobLoader } from '../tree/node.ts'

/** `name`: the user and group that are called so on this machine, the numbers where nobody is. */
export type OwnersBy = 'number' | 'name'

export interface FileAttributes {
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeSeconds: number
  readonly mtimeNanos: number
  readonly xattrs: readonly Xattr[]
}

/** Throws `vault-damaged` when the xattrs lie in a blob that is lost. */
export async function loadAttributes(inode: Inode, loader: BlobLoader, ownersBy: OwnersBy): Promise<FileAttributes> {
  if (!('blob' in inode.xattrs)) return withXattrs(inode, inode.xattrs, ownersBy)
  const reader = new ByteReader(await loader.load('xattr', inode.xattrs.blob), 'xattrs')
  const xattrs = readXattrs(reader)
  reader.end()
  return withXattrs(inode, xattrs, ownersBy)
}

/** The same with other xattrs than the inode names. */
export function withXattrs(inode: Inode, xattrs: readonly Xattr[], ownersBy: OwnersBy): FileAttributes {
  const { mode, mtimeSeconds, mtimeNanos } = inode
  const isByName = ownersBy === 'name'
  const uid = (isByName ? userId(inode.user) : undefined) ?? inode.uid
  const gid = (isByName ? groupId(inode.group) : undefined) ?? inode.gid
  return { mode, uid, gid, mtimeSeconds, mtimeNanos, xattrs }
}

export const mtimeNs = (attributes: { readonly mtimeSeconds: number; readonly mtimeNanos: number }): bigint =>
  BigInt(attributes.mtimeSeconds) * 1_000_000_000n + BigInt(attributes.mtimeNanos)

/** True when everything but xattrs is as it must be. */
export function statMatches(stat: FileStat, attributes: FileAttributes): boolean {
  const isMode = stat.type === 'symlink' || stat.mode === attributes.mode
  return isMode && stat.uid === attributes.uid && stat.gid === attributes.gid && stat.mtimeNs === mtimeNs(attributes)
}

const SETUID_SETGID = 0o6000

/** True when setting them would change nothing that this process may change: without root owners, and what goes with them, do not count. */
export function isLeftAsIs(stat: FileStat, attributes: FileAttributes): boolean {
  if (isRoot()) return statMatches(stat, attributes)
  const isOwned = stat.uid === attributes.uid && stat.gid === attributes.gid
  const mode = isOwned ? attributes.mode : attributes.mode & ~SETUID_SETGID
  return statMatches(stat, { ...attributes, mode, uid: stat.uid, gid: stat.gid })
}

export function writeAttributes(writer: ByteWriter, attributes: FileAttributes): void {
  writer.varint(attributes.mode).varint(attributes.uid).varint(attributes.gid)
    .svarint(attributes.mtimeSeconds).varint(attributes.mtimeNanos)
  if (attributes.xattrs.length === 0) writer.u8(0)
  else writer.raw(encodeXattrs(attributes.xattrs))
}

export function readAttributes(reader: ByteReader): FileAttributes {
  return {
    mode: reader.varint(), uid: reader.varint(), gid: reader.varint(),
    mtimeSeconds: reader.svarint(), mtimeNanos: reader.varint(), xattrs: readXattrs(reader),
  }
}
