// The vault as a mount sees it over time: blobs by an index that follows what others add and move, and the snapshots that
// are to be shown.
import type { BlockBackend } from '../cache/block-backend.ts'
import type { BlobType } from '../crypto/keyring.ts'
import { isVaultError } from '../errors/vault-error.ts'
import type { BlobId } from '../ids/ids.ts'
import type { Repository } from '../repository/repository.ts'
import { linksOf, treeOf, type StoredSnapshot } from '../snapshot/snapshot.ts'
import type { ShownSnapshot } from '../vfs/snapshot-view.ts'

/** The index is not looked at again for a blob that is not found more often than this. */
const INDEX_RENEWAL_MS = 30_000

export interface VaultViewOptions {
  readonly repository: Repository
  /** What the repository reads content through, when it does. */
  readonly blocks?: BlockBackend
  readonly isShown: (snapshot: StoredSnapshot) => boolean
  readonly onProblem: (error: unknown) => void
}

export class VaultView {
  readonly #repository: Repository
  readonly #blocks: BlockBackend | undefined
  readonly #isShown: (snapshot: StoredSnapshot) => boolean
  readonly #onProblem: (error: unknown) => void
  #index: Promise<void> | undefined
  #renewedMs = -Infinity

  constructor({ repository, blocks, isShown, onProblem }: VaultViewOptions) {
    this.#repository = repository
    this.#blocks = blocks
    this.#isShown = isShown
    this.#onProblem = onProblem
  }

  /** Begins to load the index, so that the first look-up finds it there. A failure is met again by who needs it. */
  prepare(): void {
    this.#loadedIndex().catch(() => undefined)
  }

  /**
   * Loads a blob. One that is not as it should be is fetched once more from storage itself, and the index is looked at again,
   * as it may have been moved. Throws `vault-damaged` and what the backend throws.
   */
  async load(type: BlobType, id: BlobId): Promise<Uint8Array> {
    await this.#loadedIndex()
    try {
      return await this.#repository.reader.load(type, id)
    } catch (error) {
      if (!isVaultError(error, 'vault-damaged')) throw error
      for (const { pack, offset, length } of this.#repository.index.locate(id)) await this.#blocks?.drop(pack.id, { offset, length })
      if (performance.now() - this.#renewedMs >= INDEX_RENEWAL_MS) await this.extendIndex()
      return await this.#repository.reader.load(type, id)
    }
  }

  /** The snapshots to show, oldest first. The index knows the blobs of all of them. */
  async snapshots(): Promise<StoredSnapshot[]> {
    const { snapshots, damaged } = await this.#repository.snapshots()
    for (const { error } of damaged) this.#onProblem(error)
    return snapshots.filter(this.#isShown)
  }

  /** Follows what was added to the index since it was loaded. */
  async extendIndex(): Promise<void> {
    await this.#loadedIndex()
    this.#renewedMs = performance.now()
    await this.#repository.extendIndex()
  }

  #loadedIndex(): Promise<void> {
    return (this.#index ??= this.#loadIndex().catch((error: unknown) => {
      this.#index = undefined // the next one tries again
      throw error
    }))
  }

  async #loadIndex(): Promise<void> {
    const { damaged } = await this.#repository.loadIndexForReading('listed')
    for (const { error } of damaged) this.#onProblem(error)
  }
}

const ID_DIGITS = 8

/** Snapshots with the names of their directories: `2026-11-27T06-32-37Z_4bba301e`. */
export function shownSnapshots(snapshots: readonly StoredSnapshot[]): ShownSnapshot[] {
  const taken = new Set<string>()
  return snapshots.map((snapshot) => {
    const time = snapshot.serverTime.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4-$5-$6Z')
    const short = `${time}_${snapshot.id.slice(0, ID_DIGITS)}`
    const name = taken.has(short) ? `${time}_${snapshot.id}` : short
    taken.add(name)
    return {
      name, tree: treeOf(snapshot), links: linksOf(snapshot), timeSeconds: Math.floor(Date.parse(snapshot.time) / 1000),
      bytes: snapshot.summary?.bytes ?? 0, entries: entriesOf(snapshot),
    }
  })
}

const entriesOf = ({ summary }: StoredSnapshot): number =>
  summary === undefined ? 0 : summary.files + summary.directories + summary.others
