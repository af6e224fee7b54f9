// Verifies a vault.
import { availableParallelism } from 'node:os'
import { systemClock } from '../async/clock.ts'
import { SystemRandom } from '../async/random.ts'
import { SeenSnapshots } from '../cache/seen-snapshots.ts'
import { check as checkVault } from '../check/check.ts'
import type { Finding } from '../check/finding.ts'
import type { CheckCounts } from '../check/options.ts'
import { parsePackSelection, type PackSelection } from '../check/pack-selection.ts'
import type { EventSink } from './events.ts'
import { withVault, type Counted, type VaultAccess } from './vault-access.ts'

export interface CheckRequest extends VaultAccess {
  /** Whose content is read too: none, all packs, or a part (`5%`, `2/7`, `10G`). */
  readonly readData: { readonly kind: 'none' } | { readonly kind: 'all' } | { readonly kind: 'subset'; readonly subset: string }
  readonly events: EventSink
  readonly onFinding: (finding: Finding) => void
  readonly threads?: number
}

export interface CheckResult extends CheckCounts, Counted {
  readonly errors: number
  readonly notes: number
  readonly bytesRead: number
  readonly durationMs: number
}

const THREADS_MAX = 8

function selectionOf(readData: CheckRequest['readData']): PackSelection | undefined {
  if (readData.kind === 'none') return undefined
  return readData.kind === 'all' ? { by: 'all' } : parsePackSelection(readData.subset)
}

/** Damage is a finding, not an exception. Throws `usage` on a malformed subset, and what opening a vault throws. */
export async function check(request: CheckRequest): Promise<CheckResult> {
  const readData = selectionOf(request.readData)
  return withVault(request, async ({ repository, storage, local }) => {
    const { errors, notes, counts, bytesRead, durationMs } = await checkVault({
      backend: storage, expected: new SeenSnapshots(local.directory).read(), keys: repository.keys, clock: systemClock, random: new SystemRandom(),
      threads: request.threads ?? Math.min(availableParallelism(), THREADS_MAX), onFinding: request.onFinding,
      ...(readData ? { readData } : {}), ...(request.signal ? { signal: request.signal } : {}),
      onProgress: (progress) => request.events({
        type: 'progress', phase: `check ${progress.phase}`, itemsDone: progress.done, bytesDone: progress.bytesDone,
        bytesTransferred: storage.counts.bytesDown, errors: progress.errors,
        ...(progress.total > 0 ? { itemsTotal: progress.total } : {}),
        ...(progress.bytesTotal > 0 ? { bytesTotal: progress.bytesTotal } : {}),
      }),
    })
    return { errors, notes, ...counts, bytesRead, durationMs }
  })
}
