// Which packs a restore reads, and how much of each: gathered from the plans of a dry run.
import type { ObjectInfo } from '../backend/backend.ts'
import { isArchiveClass, STANDARD_CLASS } from '../cost/archive-classes.ts'
import type { ClassReading } from '../cost/transfer-costs.ts'
import type { ObjectName, PackId } from '../ids/ids.ts'
import { packName, parsePackName } from '../pack/layout.ts'
import type { FetchPlan } from '../restorer/fetch-plan.ts'

/** Classes of packs that are not STANDARD, from a listing. */
export class PackClasses {
  readonly #classes = new Map<PackId, string>()
  hasArchived = false

  see({ name, storageClass = STANDARD_CLASS }: ObjectInfo): void {
    const pack = parsePackName(name)
    if (!pack || storageClass === STANDARD_CLASS) return
    this.#classes.set(pack.id, storageClass)
    this.hasArchived ||= isArchiveClass(storageClass)
  }

  of(id: PackId): string {
    return this.#classes.get(id) ?? STANDARD_CLASS
  }
}

export interface NeededPack {
  readonly name: ObjectName
  readonly storageClass: string
  readonly sizeBytes: number
  /** Of it to be fetched. */
  bytes: number
  ranges: number
}

export const sizeOf = (packs: readonly NeededPack[]): number => packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)

export class PackNeeds {
  readonly #classes: PackClasses
  readonly #packs = new Map<PackId, NeededPack>()

  constructor(classes: PackClasses) {
    this.#classes = classes
  }

  add({ ranges }: FetchPlan): void {
    for (const { pack, start, end } of ranges) {
      const needed = this.#packs.get(pack.id) ?? {
        name: packName(pack.kind, pack.id), storageClass: this.#classes.of(pack.id), sizeBytes: pack.sizeBytes, bytes: 0, ranges: 0,
      }
      needed.bytes += end - start
      needed.ranges++
      this.#packs.set(pack.id, needed)
    }
  }

  get packs(): readonly NeededPack[] {
    return [...this.#packs.values()]
  }

  /** Those in classes that are archives by their name. */
  inArchiveClasses(): NeededPack[] {
    return this.packs.filter(({ storageClass }) => isArchiveClass(storageClass))
  }
}

/** What is read of each class, the most first. */
export function readingsOf(packs: readonly NeededPack[]): ClassReading[] {
  const byClass = new Map<string, { objects: number; bytes: number; objectBytes: number }>()
  for (const { storageClass, bytes, sizeBytes } of packs) {
    const sums = byClass.get(storageClass) ?? { objects: 0, bytes: 0, objectBytes: 0 }
    byClass.set(storageClass, { objects: sums.objects + 1, bytes: sums.bytes + bytes, objectBytes: sums.objectBytes + sizeBytes })
  }
  return [...byClass].map(([storageClass, sums]) => ({ storageClass, ...sums })).sort((a, b) => b.bytes - a.bytes)
}
