// What requests, downloads and bringing back cost.
import { STANDARD_CLASS } from './archive-classes.ts'
import { DAYS_A_MONTH } from './minimum-duration.ts'
import type { ArchiveTier, Prices } from './price-table.ts'

/** Requests of one or many runs. */
export interface RequestTally {
  readonly put: number
  readonly get: number
  readonly list: number
  readonly stat: number
  readonly bytesDown: number
  /** PUTs by storage class, where they are not STANDARD; part of `put`. */
  readonly putsByClass: { readonly [storageClass: string]: number }
}

/** Deletes are free everywhere. Downloads are counted in full, whatever the provider gives for free. */
export function requestCosts({ region, provider }: Prices, tally: RequestTally): { requests: number; downloads: number } {
  const standard = region.classes[STANDARD_CLASS]
  const classed = Object.entries(tally.putsByClass)
  const plainPuts = tally.put - classed.reduce((sum, [, count]) => sum + count, 0)
  const puts = classed.reduce(
    (sum, [name, count]) => sum + count * (region.classes[name]?.putPer1000 ?? standard?.putPer1000 ?? 0),
    plainPuts * (standard?.putPer1000 ?? 0),
  )
  const reads = (tally.get + tally.stat) * (standard?.getPer1000 ?? 0)
  return {
    requests: (puts + reads + tally.list * region.listPer1000) / 1000,
    downloads: (tally.bytesDown / provider.gigabyteBytes) * region.egressPerGB,
  }
}

/** What is to be read of one class. */
export interface ClassReading {
  readonly storageClass: string
  readonly objects: number
  /** Bytes to download. */
  readonly bytes: number
  /** Bytes of the whole objects: an archive brings back nothing less. */
  readonly objectBytes: number
  /** `false`: on this server the class is an archive by its name only. */
  readonly isArchived?: boolean
}

export interface ReadingCosts {
  readonly download: number
  /** Reading from classes that bill it, and bringing back from archives. */
  readonly retrieval: number
  readonly requests: number
  /** Copies in STANDARD that archives keep for some days. */
  readonly copies: number
  readonly total: number
  /** Parts that the table does not price; then the true total is higher. */
  readonly unpriced: readonly string[]
}

/** What reading costs, archived objects brought back by `tier` for `days`. */
export function readingCosts(
  { region, provider }: Prices, readings: readonly ClassReading[], tier: ArchiveTier, days: number,
): ReadingCosts {
  const gigabytes = (bytes: number): number => bytes / provider.gigabyteBytes
  const unpriced: string[] = []
  let [download, retrieval, requests, copies] = [0, 0, 0, 0]
  for (const { storageClass, objects, bytes, objectBytes, isArchived = true } of readings) {
    download += gigabytes(bytes) * region.egressPerGB
    const prices = region.classes[storageClass]
    if (!prices) {
      unpriced.push(`reading from ${storageClass}`)
      continue
    }
    requests += (objects / 1000) * prices.getPer1000
    retrieval += gigabytes(bytes) * prices.retrievalPerGB
    if (!prices.archive || !isArchived) continue
    const price = prices.archive[tier]
    if (price?.per1000 === undefined) unpriced.push(`${price ? 'requests to bring' : 'bringing'} back from ${storageClass} (${tier})`)
    retrieval += gigabytes(objectBytes) * (price?.perGB ?? 0) + (objects / 1000) * (price?.per1000 ?? 0)
    copies += gigabytes(objectBytes) * (region.classes[STANDARD_CLASS]?.storagePerGBMonth ?? 0) * (days / DAYS_A_MONTH)
  }
  return { download, retrieval, requests, copies, total: download + retrieval + requests + copies, unpriced }
}
