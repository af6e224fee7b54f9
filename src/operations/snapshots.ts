import { SeenSnapshots } from '../cache/seen-snapshots.ts'
import type { StoredSnapshot } from '../snapshot/snapshot.ts'
import { withVault, type Counted, type VaultAccess } from './vault-access.ts'

export interface SnapshotsRequest extends VaultAccess {
  readonly host?: string
  /** Snapshots that carry this tag. */
  readonly tag?: string
  /** Snapshots that have this source path (text as snapshots show it). */
  readonly path?: string
}

export interface SnapshotsResult extends Counted {
  /** Oldest first. */
  readonly snapshots: readonly StoredSnapshot[]
  readonly damaged: readonly { readonly name: string; readonly message: string }[]
}

export function snapshots(request: SnapshotsRequest): Promise<SnapshotsResult> {
  const { host, tag, path } = request
  return withVault(request, async ({ repository, local }) => {
    const listing = await repository.snapshots()
    new SeenSnapshots(local.directory).remember(listing.snapshots)
    return {
      snapshots: listing.snapshots.filter(
        (snapshot) =>
          (host === undefined || snapshot.host === host) && (tag === undefined || snapshot.tags.includes(tag)) &&
          (path === undefined || snapshot.paths.includes(path)),
      ),
      damaged: listing.damaged.map(({ name, error }) => ({ name, message: error.message })),
    }
  })
}
