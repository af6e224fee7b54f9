// The snapshots themselves, and whether one is gone that others have seen.
import { Semaphore } from '../async/semaphore.ts'
import { describeError, isVaultError } from '../errors/vault-error.ts'
import type { ObjectName, SnapshotId } from '../ids/ids.ts'
import { MARGIN_MS } from '../session/timing.ts'
import {
  nameTime, openSnapshot, parseSnapshotName, SNAPSHOT_PREFIX, type StoredSnapshot,
} from '../snapshot/snapshot.ts'
import type { CheckRun } from './check-run.ts'
import { counted } from './finding-log.ts'
import type { ExpectedSnapshot } from './options.ts'

export interface ReadSnapshots {
  /** Those that open, oldest first. */
  readonly snapshots: readonly StoredSnapshot[]
  /** Ids of all that are listed, damaged ones too, with their server time. */
  readonly listed: ReadonlyMap<SnapshotId, string>
}

/** Opens all snapshots. */
export async function readSnapshots(run: CheckRun): Promise<ReadSnapshots> {
  const listed = new Map<SnapshotId, string>()
  const names: { name: ObjectName; id: SnapshotId }[] = []
  for await (const { name } of run.backend.list(SNAPSHOT_PREFIX, run.readOptions)) {
    const parsed = parseSnapshotName(name)
    if (!parsed) continue // a note of the inventory
    listed.set(parsed.id, parsed.serverTime)
    names.push({ name, id: parsed.id })
  }
  const snapshots: StoredSnapshot[] = []
  const read = async ({ name, id }: { name: ObjectName; id: SnapshotId }): Promise<void> => {
    try {
      snapshots.push(openSnapshot(run.keys, name, await run.backend.get(name, undefined, run.smallObject)))
    } catch (error) {
      if (isVaultError(error, 'object-missing')) return // forgotten since the listing
      if (!isVaultError(error, 'vault-damaged', 'vault-newer')) throw error
      run.log.add({
        severity: 'error', kind: 'snapshot-damaged', object: name, message: describeError(error),
        hurts: { snapshots: [id], paths: [], more: 0 },
        hint: 'what it held may still be in other snapshots; restore the object from a copy if there is one',
      })
    }
    run.advance(1, 0)
  }
  const slots = new Semaphore(Math.max(run.backend.connectionsMax, 4))
  await Promise.all(names.map((snapshot) => slots.with(() => read(snapshot))))
  snapshots.sort((a, b) => (a.name < b.name ? -1 : 1))
  return { snapshots, listed }
}

/** Ids that records of forget name, whatever the rest of such a name is. */
function forgottenIds(names: readonly ObjectName[]): Set<string> {
  return new Set(names.flatMap((name) => name.match(/[0-9a-f]{64}/g) ?? []))
}

function titleOf({ id, host, time, paths }: ExpectedSnapshot): string {
  const [first, second] = paths
  return `${id.slice(0, 8)} (${host}, ${time}, ${first ?? 'no path'}${second === undefined ? '' : ', ...'})`
}

/**
 * Looks for gaps: a predecessor that is neither there nor recorded as forgotten, and a snapshot that saw more others than
 * there can have been. The newest snapshot of a series has no witness here: `expected` are those that this machine has seen.
 */
export function checkChains(
  run: CheckRun, { snapshots, listed }: ReadSnapshots, forgotten: readonly ObjectName[], expected: readonly ExpectedSnapshot[],
): void {
  const forgottenSet = forgottenIds(forgotten)
  const gone = new Map<string, StoredSnapshot[]>()
  for (const snapshot of snapshots) {
    const { previous } = snapshot
    if (previous === undefined || listed.has(previous as SnapshotId) || forgottenSet.has(previous)) continue
    gone.set(previous, [...(gone.get(previous) ?? []), snapshot])
  }
  for (const [id, witnesses] of gone) {
    const [witness] = witnesses
    if (!witness) continue
    run.log.add({
      severity: 'error', kind: 'snapshot-gone', object: `${SNAPSHOT_PREFIX}*-${id}`,
      message: `a snapshot of this series is gone: ${id.slice(0, 8)}, the predecessor of ${titleOf(witness)}`,
      hurts: { snapshots: [id], paths: [], more: 0 },
      hint: 'nobody has recorded a forget: it was deleted from outside; a versioned bucket may still have it',
    })
  }
  const unseen = expected.filter(
    ({ id }) => !listed.has(id as SnapshotId) && !forgottenSet.has(id) && !gone.has(id),
  )
  for (const seen of unseen) {
    run.log.add({
      severity: 'error', kind: 'snapshot-gone', object: `${SNAPSHOT_PREFIX}*-${seen.id}`,
      message: `a snapshot that this machine has seen is gone: ${titleOf(seen)}`,
      hurts: { snapshots: [seen.id], paths: [], more: 0 },
      hint: 'nobody has recorded a forget: it was deleted from outside, or the vault was put back to an earlier state',
    })
  }
  checkWitnesses(run, snapshots, [...listed.values()], forgottenSet.size + gone.size + unseen.length)
}

/** `visible.count`: how many snapshots the writer saw. More than can have been there then: some are gone. */
function checkWitnesses(
  run: CheckRun, snapshots: readonly StoredSnapshot[], listedTimes: readonly string[], accounted: number,
): void {
  const times = [...listedTimes].sort()
  let missing = accounted
  for (const snapshot of snapshots) {
    const until = nameTime(timeOf(snapshot.serverTime) + MARGIN_MS)
    const there = times.filter((time) => time <= until).length - 1 // not itself
    const lacking = snapshot.visible.count - there - missing
    if (lacking <= 0) continue
    missing += lacking
    run.log.add({
      severity: 'error', kind: 'snapshot-gone', object: snapshot.name,
      message: `gone: ${counted(lacking, 'snapshot')} that could be seen when ${titleOf(snapshot)} was made`,
      hint: 'nobody has recorded a forget: deleted from outside; a versioned bucket may still have them',
    })
  }
}

/** ms of `20261127T063237Z`. */
const timeOf = (serverTime: string): number =>
  Date.parse(serverTime.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
