// The objects of gc/ with their ages and what they say: prune writes them, and needs more of them than writers do
// (src/session/marks.ts).
import type { RandomSource } from '../async/random.ts'
import { sealEnvelope } from '../crypto/envelope.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { Backend } from '../backend/backend.ts'
import { objectName, type ObjectName, type PackId, type SegmentId, type SessionId } from '../ids/ids.ts'
import { GC_PREFIX, openGcObject, parseGcName, type MarkStage } from '../session/marks.ts'

export interface GcStage {
  readonly name: ObjectName
  /** Server time, ms. */
  readonly modifiedMs: number
  readonly packs: ReadonlySet<PackId>
  readonly segments: ReadonlySet<SegmentId>
}

/** A mark with its stages, as far as they are there. */
export interface GcMark {
  /** `<N>-<sid>`. */
  readonly mark: string
  readonly stages: ReadonlyMap<MarkStage, GcStage>
}

export async function listGc(backend: Backend, keys: Keyring, signal?: AbortSignal): Promise<GcMark[]> {
  const options = signal ? { signal } : {}
  const marks = new Map<string, Map<MarkStage, GcStage>>()
  for await (const { name, modifiedMs } of backend.list(GC_PREFIX, options)) {
    const parsed = parseGcName(name)
    if (!parsed) continue
    const { packs, segments } = openGcObject(keys, name, await backend.get(name, undefined, options))
    const stages = marks.get(parsed.mark) ?? new Map<MarkStage, GcStage>()
    marks.set(parsed.mark, stages.set(parsed.stage, { name, modifiedMs, packs, segments }))
  }
  return [...marks].map(([mark, stages]) => ({ mark, stages }))
}

/** Packs that nothing new may rest on: of marks that are open, and dead ones for as long as they are recorded. */
export function condemnedPacks(marks: readonly GcMark[]): Set<PackId> {
  const condemned = new Set<PackId>()
  for (const { stages } of marks) {
    if (!stages.has('done')) for (const pack of stages.get('mark')?.packs ?? []) condemned.add(pack)
    for (const pack of stages.get('dead')?.packs ?? []) condemned.add(pack)
  }
  return condemned
}

export interface GcContent {
  readonly packs: readonly PackId[]
  readonly segments: readonly SegmentId[]
}

export async function putGcObject(
  { backend, keys }: { readonly backend: Backend; readonly keys: Keyring }, random: RandomSource, mark: string, stage: MarkStage,
  { packs, segments }: GcContent,
): Promise<void> {
  const name = objectName(`${GC_PREFIX}${mark}.${stage}`)
  const plain = new TextEncoder().encode(JSON.stringify({ packs, segments }))
  await backend.put(name, sealEnvelope(keys, random, 'gc', name, plain))
}

/** A name that no other mark has: a number after all that are there, and the session's random id. */
export function nextMark(marks: readonly GcMark[], sid: SessionId): string {
  const highest = marks.reduce((most, { mark }) => Math.max(most, Number(mark.slice(0, 8))), 0)
  return `${String(highest + 1).padStart(8, '0')}-${sid}`
}
