// Which snapshots go by a retention policy or by name, and letting them go.
import { SystemRandom } from '../async/random.ts'
import { ReachWalk } from '../reach/reach-walk.ts'
import { forgetSnapshot } from '../repository/forgetting.ts'
import type { Repository } from '../repository/repository.ts'
import { findSnapshot } from '../repository/snapshots.ts'
import { groupSnapshots, type GroupKey, type SnapshotGroup } from '../retention/grouping.ts'
import { applyPolicy, isEmptyPolicy, type Decision, type RetentionPolicy } from '../retention/policy.ts'
import { VaultError } from '../errors/vault-error.ts'
import { isSelected, type SnapshotFilter } from '../snapshot/snapshot-filter.ts'
import type { StoredSnapshot } from '../snapshot/snapshot.ts'
import type { EventSink } from './events.ts'
import { withVault, type Counted, type VaultAccess } from './vault-access.ts'

/** Snapshots by name, or by a policy on those that pass the filter. */
export type ForgetChoice =
  | { readonly by: 'name'; readonly snapshots: readonly string[] }
  | {
      readonly by: 'policy'
      readonly policy: RetentionPolicy
      readonly groupBy: readonly GroupKey[]
      readonly filter: SnapshotFilter
    }

export interface ForgetRequest extends VaultAccess {
  readonly choice: ForgetChoice
  /** `dry-run` forgets nothing, and measures what forgetting would free: it reads the trees of all snapshots. */
  readonly mode: 'commit' | 'dry-run'
  readonly events: EventSink
}

export interface ForgetGroup extends Omit<SnapshotGroup<StoredSnapshot>, 'snapshots'> {
  /** Newest first. */
  readonly decisions: readonly Decision<StoredSnapshot>[]
}

export interface ForgetResult {
  readonly groups: readonly ForgetGroup[]
  readonly kept: number
  /** Snapshots forgotten, or that would be. */
  readonly forgotten: readonly StoredSnapshot[]
  /** Dry run: stored bytes of blobs that only those need. They become free when prune has run. */
  readonly wouldFree?: { readonly blobs: number; readonly bytes: number }
}

/** Throws `usage` for a policy that keeps nothing, `snapshot-missing`, and what opening a vault throws. */
export function forget(request: ForgetRequest): Promise<ForgetResult & Counted> {
  const { choice } = request
  if (choice.by === 'policy' && isEmptyPolicy(choice.policy)) {
    throw new VaultError('usage', 'a policy that keeps nothing would forget every snapshot', {
      hint: 'give at least one --keep-… flag, or name the snapshots to forget',
    })
  }
  return withVault(request, async ({ repository }) => {
    const { snapshots, damaged } = await repository.snapshots()
    for (const { name, error } of damaged) request.events({ type: 'warning', item: name, message: error.message })
    const groups = decide(snapshots, choice)
    const going = groups.flatMap(({ decisions }) => decisions.filter(({ reasons }) => reasons.length === 0).map(({ snapshot }) => snapshot))
    const counts = { groups, kept: snapshots.length - going.length, forgotten: going }
    if (request.mode === 'dry-run') return { ...counts, wouldFree: await measure(repository, snapshots, going, request.signal) }
    for (const snapshot of going) {
      request.signal?.throwIfAborted()
      await forgetSnapshot(repository, new SystemRandom(), snapshot)
    }
    return counts
  })
}

function decide(snapshots: readonly StoredSnapshot[], choice: ForgetChoice): ForgetGroup[] {
  if (choice.by === 'name') {
    const named = new Set(choice.snapshots.map((text) => findSnapshot(snapshots, text)))
    return [{ decisions: [...named].map((snapshot) => ({ snapshot, reasons: [] })) }]
  }
  const wanted = snapshots.filter((snapshot) => isSelected(snapshot, choice.filter))
  return groupSnapshots(wanted, choice.groupBy).map(({ snapshots: members, ...common }) =>
    ({ ...common, decisions: applyPolicy(members, choice.policy, new Date()) }))
}

/** What only the going snapshots reach: those that stay are walked first. */
async function measure(
  repository: Repository, snapshots: readonly StoredSnapshot[], going: readonly StoredSnapshot[], signal: AbortSignal | undefined,
): Promise<{ blobs: number; bytes: number }> {
  const total = { blobs: 0, bytes: 0 }
  if (going.length === 0) return total
  await repository.loadIndexForReading('listed')
  let isGoing = false
  const walk = new ReachWalk(repository.reader, (_type, id) => {
    if (!isGoing) return
    total.blobs++
    total.bytes += repository.index.locate(id)[0]?.length ?? 0
  }, signal)
  const goes = new Set(going)
  for (const snapshot of snapshots) if (!goes.has(snapshot)) await walk.walk(snapshot)
  isGoing = true
  for (const snapshot of going) await walk.walk(snapshot)
  return total
}
