import type { BlobId } from '../ids/ids.ts'
import { findSnapshot } from '../repository/snapshots.ts'
import { linksOf, treeOf, type StoredSnapshot } from '../snapshot/snapshot.ts'
import { readDirectoryTree } from '../tree/directory.ts'
import type { Entry, Inode } from '../tree/entry.ts'
import { inodeOf, locate, treeBelow, type SnapshotRoot } from '../tree/tree-path.ts'
import type { BlobLoader } from '../tree/node.ts'
import { withVault, type Counted, type VaultAccess } from './vault-access.ts'

export interface ListedEntry {
  /** Absolute path in the snapshot, raw bytes. */
  readonly path: Uint8Array
  readonly entry: Entry
  /** With links resolved. */
  readonly inode: Inode
}

export interface LsRequest extends VaultAccess {
  /** An id prefix, `latest` or `latest~N`. */
  readonly snapshot: string
  readonly path?: Uint8Array
  readonly depth: 'recursive' | 'direct'
  readonly onEntry: (entry: ListedEntry) => void
}

export interface LsResult extends Counted {
  readonly snapshot: StoredSnapshot
  readonly entries: number
}

const SLASH = Uint8Array.of(0x2f)

/** Lists what a snapshot has at or below a path. Throws `snapshot-missing`, `path-missing`, `vault-damaged`. */
export function ls(request: LsRequest): Promise<LsResult> {
  return withVault(request, async ({ repository }) => {
    const snapshot = findSnapshot((await repository.snapshots()).snapshots, request.snapshot)
    await repository.loadIndexForReading('listed')
    const root: SnapshotRoot = { tree: treeOf(snapshot), links: linksOf(snapshot) }
    const path = request.path ?? SLASH
    const located = await locate(repository.reader, root, path)
    const tree = treeBelow(located)
    const start = path.length === 1 && path[0] === 0x2f ? new Uint8Array(0) : trimSlashes(path)
    if (tree === undefined && located.kind === 'entry') {
      request.onEntry({ path: start, entry: located.entry, inode: located.inode })
      return { snapshot, entries: 1 }
    }
    const lister = new Lister(repository.reader, root, request)
    if (tree) await lister.list(tree, start)
    return { snapshot, entries: lister.entries }
  })
}

function trimSlashes(path: Uint8Array): Uint8Array {
  let end = path.length
  while (end > 0 && path[end - 1] === 0x2f) end--
  const start = path[0] === 0x2f ? 0 : -1
  return start < 0 ? Buffer.concat([SLASH, path.subarray(0, end)]) : path.subarray(0, end)
}

class Lister {
  readonly #loader: BlobLoader
  readonly #root: SnapshotRoot
  readonly #request: LsRequest
  entries = 0

  constructor(loader: BlobLoader, root: SnapshotRoot, request: LsRequest) {
    this.#loader = loader
    this.#root = root
    this.#request = request
  }

  async list(tree: BlobId, directory: Uint8Array): Promise<void> {
    for await (const entry of readDirectoryTree(this.#loader, tree)) {
      this.#request.signal?.throwIfAborted()
      const inode = await inodeOf(this.#loader, this.#root, entry)
      const path = Buffer.concat([directory, SLASH, entry.name])
      this.#request.onEntry({ path, entry, inode })
      this.entries++
      if (this.#request.depth === 'recursive' && inode.kind === 'directory') await this.list(inode.tree, path)
    }
  }
}
