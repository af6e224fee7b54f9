import { parseLocation } from '../backend/location.ts'
import { archiveWarning } from '../cost/archive-classes.ts'
import type { PriceTable } from '../cost/price-table.ts'
import { estimateBackup, type BackupEstimate } from './backup-estimate.ts'
import { BackupRun, type BackupResult as RunResult, type BackupTask } from './backup-run.ts'
import { systemSurroundings } from './backup-surroundings.ts'
import { withVault, type Counted, type VaultAccess } from './vault-access.ts'

export interface BackupRequest extends VaultAccess, Omit<BackupTask, 'ownDirectories' | 'signal'> {
  /** What a dry run reckons with. Default: no estimate. */
  readonly prices?: PriceTable
}

export interface BackupResult extends Omit<RunResult, 'unstored'>, Counted {
  readonly estimate?: BackupEstimate
}

/** Backs up. Throws `source-unreadable`, `disk-full`, `interrupted`, and what opening a vault and its storage throw. */
export function backup(request: BackupRequest): Promise<BackupResult> {
  const location = parseLocation(request.repo)
  const vaultDirectory = location.kind === 'directory' ? [location.path] : []
  const { storageClass, prices, events } = request
  const warning = storageClass === undefined ? undefined : archiveWarning(storageClass)
  if (warning !== undefined) events({ type: 'notice', message: warning })
  return withVault(request, async ({ repository, storage, local }) => {
    const ownDirectories = [local.directory, ...vaultDirectory]
    const run = new BackupRun({ ...request, ownDirectories }, repository, systemSurroundings(local))
    const { unstored: packs, ...result } = await run.run()
    if (packs === undefined || prices === undefined) return result
    return { ...result, estimate: await estimateBackup(storage, { packs, counts: storage.counts, storageClass, prices }) }
  })
}
