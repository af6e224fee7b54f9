// Runs operations of a file system to their end, with blobs that come from a vault in memory, each in a turn of its own.
import type { VaultError } from '../../src/errors/vault-error.ts'
import type { DirectorySink, Entry, NodeType, Operation } from '../../src/fuse/file-system.ts'
import type { BlobType } from '../../src/crypto/keyring.ts'
import { blobId, type BlobId } from '../../src/ids/ids.ts'
import { BlobCache, type BlobRequest } from '../../src/vfs/blob-cache.ts'
import { SnapshotFileSystem, type Shown, type SnapshotFileSystemOptions } from '../../src/vfs/snapshot-file-system.ts'
import type { ShownSnapshot } from '../../src/vfs/snapshot-view.ts'
import type { StoredTree, TestVault } from '../support/tree-maker.ts'

export async function finish<Result>(operation: Operation<Result>): Promise<Result> {
  for (;;) {
    const step = operation.next()
    if (step.done) return step.value
    await new Promise<void>((resume) => step.value(resume))
  }
}

/** `load` as of the vault; `requests` are all that were made. */
export function cacheOf(
  load: (type: BlobType, id: BlobId) => Promise<Uint8Array>, memoryBytes = 2 ** 26,
): { cache: BlobCache; requests: BlobRequest[] } {
  const requests: BlobRequest[] = []
  const cache: BlobCache = new BlobCache(memoryBytes, (request) => {
    const isRepeated = requests.some(({ number }) => number === request.number)
    requests.push(request)
    if (isRepeated) return
    load(request.type, blobId(request.id)).then(
      (bytes) => cache.arrived(request.number, Uint8Array.from(bytes)),
      (error: unknown) => cache.failed(request.number, String(error)),
    )
  })
  return { cache, requests }
}

export const shownOf = (name: string, { tree, links }: StoredTree): ShownSnapshot =>
  ({ name, tree, links, timeSeconds: 1_700_000_000, bytes: 5000, entries: 12 })

export interface ServedTree {
  readonly fileSystem: SnapshotFileSystem
  readonly requests: BlobRequest[]
  readonly problems: VaultError[]
}

export function serve(vault: TestVault, shown: Shown, options: Partial<SnapshotFileSystemOptions> = {}): ServedTree {
  const { cache, requests } = cacheOf((type, id) => vault.loader.load(type, id))
  const problems: VaultError[] = []
  const fileSystem = new SnapshotFileSystem({
    shown, blobs: cache, inodeKey: vault.keys.inodeKey(), owner: { uid: 7, gid: 8 }, treeBytesMax: 2 ** 22,
    aheadBytesMax: 2 ** 22, onProblem: (error) => problems.push(error), ...options,
  })
  return { fileSystem, requests, problems }
}

export interface Listed {
  readonly name: string
  readonly inode: bigint
  readonly type: NodeType
  readonly cookie: number
  readonly entry: Entry | undefined
}

/** Takes so many entries and is full then. */
export class ListSink implements DirectorySink {
  readonly listed: Listed[] = []
  readonly wantsEntries: boolean
  readonly #countMax: number

  constructor(wantsEntries: boolean, countMax = Infinity) {
    this.wantsEntries = wantsEntries
    this.#countMax = countMax
  }

  hasRoom(): boolean {
    return this.listed.length < this.#countMax
  }

  addName(name: Uint8Array, inode: bigint, type: NodeType, cookie: number): void {
    this.listed.push({ name: Buffer.from(name).toString('latin1'), inode, type, cookie, entry: undefined })
  }

  addEntry(name: Uint8Array, entry: Entry, cookie: number): void {
    const { inode, type } = entry.attributes
    this.listed.push({ name: Buffer.from(name).toString('latin1'), inode, type, cookie, entry })
  }
}
