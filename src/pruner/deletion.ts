// The second pass (gc protocol, rules 19 to 23): marks that have stood for the grace period, and that everybody who writes
// knows of, are decided and carried out. Whatever was committed meanwhile and needs a marked pack gets it pardoned or copied.
import { exclusively } from '../backend/exclusive.ts'
import { VaultError } from '../errors/vault-error.ts'
import type { ObjectName, PackId, SegmentId, SessionId } from '../ids/ids.ts'
import { segmentName } from '../index/segment.ts'
import { packName } from '../pack/layout.ts'
import { PackStore } from '../repository/pack-store.ts'
import { rescuePacks } from '../repository/pack-rescue.ts'
import { condemnedPacks, deadPacks, listGc, putGcObject, type GcMark, type GcStage } from './gc-objects.ts'
import type { PruneParts } from './parts.ts'
import { listRoots } from './roots.ts'
import { replaceSegments } from './segment-merging.ts'
import { unaware, type ListedSession } from './sessions.ts'
import { listTimes, readView, walkRoots, type VaultView } from './view.ts'

export interface DueMark {
  readonly mark: string
  readonly marked: GcStage
  /** Set when a former run decided it and did not finish. */
  readonly dead: GcStage | undefined
}

export interface Deletion {
  packsDeleted: number
  bytesDeleted: number
  segmentsDeleted: number
  /** Packs that were marked and are needed again. */
  packsPardoned: number
}

/** Open marks that are old enough, and those that have to wait, with what they wait for. */
export function sortMarks(
  marks: readonly GcMark[], sessions: readonly ListedSession[], graceMs: number, nowMs: number,
): { due: DueMark[]; waiting: { mark: string; untilMs: number; sessions: string[] }[] } {
  const due: DueMark[] = []
  const waiting: { mark: string; untilMs: number; sessions: string[] }[] = []
  for (const { mark, stages } of marks) {
    const marked = stages.get('mark')
    if (!marked || stages.has('done')) continue
    const untilMs = marked.modifiedMs + graceMs
    const behind = unaware(sessions, mark, marked.modifiedMs).map(({ sid }) => sid)
    // Decided already: nobody may rest on it any more, what is left is to carry it out.
    const dead = stages.get('dead')
    if (dead || (nowMs >= untilMs && behind.length === 0)) due.push({ mark, marked, dead })
    else waiting.push({ mark, untilMs, sessions: behind })
  }
  return { due, waiting }
}

/** Decides and carries out the marks that are due. Returns the view it worked with, and what it did. */
export async function deleteMarked(
  parts: PruneParts, sid: SessionId, sessions: readonly ListedSession[], due: readonly DueMark[],
): Promise<{ view: VaultView; deletion: Deletion }> {
  const { repository, signal } = parts
  // In a directory no commit is published meanwhile; on S3 an expiring signature does the same (rule 11).
  return exclusively(repository.backend, async () => {
    const view = await readView(parts, sessions) // rule 20
    const deletion: Deletion = { packsDeleted: 0, bytesDeleted: 0, segmentsDeleted: 0, packsPardoned: 0 }
    const needed = neededPacks(view)
    const decided = new Map<string, { packs: PackId[]; segments: SegmentId[] }>()
    for (const { mark, marked, dead } of due) {
      const packs = [...(dead?.packs ?? marked.packs)].filter((pack) => dead !== undefined || !needed.has(pack))
      deletion.packsPardoned += (dead?.packs ?? marked.packs).size - packs.length
      const segments = replacedSegments(view, dead?.segments ?? marked.segments)
      if (!dead) await putGcObject(repository, parts.random, mark, `${sid}.dead`, { packs, segments }) // rule 21
      decided.set(mark, { packs, segments })
    }
    const dead = new Set([...decided.values()].flatMap(({ packs }) => packs))
    await rescueLatecomers(parts, sessions, view, dead) // rule 22
    await carryOut(parts, sid, view, decided, dead, deletion) // rule 23
    return { view, deletion }
  }, signal)
}

/** Rule 20: marked packs that are pinned, or hold a needed blob that has no usable place. */
function neededPacks({ index, roots, walk }: VaultView): Set<PackId> {
  const needed = new Set<PackId>(roots.pinned)
  const { table, states, packs } = index
  table.eachCopy((id, packNumber) => {
    const pack = packs[packNumber]
    if (!pack || states.isUsable(packNumber) || needed.has(pack.id)) return
    if (walk.has(id) && table.find(id, states.isUsable) === undefined) needed.add(pack.id)
  })
  return needed
}

/** Marked segments all of whose packs another segment names, or prune has decided on. */
function replacedSegments({ index, segments, marks }: VaultView, marked: ReadonlySet<SegmentId>): SegmentId[] {
  const dead = deadPacks(marks)
  const needed = new Set<SegmentId>()
  for (const pack of index.packs) {
    if (dead.has(pack.id)) continue
    const naming = [...pack.segments]
    if (!naming.some((segment) => segments.has(segment) && !marked.has(segment))) for (const segment of naming) needed.add(segment)
  }
  return [...marked].filter((segment) => !needed.has(segment))
}

/** Snapshots and pins that came since the roots were listed: what they need of dead packs is copied, the packs stay dead. */
async function rescueLatecomers(
  parts: PruneParts, sessions: readonly ListedSession[], view: VaultView, dead: ReadonlySet<PackId>,
): Promise<void> {
  const { repository, random, signal } = parts
  const roots = await listRoots(repository, sessions, signal)
  const known = new Set(view.roots.snapshots.map(({ id }) => id))
  const late = {
    snapshots: roots.snapshots.filter(({ id }) => !known.has(id)),
    pinnedRoots: new Set([...roots.pinnedRoots].filter((root) => !view.roots.pinnedRoots.has(root))),
    pinned: new Set([...roots.pinned].filter((pack) => !view.roots.pinned.has(pack))),
  }
  if (late.snapshots.length + late.pinnedRoots.size > 0) {
    const condemned = [...dead, ...view.index.packs.filter(({ id }) => view.index.isCondemned(id)).map(({ id }) => id)]
    await repository.loadIndex({ condemned }) // a late snapshot's own packs are in segments that were not there before
    await walkRoots(parts, view, late)
  }
  // Those that this run has decided are needed by latecomers only; those of a run that died, perhaps by others too.
  const current = { ...view, index: repository.index, roots: { ...roots, pinned: late.pinned } }
  const needed = [...neededPacks(current)].filter((pack) => dead.has(pack))
  if (needed.length === 0) return
  const store = new PackStore({ backend: repository.backend, keys: repository.keys, random, index: repository.index })
  const gone = await rescuePacks(repository, store, random, needed)
  if (gone.size > 0) await requireElsewhere(parts, view, gone)
}

/**
 * Another prune that decided on these packs too has deleted them: it copied what was needed, and whoever pinned one in vain
 * copies it or fails. Throws `vault-damaged` for a blob that snapshots need and that has no other place.
 */
async function requireElsewhere(parts: PruneParts, view: VaultView, gone: ReadonlySet<PackId>): Promise<void> {
  const { repository, signal } = parts
  const marks = await listGc(repository.backend, repository.keys, signal)
  await repository.loadIndex({ condemned: [...condemnedPacks(marks), ...gone] })
  const current = { ...view, index: repository.index, roots: { ...view.roots, pinned: new Set<PackId>() } }
  const lost = [...neededPacks(current)].find((pack) => gone.has(pack))
  if (lost === undefined) return
  throw new VaultError('vault-damaged', `pack ${lost.slice(0, 16)} is needed again and gone already`, { hint: 's3vault check names what it hurts' })
}

async function carryOut(
  { repository, random, signal, onStep }: PruneParts, sid: SessionId, view: VaultView,
  decided: ReadonlyMap<string, { packs: PackId[]; segments: SegmentId[] }>, dead: ReadonlySet<PackId>, deletion: Deletion,
): Promise<void> {
  const { backend } = repository
  const going = new Set([...decided.values()].flatMap(({ segments }) => segments))
  const naming = new Set<SegmentId>()
  for (const pack of view.index.packs) if (dead.has(pack.id)) for (const segment of pack.segments) naming.add(segment)
  // What earlier runs deleted is not repeated either, or its records could never be removed.
  const unnamed = new Set([...dead, ...deadPacks(view.marks)])
  await replaceSegments(repository, random, [...naming].filter((segment) => !going.has(segment)), unnamed, signal)
  const stored = await listTimes(backend, 'packs/', signal)
  for (const [mark, { packs, segments }] of decided) {
    for (const id of packs) {
      signal?.throwIfAborted()
      for (const name of namesOf(id)) {
        const info = stored.get(name)
        if (!info) continue
        await backend.delete(name)
        deletion.packsDeleted++
        deletion.bytesDeleted += info.sizeBytes
      }
      onStep?.({ phase: 'delete', done: deletion.packsDeleted, total: dead.size, bytes: deletion.bytesDeleted })
    }
    for (const id of segments) await backend.delete(segmentName(id))
    deletion.segmentsDeleted += segments.length
    await putGcObject(repository, random, mark, `${sid}.done`, { packs, segments })
  }
}

/** A mark does not say of what kind a pack is. */
const namesOf = (id: PackId): ObjectName[] => [packName('data', id), packName('metadata', id)]

