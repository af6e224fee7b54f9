// Garbage collection beside running backups and mounts, without locks: docs/gc-protocol.md has the rules, numbers in comments
// are theirs. One run first carries out the marks that earlier runs left and that are due, then looks for what is no longer
// needed, copies what has to be kept out of packs that are mostly waste, and marks those for a later run to delete.
import { isVaultError } from '../errors/vault-error.ts'
import { parsePackName } from '../pack/layout.ts'
import type { PackId, SegmentId } from '../ids/ids.ts'
import { METADATA_PACK_TARGET_BYTES } from '../limits/limits.ts'
import { PackStore } from '../repository/pack-store.ts'
import { VaultUser } from '../repository/vault-user.ts'
import { WriterSession } from '../session/writer-session.ts'
import { isCold } from './cold.ts'
import { deleteMarked, sortMarks, type Deletion } from './deletion.ts'
import { condemnedPacks, deadPacks, listGc, nextMark, putGcObject, type GcMark } from './gc-objects.ts'
import type { PruneParts } from './parts.ts'
import { planPrune, type PackUse, type PruneLimits, type PrunePlan } from './plan.ts'
import { removeRemains } from './remains.ts'
import { Repacking } from './repacking.ts'
import { replaceSegments, SMALL_SEGMENTS_MIN } from './segment-merging.ts'
import { listSessions } from './sessions.ts'
import { measureUsage } from './usage.ts'
import { listTimes, readView, type ListedTime, type VaultView } from './view.ts'

export interface PruneOptions {
  readonly mode: 'commit' | 'dry-run'
  readonly maxUnused: PruneLimits['maxUnused']
  readonly maxRepackBytes: number
}

export interface PruneReport {
  readonly plan: PrunePlan
  readonly deletion: Deletion
  /** What this run marked; it is deleted by a run that comes after the grace period. */
  readonly marked: { readonly packs: number; readonly bytes: number; readonly segments: number }
  readonly repackedBytes: number
  /** Marks that are not due, with the sessions that have not said that they know of them. Times are server time, ms. */
  readonly waiting: readonly { readonly mark: string; readonly untilMs: number; readonly sessions: readonly string[]; readonly packs: number }[]
}

const NO_DELETION: Deletion = { packsDeleted: 0, bytesDeleted: 0, segmentsDeleted: 0, packsPardoned: 0 }

/**
 * Throws `vault-damaged` when a root cannot be read or something it needs is lost: nothing is deleted then. May be stopped
 * and run again at any point.
 */
export async function prune(parts: PruneParts, options: PruneOptions): Promise<PruneReport> {
  if (options.mode === 'dry-run') return new PruneRun(parts, options).plan()
  const { repository: { backend, keys }, clock, random } = parts
  const session = await WriterSession.begin({ backend, keys, clock, random }) // rule 16
  const ended = new AbortController()
  let lapse: { readonly error: unknown } | undefined
  const alive = session.keepAlive(ended.signal).catch((error: unknown) => {
    lapse = { error }
  })
  try {
    const report = await new PruneRun(parts, options).run(session)
    if (lapse) throw lapse.error
    return report
  } finally {
    ended.abort()
    await alive
    // Nothing is committed by a session of prune: when this fails, the lease expires.
    await session.abandon().catch((error: unknown) => {
      if (!isVaultError(error)) throw error
    })
  }
}

class PruneRun {
  readonly #parts: PruneParts
  readonly #options: PruneOptions

  constructor(parts: PruneParts, options: PruneOptions) {
    this.#parts = parts
    this.#options = options
  }

  async plan(): Promise<PruneReport> {
    const { backend, keys } = this.#parts.repository
    const nowMs = await backend.serverTimeMs()
    const sessions = await listSessions(backend, keys, nowMs, this.#parts.signal)
    const view = await readView(this.#parts, sessions)
    const { waiting, due } = sortMarks(view.marks, sessions, this.#parts.graceMs, nowMs)
    const plan = await this.#plan(view, nowMs)
    const all = [...waiting, ...due.map(({ mark, marked }) => ({ mark, untilMs: marked.modifiedMs + this.#parts.graceMs, sessions: [] }))]
    return {
      plan, deletion: NO_DELETION, marked: { packs: 0, bytes: 0, segments: 0 }, repackedBytes: 0,
      waiting: withSizes(all, view.marks),
    }
  }

  async run(session: WriterSession): Promise<PruneReport> {
    const { repository, graceMs, signal } = this.#parts
    const { backend, keys } = repository
    const nowMs = await backend.serverTimeMs()
    const sessions = await listSessions(backend, keys, nowMs, signal) // rule 19: before everything else
    const listed = await listGc(backend, keys, signal)
    const others = sessions.filter(({ sid }) => sid !== session.id) // this one rests on nothing yet
    const { due, waiting } = sortMarks(listed, others, graceMs, nowMs)
    const { view, deletion } = due.length > 0
      ? await deleteMarked(this.#parts, session.id, sessions, due)
      : { view: await readView(this.#parts, sessions), deletion: NO_DELETION }
    const store = new PackStore({ backend, keys, random: this.#parts.random, index: repository.index, ...(signal ? { signal } : {}) })
    session.attach(new VaultUser(repository, store, this.#parts.random))
    const marks = due.length > 0 ? await listGc(backend, keys, signal) : view.marks
    const condemned = condemnedPacks(marks)
    repository.index.pardon(repository.index.packs.filter(({ id }) => !condemned.has(id)).map(({ id }) => id))
    const current = { ...view, marks, index: repository.index }
    const plan = await this.#plan(current, nowMs)
    const { marked, repackedBytes } = await this.#mark(current, plan, session, store, nowMs)
    await removeRemains(this.#parts, sessions, nowMs)
    return { plan, deletion, marked, repackedBytes, waiting: withSizes(waiting, listed) }
  }

  async #plan(view: VaultView, nowMs: number): Promise<PrunePlan> {
    const { repository, graceMs, signal } = this.#parts
    const stored = await listTimes(repository.backend, 'packs/', signal)
    const { used, held } = measureUsage(view)
    const condemned = condemnedPacks(view.marks)
    const keptFor = (id: PackId, usedBytes: number, listed: ListedTime): Pick<PackUse, 'keptFor'> => {
      if (condemned.has(id) || view.index.isCondemned(id)) return { keptFor: 'marked' }
      if (view.roots.pinned.has(id)) return { keptFor: 'pinned' }
      if (listed.modifiedMs + graceMs > nowMs) return { keptFor: 'young' }
      return isCold(listed, usedBytes, nowMs) ? { keptFor: 'cold' } : {}
    }
    const packs: PackUse[] = []
    for (const [name, listed] of stored) {
      const { sizeBytes } = listed
      const pack = parsePackName(name)
      if (!pack) continue
      const packNumber = view.index.numberOf(pack.id)
      const usedBytes = packNumber === undefined ? 0 : (used[packNumber] ?? 0)
      const unusedBytes = packNumber === undefined ? sizeBytes : (held[packNumber] ?? 0) - usedBytes
      packs.push({ id: pack.id, kind: pack.kind, sizeBytes, usedBytes, unusedBytes, ...keptFor(pack.id, usedBytes, listed) })
    }
    return planPrune(packs, {
      maxUnused: this.#options.maxUnused, maxRepackBytes: this.#options.maxRepackBytes,
      targetBytes: { data: repository.config.dataPackTargetBytes, metadata: METADATA_PACK_TARGET_BYTES },
    })
  }

  /** Rules 17 and 18: copies first, then the mark. */
  async #mark(
    view: VaultView, plan: PrunePlan, session: WriterSession, store: PackStore, nowMs: number,
  ): Promise<Pick<PruneReport, 'marked' | 'repackedBytes'>> {
    const { repository, random, signal } = this.#parts
    view.index.condemn([...plan.dead, ...plan.repack].map(({ id }) => id))
    const repacking = new Repacking(this.#parts, view, store)
    const emptied = await repacking.copy(plan.repack)
    await this.#mergeSegments(view)
    const sizes = new Map([...plan.dead, ...plan.repack].map(({ id, sizeBytes }) => [id, sizeBytes]))
    const candidates = this.#replaceable(view, [...plan.dead.map(({ id }) => id), ...emptied])
    const segments = this.#oldSegments(view, nowMs)
    if (candidates.length + segments.length > 0) {
      signal?.throwIfAborted()
      // Rule 9: what this run itself uses and another prune has marked is protected before our own mark is made.
      await session.renew()
      const marks = await listGc(repository.backend, repository.keys, signal)
      await putGcObject(repository, random, nextMark(marks, session.id), 'mark', { packs: candidates, segments })
    }
    const bytes = candidates.reduce((sum, id) => sum + (sizes.get(id) ?? 0), 0)
    return { marked: { packs: candidates.length, bytes, segments: segments.length }, repackedBytes: repacking.bytes }
  }

  /** Rule 18: of the candidates those whose needed blobs all have a place in a pack that is no candidate. */
  #replaceable({ index, walk }: VaultView, candidates: readonly PackId[]): PackId[] {
    const wanted = new Set(candidates)
    index.table.eachCopy((id, packNumber) => {
      const pack = index.packs[packNumber]
      if (!pack || !wanted.has(pack.id) || !walk.has(id)) return
      if (index.table.find(id, index.states.isUsable) === undefined) wanted.delete(pack.id)
    })
    return [...wanted]
  }

  async #mergeSegments({ index, segments, superseded, marks }: VaultView): Promise<void> {
    const entries = new Map<SegmentId, number>()
    for (const pack of index.packs) for (const segment of pack.segments) entries.set(segment, (entries.get(segment) ?? 0) + pack.blobCount)
    const small = [...segments.keys()].filter((id) => !superseded.has(id) && (entries.get(id) ?? 0) < 50_000)
    if (small.length < SMALL_SEGMENTS_MIN) return
    const { repository, random, signal } = this.#parts
    await replaceSegments(repository, random, small, deadPacks(marks), signal)
  }

  /** Segments that another one replaces, old enough that nobody reads them from a listing. */
  #oldSegments({ segments, superseded, marks }: VaultView, nowMs: number): SegmentId[] {
    const open = new Set(marks.filter(({ stages }) => !stages.has('done')).flatMap(({ stages }) => [...(stages.get('mark')?.segments ?? [])]))
    return [...segments].filter(([id, { modifiedMs }]) =>
      superseded.has(id) && !open.has(id) && modifiedMs + this.#parts.graceMs <= nowMs).map(([id]) => id)
  }
}

function withSizes<T extends { readonly mark: string }>(waiting: readonly T[], marks: readonly GcMark[]): (T & { packs: number })[] {
  const sizes = new Map(marks.map(({ mark, stages }) => [mark, stages.get('mark')?.packs.size ?? 0]))
  return waiting.map((one) => ({ ...one, packs: sizes.get(one.mark) ?? 0 }))
}
