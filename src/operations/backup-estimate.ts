// What a dry run says a backup would send, and what that costs.
import { STANDARD_CLASS } from '../cost/archive-classes.ts'
import { StorageLedger } from '../cost/ledger.ts'
import { DAYS_A_MONTH } from '../cost/minimum-duration.ts'
import type { PriceTable } from '../cost/price-table.ts'
import { requestCosts } from '../cost/transfer-costs.ts'
import type { Backend, RequestCounts } from '../backend/backend.ts'
import type { PackKind } from '../pack/layout.ts'
import { pricedPlace, priceSource, type PriceSource } from './pricing.ts'

/** Packs by kind that a run made. */
export type PackTally = Readonly<Record<PackKind, { readonly packs: number; readonly bytes: number }>>

export class PackCount {
  readonly #sums = { data: { packs: 0, bytes: 0 }, metadata: { packs: 0, bytes: 0 } }

  add({ kind, bytes }: { kind: PackKind; bytes: Uint8Array }): void {
    this.#sums[kind].packs++
    this.#sums[kind].bytes += bytes.length
  }

  get tally(): PackTally {
    return this.#sums
  }
}

/** An index segment, the snapshot, and the session around them. */
const PUTS_OF_A_COMMIT = 4

export interface BackupEstimate {
  readonly dataPacks: number
  readonly metadataPacks: number
  readonly bytes: number
  /** Class of the data packs. */
  readonly storageClass?: string
  readonly requests: { readonly put: number; readonly get: number; readonly list: number; readonly stat: number }
  /** Absent without prices, and for storage that sends no bills. */
  readonly costs?: {
    /** Added to each month's bill. */
    readonly monthly: number
    /** Of this run, once. */
    readonly requests: number
    /** Billed at least for the data packs, however soon they are deleted. */
    readonly committed: number
  }
  readonly prices?: PriceSource
}

export interface EstimateInput {
  readonly packs: PackTally
  /** Of the dry run itself: a backup asks the same questions. */
  readonly counts: RequestCounts
  readonly storageClass: string | undefined
  readonly prices: PriceTable
}

export async function estimateBackup(backend: Backend, input: EstimateInput): Promise<BackupEstimate> {
  const { packs: { data, metadata }, counts, storageClass } = input
  const { get, list, stat } = counts
  const put = data.packs + metadata.packs + PUTS_OF_A_COMMIT
  const prices = (await pricedPlace(backend, input.prices))?.prices
  const estimate = {
    dataPacks: data.packs, metadataPacks: metadata.packs, bytes: data.bytes + metadata.bytes,
    ...(storageClass === undefined ? {} : { storageClass }), requests: { put, get, list, stat },
  }
  if (!prices) return estimate
  const ledger = new StorageLedger(prices, 0)
  addPacks(ledger, data, storageClass)
  addPacks(ledger, metadata, undefined)
  const monthly = ledger.holdings().reduce((sum, holding) => sum + (holding.monthly ?? 0), 0)
  const dataLedger = new StorageLedger(prices, 0)
  addPacks(dataLedger, data, storageClass)
  const dataMonthly = dataLedger.holdings()[0]?.monthly ?? 0
  const minimumDays = prices.region.classes[storageClass ?? STANDARD_CLASS]?.minimumDays ?? 0
  const putsByClass = storageClass === undefined ? {} : { [storageClass]: data.packs }
  const { requests } = requestCosts(prices, { put, get, list, stat, bytesDown: counts.bytesDown, putsByClass })
  return {
    ...estimate, prices: priceSource(prices),
    costs: { monthly, requests, committed: (dataMonthly * minimumDays) / DAYS_A_MONTH },
  }
}

function addPacks(ledger: StorageLedger, { packs, bytes }: PackTally[PackKind], storageClass: string | undefined): void {
  for (let i = 0; i < packs; i++) {
    ledger.add({ sizeBytes: bytes / packs, modifiedMs: 0, ...(storageClass === undefined ? {} : { storageClass }) })
  }
}
