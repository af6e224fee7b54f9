// What the protocol's own objects leave behind: sessions that ended, with their pins, and marks that are done.
import { parseSegmentName, openSegment, segmentName, SEGMENT_PREFIX } from '../index/segment.ts'
import { isVaultError } from '../errors/vault-error.ts'
import type { PackId } from '../ids/ids.ts'
import { listGc, type GcMark } from './gc-objects.ts'
import type { PruneParts } from './parts.ts'
import { PIN_PREFIX, sessionOfPin } from './roots.ts'
import type { ListedSession } from './sessions.ts'

const DAY_MS = 24 * 3_600_000
/** Finished sessions stay this long: whoever looks for a writer's traces finds them. */
const SESSION_KEPT_MS = DAY_MS
/** Rule 5. */
const DONE_KEPT_MS = 30 * DAY_MS

export async function removeRemains(parts: PruneParts, sessions: readonly ListedSession[], nowMs: number): Promise<void> {
  const { repository: { backend }, signal } = parts
  const old = new Set<string>()
  for (const { sid, objects, state, newestMs } of sessions) {
    if (state === 'live' || newestMs + SESSION_KEPT_MS > nowMs) continue
    old.add(sid)
    for (const name of objects) await backend.delete(name) // oldest first: what stays of it is expired all the same
  }
  for await (const { name } of backend.list(PIN_PREFIX, signal ? { signal } : {})) {
    const sid = sessionOfPin(name)
    if (sid !== undefined && old.has(sid)) await backend.delete(name)
  }
  await removeDone(parts, nowMs)
}

/** A record of dead packs must outlive every segment that names them. */
async function removeDone({ repository, signal }: PruneParts, nowMs: number): Promise<void> {
  const { backend, keys } = repository
  const done = (await listGc(backend, keys, signal)).filter(({ stages }) => (stages.get('done')?.modifiedMs ?? nowMs) + DONE_KEPT_MS <= nowMs)
  if (done.length === 0) return
  const named = new Set<PackId>()
  for await (const { name } of backend.list(SEGMENT_PREFIX, signal ? { signal } : {})) {
    const id = parseSegmentName(name)
    if (!id) continue
    try {
      for (const pack of openSegment(keys, id, await backend.get(segmentName(id))).packs) named.add(pack.id)
    } catch (error) {
      if (!isVaultError(error, 'object-missing')) throw error
    }
  }
  for (const { stages } of done.filter((mark) => !isNamed(mark, named))) {
    // The mark goes first: dead without a mark is honoured, a mark without its done would be open again.
    for (const stage of ['mark', 'dead', 'done'] as const) {
      for (const name of stages.get(stage)?.names ?? []) await backend.delete(name)
    }
  }
}

const isNamed = ({ stages }: GcMark, named: ReadonlySet<PackId>): boolean =>
  [...(stages.get('dead')?.packs ?? [])].some((pack) => named.has(pack))
