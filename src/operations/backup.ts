import { parseLocation } from '../backend/location.ts'
import { BackupRun, type BackupResult as RunResult, type BackupTask } from './backup-run.ts'
import { systemSurroundings } from './backup-surroundings.ts'
import { withVault, type Counted, type VaultAccess } from './vault-access.ts'

export interface BackupRequest extends VaultAccess, Omit<BackupTask, 'ownDirectories' | 'signal'> {}
export type BackupResult = RunResult & Counted

/** Backs up. Throws `source-unreadable`, `disk-full`, `interrupted`, and what opening a vault and its storage throw. */
export function backup(request: BackupRequest): Promise<BackupResult> {
  const location = parseLocation(request.repo)
  const vaultDirectory = location.kind === 'directory' ? [location.path] : []
  return withVault(request, ({ repository, local }) => {
    const ownDirectories = [local.directory, ...vaultDirectory]
    return new BackupRun({ ...request, ownDirectories }, repository, systemSurroundings(local)).run()
  })
}
