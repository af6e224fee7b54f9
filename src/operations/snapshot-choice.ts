// Which snapshot an operation works on, and what the person is told about the choice.
import { findSnapshot } from '../repository/snapshots.ts'
import type { Repository } from '../repository/repository.ts'
import { isSelected, seriesOf, type SnapshotFilter } from '../snapshot/snapshot-filter.ts'
import type { StoredSnapshot } from '../snapshot/snapshot.ts'

export interface SnapshotChoice {
  /** An id prefix, `latest` or `latest~N`. */
  readonly snapshot: string
  /** `latest` is that of these. Default: of all. */
  readonly filter?: SnapshotFilter
  /** Hears which one it is, before anything is done with it. */
  readonly onChosen?: (chosen: ChosenSnapshot) => void
}

export interface ChosenSnapshot {
  readonly snapshot: StoredSnapshot
  /** Hosts and sets of paths that `latest` could have meant; 1 when there was no choice. */
  readonly series: number
}

/** Throws `snapshot-missing`, or `usage` when an id prefix fits several. */
export async function chooseSnapshot(repository: Repository, choice: SnapshotChoice): Promise<StoredSnapshot> {
  const { snapshots } = await repository.snapshots()
  const filter = choice.filter ?? {}
  const snapshot = findSnapshot(snapshots, choice.snapshot, filter)
  const candidates = /^latest/.test(choice.snapshot) ? snapshots.filter((other) => isSelected(other, filter)) : [snapshot]
  choice.onChosen?.({ snapshot, series: new Set(candidates.map(seriesOf)).size })
  return snapshot
}
