import { SeenSnapshots } from '../cache/seen-snapshots.ts'
import { isSelected, type SnapshotFilter } from '../snapshot/snapshot-filter.ts'
import type { StoredSnapshot } from '../snapshot/snapshot.ts'
import { withVault, type Counted, type VaultAccess } from './vault-access.ts'

export interface SnapshotsRequest extends VaultAccess {
  readonly filter: SnapshotFilter
}

export interface SnapshotsResult extends Counted {
  /** Oldest first. */
  readonly snapshots: readonly StoredSnapshot[]
  readonly damaged: readonly { readonly name: string; readonly message: string }[]
}

export function snapshots(request: SnapshotsRequest): Promise<SnapshotsResult> {
  return withVault(request, async ({ repository, local }) => {
    const listing = await repository.snapshots()
    new SeenSnapshots(local.directory).remember(listing.snapshots)
    return {
      snapshots: listing.snapshots.filter((snapshot) => isSelected(snapshot, request.filter)),
      damaged: listing.damaged.map(({ name, error }) => ({ name, message: error.message })),
    }
  })
}
