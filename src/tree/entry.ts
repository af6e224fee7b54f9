// Entries of a directory and the inodes behind them, as values. Names are raw bytes; nothing here knows a file system.
import type { BlobId } from '../ids/ids.ts'

/** The number is part of the format. */
export const INODE_KINDS = { file: 1, directory: 2, symlink: 3, fifo: 4, socket: 5, char: 6, block: 7 } as const
export type InodeKind = keyof typeof INODE_KINDS

/** A run of a file: a blob, or a hole of zeros that is not stored. */
export interface ContentItem {
  readonly length: number
  /** Absent: a hole. */
  readonly id?: BlobId
}

/** A file's content: its runs in order, or the root of a content list when there are many. */
export type Content = { readonly items: readonly ContentItem[] } | { readonly list: BlobId }

export interface Xattr {
  readonly name: Uint8Array
  readonly value: Uint8Array
}

/** What lies below a directory: enough for df, for progress and for deciding on instant copies. */
export interface Summary {
  /** Logical bytes of files; a hard-linked file counts once a name. */
  readonly bytes: number
  readonly entries: number
  readonly hasLinks: boolean
}

/** Attributes that every inode has. Times are seconds since the epoch (may be negative) and nanoseconds 0..999999999. */
export interface Attributes {
  /** Permission, setuid, setgid and sticky bits: 12 bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Names at the time of backup; empty when unknown. */
  readonly user: string
  readonly group: string
  readonly mtimeSeconds: number
  readonly mtimeNanos: number
  /** In ascending order of names; a list, or a blob that holds it when large. */
  readonly xattrs: readonly Xattr[] | { readonly blob: BlobId }
}

export type Inode = Attributes & (
  | { readonly kind: 'file'
      readonly size: number
      /** Took less room than its size when it was backed up: restore leaves zero blocks out. */
      readonly isSparse: boolean
      readonly content: Content
    }
  | { readonly kind: 'directory'; readonly tree: BlobId; readonly summary: Summary }
  | { readonly kind: 'symlink'; readonly target: Uint8Array }
  | { readonly kind: 'fifo' | 'socket' }
  | { readonly kind: 'char' | 'block'; readonly major: number; readonly minor: number }
)

interface EntryHead {
  readonly name: Uint8Array
  /** Read-only for everyone, root included (set by the mount's lock command). */
  readonly isLocked: boolean
}

/** One name in a directory: an inode of its own, or a link to one in the snapshot's link table. */
export type Entry = EntryHead & (
  | {
      readonly inode: Inode
      /** Stored only when it is not the keyed hash of parent and name. */
      readonly number?: bigint
    }
  | { readonly linkKind: InodeKind; readonly link: bigint; readonly linkSize: number }
)

export const kindOf = (entry: Entry): InodeKind => ('inode' in entry ? entry.inode.kind : entry.linkKind)

/** An inode with several names. `parents` are the inode numbers of the directories that hold them, ascending. */
export interface LinkRecord {
  readonly link: bigint
  readonly nlink: number
  readonly parents: readonly bigint[]
  readonly inode: Inode
}

/** What one entry adds to the summary of its directory. */
export function summaryOf(entry: Entry): Summary {
  if (!('inode' in entry)) return { bytes: entry.linkSize, entries: 1, hasLinks: true }
  const { inode } = entry
  if (inode.kind === 'file') return { bytes: inode.size, entries: 1, hasLinks: false }
  if (inode.kind !== 'directory') return { bytes: 0, entries: 1, hasLinks: false }
  return { ...inode.summary, entries: inode.summary.entries + 1 }
}

export const EMPTY_SUMMARY: Summary = { bytes: 0, entries: 0, hasLinks: false }

export const addSummaries = (a: Summary, b: Summary): Summary => ({
  // Sparse files of petabytes add up to more than a number can hold exactly.
  bytes: Math.min(a.bytes + b.bytes, Number.MAX_SAFE_INTEGER),
  entries: Math.min(a.entries + b.entries, Number.MAX_SAFE_INTEGER),
  hasLinks: a.hasLinks || b.hasLinks,
})
