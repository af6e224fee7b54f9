// What must hold when a schedule is over, whatever happened in it.
import { check } from '../../src/check/check.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { type ObjectName } from '../../src/ids/ids.ts'
import { parseSegmentName, SEGMENT_PREFIX, openSegment } from '../../src/index/segment.ts'
import { parsePackName } from '../../src/pack/layout.ts'
import { prune } from '../../src/pruner/prune.ts'
import { ReachWalk } from '../../src/reach/reach-walk.ts'
import { Repository } from '../../src/repository/repository.ts'
import type { UnlockedVault } from '../../src/repository/unlock.ts'
import { isDamageName, openDamage } from '../../src/session/damage.ts'
import { LEASE_MS, MARGIN_MS } from '../../src/session/timing.ts'
import { readSnapshotFiles, TestClock } from '../support/simulated-backup.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { InstantBackend } from './instant-backend.ts'
import { assertFiles, type Promises } from './jobs.ts'
import type { World } from './world.ts'

export interface Trial {
  readonly world: World
  readonly vault: UnlockedVault
  readonly promises: Promises
  readonly graceMs: number
  readonly maxUnused: { readonly bytes: number } | { readonly part: number }
  /** With sound ones no commit may rest on what is gone (rule 11); with blind ones its writer has to say so (rule 13). */
  readonly clocks: 'sound' | 'blind'
  /** `whole` adds what costs as much as the rest: a check that reads everything, and two prunes that remove old segments. */
  readonly thoroughness: 'restores' | 'whole'
}

/** Complaints; none for a sound vault. */
export async function judge(trial: Trial): Promise<string[]> {
  const { world, graceMs } = trial
  const complaints: string[] = []
  if (world.chance(1, 2)) world.deliverLate()
  world.nowMs += LEASE_MS + MARGIN_MS + 1000
  await judgeSnapshots(trial, 'at the end', complaints)
  const passes = trial.thoroughness === 'whole' ? ['first', 'second', 'third', 'fourth'] : ['first', 'second']
  for (const pass of passes) {
    world.deliverLate()
    world.nowMs += graceMs + 24 * 3_600_000
    try {
      await pruneNow(trial)
    } catch (error) {
      complaints.push(`the ${pass} prune after the end: ${String(error)}`)
      return complaints
    }
    if (pass === 'second') await judgeRemains(trial, complaints)
  }
  await judgeSnapshots(trial, 'after further prunes', complaints)
  if (trial.thoroughness === 'whole') judgeSegments(trial, complaints)
  return complaints
}

const backendOf = ({ world }: Trial): InstantBackend => new InstantBackend(world.store, () => world.nowMs)

async function pruneNow(trial: Trial): Promise<void> {
  const { vault, graceMs, maxUnused } = trial
  await prune(
    { repository: new Repository(backendOf(trial), vault), clock: new TestClock(), random: new SeededRandom(trial.world.nowMs), graceMs },
    { mode: 'commit', maxUnused, maxRepackBytes: Number.POSITIVE_INFINITY },
  )
}

/** Snapshots whose damage its own writer has reported and recorded. */
async function confessed({ world, vault }: Trial): Promise<Set<ObjectName>> {
  const roots = new Set<ObjectName>()
  for (const [name, { bytes }] of world.store.objects) {
    if (isDamageName(name)) for (const root of openDamage(vault.keys, name, bytes).roots) roots.add(root)
  }
  return roots
}

async function judgeSnapshots(trial: Trial, when: string, complaints: string[]): Promise<void> {
  const backend = backendOf(trial)
  const repository = new Repository(backend, trial.vault)
  const { snapshots, damaged } = await repository.snapshots()
  for (const { error } of damaged) complaints.push(`${when}: ${error.message}`)
  await repository.loadIndex({ onDamage: 'stop' })
  const known = await confessed(trial)
  if (trial.clocks === 'sound') for (const name of known) complaints.push(`${when}: ${name.slice(0, 36)} was stored and damaged, with sound clocks`)
  const there = new Set(snapshots.map(({ name }) => name))
  for (const name of trial.promises.kept) if (!there.has(name) && !known.has(name)) complaints.push(`${when}: ${name.slice(0, 36)} is gone`)
  for (const snapshot of snapshots) {
    if (known.has(snapshot.name)) continue
    try {
      assertFiles(snapshot, await readSnapshotFiles(repository, snapshot))
    } catch (error) {
      complaints.push(`${when}: snapshot ${snapshot.id.slice(0, 8)} (${snapshot.tags.join()}): ${String(error)}`)
    }
  }
  if (trial.thoroughness === 'whole' && known.size === 0) complaints.push(...(await checkErrors(trial)).map((error) => `${when}: check: ${error}`))
}

async function checkErrors(trial: Trial): Promise<string[]> {
  const report = await check({
    backend: backendOf(trial), keys: trial.vault.keys, clock: new TestClock(), random: new SeededRandom(1), threads: 0, readData: { by: 'all' },
  })
  return report.findings.filter(({ severity }) => severity === 'error').map(({ object, message }) => `${object}: ${message}`)
}

/** Packs that hold nothing that a snapshot needs. */
async function judgeRemains(trial: Trial, complaints: string[]): Promise<void> {
  const repository = new Repository(backendOf(trial), trial.vault)
  const { snapshots } = await repository.snapshots()
  const { index } = await repository.loadIndex()
  const walk = new ReachWalk(repository.reader, () => undefined)
  for (const snapshot of snapshots) {
    await walk.walk(snapshot).catch((error: unknown) => {
      if (!isVaultError(error, 'vault-damaged')) throw error // told of already
    })
  }
  const needed = new Set<string>()
  index.table.eachCopy((id, packNumber) => {
    const pack = index.packs[packNumber]
    if (pack && walk.has(id)) needed.add(pack.id)
  })
  for (const name of trial.world.store.objects.keys()) {
    const pack = parsePackName(name)
    if (pack && !needed.has(pack.id)) complaints.push(`pack ${pack.id.slice(0, 16)} (${pack.kind}) stays, and nobody needs it`)
  }
}

/** Segments that another one replaces. */
function judgeSegments({ world, vault }: Trial, complaints: string[]): void {
  const there = new Set<string>()
  const superseded = new Set<string>()
  for (const [name, { bytes }] of world.store.objects) {
    if (!name.startsWith(SEGMENT_PREFIX)) continue
    const id = parseSegmentName(name)
    if (!id) continue
    there.add(id)
    for (const old of openSegment(vault.keys, id, bytes).supersedes) superseded.add(old)
  }
  for (const id of superseded) if (there.has(id)) complaints.push(`segment ${id.slice(0, 16)} stays, and another one replaces it`)
}
