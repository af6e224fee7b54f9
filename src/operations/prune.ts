// Deletes what no snapshot needs any more.
import { systemClock } from '../async/clock.ts'
import { SystemRandom } from '../async/random.ts'
import { prune as pruneVault, type PruneOptions, type PruneReport } from '../pruner/prune.ts'
import type { EventSink } from './events.ts'
import { withVault, type Counted, type VaultAccess } from './vault-access.ts'

export interface PruneRequest extends VaultAccess, PruneOptions {
  /** How long what is marked waits for its deletion, ms. */
  readonly graceMs: number
  readonly events: EventSink
}

export interface PruneResult extends PruneReport {
  readonly durationMs: number
}

/** Throws `vault-damaged` when what snapshots need is not known or lost, and what opening a vault throws. */
export function prune(request: PruneRequest): Promise<PruneResult & Counted> {
  return withVault(request, async ({ repository }) => {
    const startMs = performance.now()
    const report = await pruneVault({
      repository, clock: systemClock, random: new SystemRandom(), graceMs: request.graceMs,
      ...(request.signal ? { signal: request.signal } : {}),
      onStep: ({ phase, done, total, bytes }) => request.events({
        type: 'progress', phase, itemsDone: done, ...(total === undefined ? {} : { itemsTotal: total }),
        bytesDone: bytes ?? 0, bytesTransferred: bytes ?? 0, errors: 0,
      }),
    }, request)
    return { ...report, durationMs: Math.round(performance.now() - startMs) }
  })
}
