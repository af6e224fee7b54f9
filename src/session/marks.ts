// What prune has marked: objects gc/<number>-<session>.mark (packs and segments it wants to delete), and what was made of them,
// <mark>.<session>.dead (decided) and <mark>.<session>.done. A mark is open until a .done is there. Dead and done name the
// session that decided: two prunes may come upon a mark at once, decide differently, and must not hide each other's word.
import type { Backend } from '../backend/backend.ts'
import { untilSound } from '../backend/rereading.ts'
import { openEnvelope } from '../crypto/envelope.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { isVaultError, VaultError } from '../errors/vault-error.ts'
import { packId, segmentId, type ObjectName, type PackId, type SegmentId } from '../ids/ids.ts'
import { SMALL_OBJECT_BYTES_MAX } from '../limits/limits.ts'

export const GC_PREFIX = 'gc/'
export type MarkStage = 'mark' | 'dead' | 'done'

export interface GcObject {
  readonly name: ObjectName
  /** Name without its stage and who decided: what an acknowledgement names. */
  readonly mark: string
  readonly stage: MarkStage
}

export interface Mark {
  readonly mark: string
  readonly packs: ReadonlySet<PackId>
  readonly isDead: boolean
}

export function parseGcName(name: ObjectName): GcObject | undefined {
  const match = /^gc\/(\d{8}-[0-9a-f]{32})\.(?:(mark)|[0-9a-f]{32}\.(dead|done))$/.exec(name)
  if (match?.[1] === undefined) return undefined
  return { name, mark: match[1], stage: (match[2] ?? match[3]) as MarkStage }
}

/** What a gc object says, whatever its stage. Throws `vault-damaged` or `vault-newer`. */
export function openGcObject(keys: Keyring, name: ObjectName, bytes: Uint8Array): { packs: Set<PackId>; segments: Set<SegmentId> } {
  const plain = openEnvelope(keys, 'gc', name, bytes, name)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(plain))
  } catch (cause) {
    throw new VaultError('vault-damaged', `${name}: not JSON`, { cause })
  }
  const content = typeof value === 'object' && value !== null ? value as Record<string, unknown> : {}
  const { packs, segments = [] } = content
  if (!Array.isArray(packs) || !Array.isArray(segments)) throw new VaultError('vault-damaged', `${name}: no list of packs`)
  return { packs: new Set(packs.map((pack) => packId(String(pack)))), segments: new Set(segments.map((id) => segmentId(String(id)))) }
}

/** Reads gc/: what is marked now. Objects read once are kept, so a renewal costs one LIST when nothing is new. */
export class MarkReader {
  readonly #backend: Backend
  readonly #keys: Keyring
  readonly #packs = new Map<ObjectName, ReadonlySet<PackId>>()

  constructor(backend: Backend, keys: Keyring) {
    this.#backend = backend
    this.#keys = keys
  }

  /** Marks without `.done`, and dead ones with or without: their packs are going or gone until no segment names them. */
  async read(signal?: AbortSignal): Promise<Mark[]> {
    const options = signal ? { signal } : {}
    const stages = new Map<string, Record<MarkStage, ObjectName[]>>()
    for await (const { name } of this.#backend.list(GC_PREFIX, options)) {
      const parsed = parseGcName(name)
      if (!parsed) continue
      const of = stages.get(parsed.mark) ?? { mark: [], dead: [], done: [] }
      of[parsed.stage].push(name)
      stages.set(parsed.mark, of)
    }
    const marks: Mark[] = []
    for (const [mark, names] of stages) {
      if (names.done.length === 0) for (const name of names.mark) await this.#add(marks, { mark, isDead: false }, name)
      for (const name of names.dead) await this.#add(marks, { mark, isDead: true }, name)
    }
    return marks
  }

  /** One that is gone since the listing was done with: rule 5. */
  async #add(marks: Mark[], mark: Omit<Mark, 'packs'>, name: ObjectName): Promise<void> {
    try {
      marks.push({ ...mark, packs: await this.#read(name) })
    } catch (error) {
      if (!isVaultError(error, 'object-missing')) throw error
    }
  }

  /**
   * What a reader passes over (rule 23): packs of `.dead` objects. One that cannot be read is left out: then the reader
   * finds out for itself that they are gone.
   */
  async deadPacks(signal?: AbortSignal): Promise<Set<PackId>> {
    const dead = new Set<PackId>()
    for await (const { name } of this.#backend.list(GC_PREFIX, signal ? { signal } : {})) {
      if (parseGcName(name)?.stage !== 'dead') continue
      try {
        for (const pack of await this.#read(name)) dead.add(pack)
      } catch (error) {
        if (!isVaultError(error, 'vault-damaged', 'vault-newer', 'object-missing')) throw error
      }
    }
    return dead
  }

  async #read(name: ObjectName): Promise<ReadonlySet<PackId>> {
    const known = this.#packs.get(name)
    if (known) return known
    const { packs } = await untilSound(this.#backend, async () =>
      openGcObject(this.#keys, name, await this.#backend.get(name, undefined, { bytesMax: SMALL_OBJECT_BYTES_MAX })))
    this.#packs.set(name, packs)
    return packs
  }
}
