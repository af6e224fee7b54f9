// The directory of snapshots at the root of a mount that shows several: `<time>_<first digits of the id>`, oldest first, and
// `latest`, a symlink to the newest.
import type { NodeType } from '../fuse/file-system.ts'
import { childInode, ROOT_INODE } from '../tree/inode-number.ts'
import { SnapshotView, type ShownSnapshot } from './snapshot-view.ts'

const LATEST = 'latest'

export interface ListedName {
  readonly name: Uint8Array
  readonly inode: bigint
  readonly type: NodeType
}

export class SnapshotList {
  readonly #inodeKey: Uint8Array
  /** Views stay for ever: the kernel may know nodes of snapshots that are gone from the list. */
  readonly views: SnapshotView[] = []
  readonly #numbers = new Map<string, number>()
  #names: readonly string[] = []
  #timeSeconds = 0

  constructor(inodeKey: Uint8Array, snapshots: readonly ShownSnapshot[]) {
    this.#inodeKey = inodeKey
    this.replace(snapshots)
  }

  /** Takes the snapshots that there are now, oldest first. Returns names that lead elsewhere or nowhere now. */
  replace(snapshots: readonly ShownSnapshot[]): string[] {
    const before = this.#names
    this.#names = snapshots.map(({ name }) => name)
    this.#timeSeconds = snapshots.at(-1)?.timeSeconds ?? 0
    for (const snapshot of snapshots) {
      if (this.#numbers.has(snapshot.name)) continue
      const rootInode = childInode(this.#inodeKey, ROOT_INODE, Buffer.from(snapshot.name))
      this.#numbers.set(snapshot.name, this.views.length)
      this.views.push(new SnapshotView(snapshot, rootInode, this.#inodeKey))
    }
    const now = new Set(this.#names)
    const known = new Set(before)
    const changed = [...before.filter((name) => !now.has(name)), ...this.#names.filter((name) => !known.has(name))]
    return changed.length === 0 ? [] : [...changed, LATEST]
  }

  /** Of the newest. */
  get timeSeconds(): number {
    return this.#timeSeconds
  }

  get count(): number {
    return this.#names.length
  }

  /** Number of the view that a name leads to. */
  viewNumber(name: string): number | undefined {
    return this.#names.includes(name) ? this.#numbers.get(name) : undefined
  }

  /** Where `latest` leads; undefined for any other name, and without snapshots. */
  target(name: string): string | undefined {
    return name === LATEST ? this.#names.at(-1) : undefined
  }

  /** Another symlink for each target: what the kernel caches of one never becomes wrong. */
  latestInode(target: string): bigint {
    return childInode(this.#inodeKey, ROOT_INODE, Buffer.from(`${LATEST}/${target}`))
  }

  /** All names, in the order of a listing. */
  listing(): ListedName[] {
    const directories = this.#names.map((name): ListedName => ({
      name: Buffer.from(name), type: 'directory', inode: this.views[this.#numbers.get(name) ?? 0]?.rootInode ?? 0n,
    }))
    const newest = this.#names.at(-1)
    if (newest === undefined) return []
    return [...directories, { name: Buffer.from(LATEST), type: 'symlink', inode: this.latestInode(newest) }]
  }

  /** Logical bytes and entries of all that is shown. */
  totals(): { bytes: number; entries: number } {
    const totals = { bytes: 0, entries: 0 }
    for (const name of this.#names) {
      const view = this.views[this.#numbers.get(name) ?? 0]
      totals.bytes += view?.snapshot.bytes ?? 0
      totals.entries += view?.snapshot.entries ?? 0
    }
    return totals
  }
}
