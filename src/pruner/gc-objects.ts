// The objects of gc/ with their ages and what they say: prune writes them, and needs more of them than writers do
// (src/session/marks.ts).
import type { RandomSource } from '../async/random.ts'
import { sealEnvelope } from '../crypto/envelope.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { Backend } from '../backend/backend.ts'
import { isVaultError } from '../errors/vault-error.ts'
import { objectName, type ObjectName, type PackId, type SegmentId, type SessionId } from '../ids/ids.ts'
import { GC_PREFIX, openGcObject, parseGcName, type MarkStage } from '../session/marks.ts'

export interface GcStage {
  /** Several where several prunes decided. */
  readonly names: readonly ObjectName[]
  /** Server time of the newest, ms. */
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
    const content = await read(backend, keys, name, options)
    if (!content) continue
    const stages = marks.get(parsed.mark) ?? new Map<MarkStage, GcStage>()
    const stage = joined(stages.get(parsed.stage), { names: [name], modifiedMs, ...content })
    marks.set(parsed.mark, stages.set(parsed.stage, stage))
  }
  return [...marks].map(([mark, stages]) => ({ mark, stages }))
}

/** Undefined for one that another prune removed since it was listed: rule 5. */
async function read(
  backend: Backend, keys: Keyring, name: ObjectName, options: { readonly signal?: AbortSignal },
): Promise<Pick<GcStage, 'packs' | 'segments'> | undefined> {
  try {
    return openGcObject(keys, name, await backend.get(name, undefined, options))
  } catch (error) {
    if (isVaultError(error, 'object-missing')) return undefined
    throw error
  }
}

const joined = (one: GcStage | undefined, other: GcStage): GcStage => one === undefined ? other : {
  names: [...one.names, ...other.names], modifiedMs: Math.max(one.modifiedMs, other.modifiedMs),
  packs: new Set([...one.packs, ...other.packs]), segments: new Set([...one.segments, ...other.segments]),
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

/** Packs that are decided on, gone or not. */
export const deadPacks = (marks: readonly GcMark[]): Set<PackId> =>
  new Set(marks.flatMap(({ stages }) => [...(stages.get('dead')?.packs ?? [])]))

export interface GcContent {
  readonly packs: readonly PackId[]
  readonly segments: readonly SegmentId[]
}

/** `stage`: `mark`, or whose decision it is: two prunes that come upon one mark at once may decide differently. */
export async function putGcObject(
  { backend, keys }: { readonly backend: Backend; readonly keys: Keyring }, random: RandomSource, mark: string,
  stage: 'mark' | `${SessionId}.dead` | `${SessionId}.done`, { packs, segments }: GcContent,
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
