// A check beside prune (gc protocol, rules 23 and 25): packs that it lists may be deleted, and their blobs moved, while it
// looks. What is missing is therefore looked for again in gc/ and the index before it counts as lost.
import type { ObjectName } from '../ids/ids.ts'
import type { PackRecord } from '../index/vault-index.ts'
import { parsePackName } from '../pack/layout.ts'
import { ReaderRenewal, type IndexRenewal } from '../repository/index-renewal.ts'
import { GC_PREFIX, parseGcName } from '../session/marks.ts'
import type { BlobFaults } from './blob-faults.ts'
import type { CheckRun } from './check-run.ts'
import type { Inventory } from './inventory.ts'
import { checkProtocolObjects, type PackNotes } from './protocol-objects.ts'
import type { ReadSegments } from './segments.ts'

/** Looks at packs, index and gc/ until they agree. More rounds than prunes can end in that time. */
const ROUNDS_MAX = 4

export interface WatchedParts {
  readonly segments: ReadSegments
  readonly inventory: Inventory
  /** What is known of packs: grows. */
  readonly notes: PackNotes
}

export class PruneWatch implements IndexRenewal {
  readonly #run: CheckRun
  readonly #parts: WatchedParts
  readonly #renewal: ReaderRenewal
  readonly #protocolKnown: Set<ObjectName>
  #faults: BlobFaults | undefined

  constructor(run: CheckRun, parts: WatchedParts) {
    this.#run = run
    this.#parts = parts
    this.#protocolKnown = new Set(parts.inventory.protocol)
    this.#renewal = new ReaderRenewal(parts.segments.index, {
      readGc: () => this.#readGc(),
      readSegments: () => parts.segments.update(),
    })
  }

  get version(): number {
    return this.#renewal.version
  }

  /** From now on packs that are found to be deleted by prune are disregarded there. */
  attach(faults: BlobFaults): void {
    this.#faults = faults
  }

  async renew(missing: readonly PackRecord[], since: number): Promise<boolean> {
    const isRenewed = await this.#renewal.renew(missing, since)
    const { segments, notes } = this.#parts
    for (const { id } of missing) {
      const packNumber = segments.index.numberOf(id)
      if (packNumber !== undefined && notes.dead.has(id)) this.#faults?.disregardLate(packNumber)
    }
    return isRenewed
  }

  async #readGc(): Promise<void> {
    const late: ObjectName[] = []
    for await (const { name } of this.#run.backend.list(GC_PREFIX, this.#run.readOptions)) {
      if (parseGcName(name) && !this.#protocolKnown.has(name)) late.push(name)
    }
    for (const name of late) this.#protocolKnown.add(name)
    await checkProtocolObjects(this.#run, late, this.#parts.notes)
  }

  #unlisted(): PackRecord[] {
    const { segments, inventory } = this.#parts
    return segments.index.packs.filter(({ id }) => !inventory.packs.has(id))
  }

  /** Brings inventory, index and gc/ together, at first and when packs have come: what was listed one after another need not fit. */
  async settle(): Promise<void> {
    let known = 0
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const unlisted = this.#unlisted()
      if (unlisted.length === known) return
      known = unlisted.length
      await this.#readGc()
      await this.#parts.segments.update()
      await this.#listPacks()
    }
  }

  async #listPacks(): Promise<void> {
    for await (const { name, sizeBytes } of this.#run.backend.list('packs/', this.#run.readOptions)) {
      const pack = parsePackName(name)
      if (pack) this.#parts.inventory.packs.set(pack.id, { kind: pack.kind, sizeBytes })
    }
  }
}
