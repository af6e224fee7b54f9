// Walking from a snapshot's root to what a path names.
import { VaultError } from '../errors/vault-error.ts'
import type { BlobId } from '../ids/ids.ts'
import { findEntry } from './directory.ts'
import type { Entry, Inode } from './entry.ts'
import { findLink } from './link-table.ts'
import type { BlobLoader } from './node.ts'

/** What a snapshot starts from. */
export interface SnapshotRoot {
  readonly tree: BlobId
  readonly links: BlobId | undefined
}

/** What lies at a path: the root directory itself, or an entry with its inode. */
export type Located =
  | { readonly kind: 'root'; readonly tree: BlobId }
  | { readonly kind: 'entry'; readonly entry: Entry; readonly inode: Inode }

/** The inode of an entry: its own, or the link table's. Throws `vault-damaged` when the table lacks it. */
export async function inodeOf(loader: BlobLoader, root: SnapshotRoot, entry: Entry): Promise<Inode> {
  if ('inode' in entry) return entry.inode
  const record = root.links && (await findLink(loader, root.links, entry.link))
  if (!record) throw new VaultError('vault-damaged', `the link table lacks inode ${entry.link.toString(16)}`)
  return record.inode
}

/** Splits a path into components; empty ones and leading slashes do not count. */
export function splitPath(path: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = []
  let start = 0
  for (let i = 0; i <= path.length; i++) {
    if (i < path.length && path[i] !== 0x2f) continue
    if (i > start) parts.push(path.subarray(start, i))
    start = i + 1
  }
  return parts
}

/** Finds what `path` names, from the root of the snapshot. Throws `path-missing`. */
export async function locate(loader: BlobLoader, root: SnapshotRoot, path: Uint8Array): Promise<Located> {
  let located: Located = { kind: 'root', tree: root.tree }
  for (const name of splitPath(path)) {
    const tree: BlobId | undefined = treeBelow(located)
    const entry = tree && (await findEntry(loader, tree, name))
    if (!entry) {
      const shown = JSON.stringify(Buffer.from(path).toString('utf8'))
      throw new VaultError('path-missing', `the snapshot has no ${shown}`, { hint: 's3vault ls shows what it has' })
    }
    located = { kind: 'entry', entry, inode: await inodeOf(loader, root, entry) }
  }
  return located
}

/** The tree of a located directory; undefined for what is none. */
export function treeBelow(located: Located): BlobId | undefined {
  if (located.kind === 'root') return located.tree
  return located.inode.kind === 'directory' ? located.inode.tree : undefined
}
