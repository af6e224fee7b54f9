import type { BlobId } from '../ids/ids.ts'
import { isVaultError } from '../errors/vault-error.ts'
import { pathBytes } from '../snapshot/path-text.ts'
import { linksOf, treeOf, type StoredSnapshot } from '../snapshot/snapshot.ts'
import { readDirectoryTree } from '../tree/directory.ts'
import type { Entry, Inode } from '../tree/entry.ts'
import { inodeOf, locate, splitPath, treeBelow, type Located, type SnapshotRoot } from '../tree/tree-path.ts'
import type { BlobLoader } from '../tree/node.ts'
import { chooseSnapshot, type SnapshotChoice } from './snapshot-choice.ts'
import { withVault, type Counted, type VaultAccess } from './vault-access.ts'

export interface ListedEntry {
  /** Absolute path in the snapshot, raw bytes. */
  readonly path: Uint8Array
  readonly entry: Entry
  /** With links resolved. */
  readonly inode: Inode
}

export interface LsRequest extends VaultAccess, SnapshotChoice {
  /** Default: all of it with `recursive`; else where the backed up paths part, as the directories above them say nothing. */
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
    const snapshot = await chooseSnapshot(repository, request)
    await repository.loadIndexForReading('listed')
    const root: SnapshotRoot = { tree: treeOf(snapshot), links: linksOf(snapshot) }
    const { path, located } = await startOf(repository.reader, root, snapshot, request)
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

async function startOf(
  loader: BlobLoader, root: SnapshotRoot, snapshot: StoredSnapshot, { path, depth }: LsRequest,
): Promise<{ path: Uint8Array; located: Located }> {
  if (path === undefined && depth === 'direct') {
    const common = commonPath(snapshot.paths.map(pathBytes))
    try {
      return { path: common, located: await locate(loader, root, common) }
    } catch (error) {
      // A source that could not be read is in no tree.
      if (!isVaultError(error, 'path-missing')) throw error
    }
  }
  const start = path ?? SLASH
  return { path: start, located: await locate(loader, root, start) }
}

/** The path of the only source, or the deepest directory above all of them. */
function commonPath(sources: readonly Uint8Array[]): Uint8Array {
  const [first = [], ...others] = sources.map(splitPath)
  let count = first.length
  for (const parts of others) {
    const isCommon = (part: Uint8Array, i: number): boolean => Buffer.compare(part, parts[i] ?? new Uint8Array(0)) === 0
    while (count > 0 && !first.slice(0, count).every(isCommon)) count--
  }
  return Buffer.concat(first.slice(0, count).flatMap((part) => [SLASH, part]).concat(count === 0 ? [SLASH] : []))
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
