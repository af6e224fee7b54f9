// Sums up what lies in storage, class by class, and what a month of it costs.
import { STANDARD_CLASS } from './archive-classes.ts'
import { DAYS_A_MONTH, daysStillBilled } from './minimum-duration.ts'
import type { ClassPrices, Prices } from './price-table.ts'

export interface StoredObject {
  readonly sizeBytes: number
  readonly modifiedMs: number
  /** Absent: the storage has no classes. */
  readonly storageClass?: string
}

/** All objects of one class. Amounts of money are absent where the table has no price. */
export interface ClassHolding {
  readonly storageClass: string
  readonly objects: number
  readonly bytes: number
  readonly monthly?: number
  /** Objects younger than the class's minimum duration, and what deleting them all now would still be billed. */
  readonly young: { readonly objects: number; readonly bytes: number; readonly stillBilled: number }
}

interface Sums {
  objects: number
  bytes: number
  /** With the class's minimum size and overhead. */
  billedBytes: number
  youngObjects: number
  youngBytes: number
  /** Bytes by days. */
  youngByteDays: number
}

export class StorageLedger {
  readonly #prices: Prices | undefined
  readonly #nowMs: number
  readonly #classes = new Map<string, Sums>()

  constructor(prices: Prices | undefined, nowMs: number) {
    this.#prices = prices
    this.#nowMs = nowMs
  }

  add({ storageClass = STANDARD_CLASS, sizeBytes, modifiedMs }: StoredObject): void {
    const prices = this.#prices?.region.classes[storageClass]
    const sums = this.#sumsOf(storageClass)
    const billedBytes = Math.max(sizeBytes, prices?.minimumBytes ?? 0) + (prices?.overheadBytes ?? 0)
    sums.objects++
    sums.bytes += sizeBytes
    sums.billedBytes += billedBytes
    const daysLeft = daysStillBilled(prices?.minimumDays ?? 0, modifiedMs, this.#nowMs)
    if (daysLeft === 0) return
    sums.youngObjects++
    sums.youngBytes += sizeBytes
    sums.youngByteDays += billedBytes * daysLeft
  }

  #sumsOf(storageClass: string): Sums {
    const known = this.#classes.get(storageClass)
    if (known) return known
    const sums = { objects: 0, bytes: 0, billedBytes: 0, youngObjects: 0, youngBytes: 0, youngByteDays: 0 }
    this.#classes.set(storageClass, sums)
    return sums
  }

  /** By class, the largest first. */
  holdings(): ClassHolding[] {
    return [...this.#classes].map(([name, sums]) => this.#holding(name, sums)).sort((a, b) => b.bytes - a.bytes)
  }

  #holding(storageClass: string, sums: Sums): ClassHolding {
    const { objects, bytes, youngObjects, youngBytes, youngByteDays } = sums
    const prices = this.#prices?.region.classes[storageClass]
    const monthly = prices && this.#monthly(prices, sums)
    const stillBilled = this.#prices && prices
      ? (youngByteDays / this.#prices.provider.gigabyteBytes / DAYS_A_MONTH) * prices.storagePerGBMonth : 0
    return {
      storageClass, objects, bytes, ...(monthly === undefined ? {} : { monthly }),
      young: { objects: youngObjects, bytes: youngBytes, stillBilled },
    }
  }

  #monthly(prices: ClassPrices, { objects, billedBytes }: Sums): number {
    const gigabyteBytes = this.#prices?.provider.gigabyteBytes ?? 1
    const standard = this.#prices?.region.classes[STANDARD_CLASS]?.storagePerGBMonth ?? 0
    return (billedBytes / gigabyteBytes) * prices.storagePerGBMonth +
      ((objects * (prices.overheadStandardBytes ?? 0)) / gigabyteBytes) * standard +
      (objects / 1000) * (prices.monitoringPer1000 ?? 0)
  }
}
