// What a vault costs: storage by class, versions that a listing does not show, requests of this machine's runs, and what
// reading everything back would take. Estimates from list prices; the bill is the provider's.
import type { Backend, ObjectInfo, ReadOptions } from '../backend/backend.ts'
import { RunLog, type RunRecord } from '../cache/run-log.ts'
import { StorageLedger, type ClassHolding } from '../cost/ledger.ts'
import { STANDARD_CLASS } from '../cost/archive-classes.ts'
import type { PriceTable, Prices } from '../cost/price-table.ts'
import { readingCosts, requestCosts, type ClassReading, type ReadingCosts, type RequestTally } from '../cost/transfer-costs.ts'
import { isVaultError } from '../errors/vault-error.ts'
import { pricedPlace, priceSource, type PriceSource } from './pricing.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const DAYS_LOOKED_BACK = 30
/** How long archives keep what a whole restore needs, for the estimate. */
const RESTORE_DAYS = 3

export interface MonthlyCost {
  readonly storage: number
  readonly noncurrent: number
  readonly requests: number
  readonly downloads: number
  readonly total: number
}

export interface RunsTally extends RequestTally {
  readonly runs: number
  /** The time they span, at most 30 days. */
  readonly days: number
  readonly delete: number
  readonly bytesUp: number
}

export interface BilledCost {
  readonly kind: 'billed'
  readonly host: string
  readonly region: string
  /** Absent when the table knows none. */
  readonly prices?: PriceSource
  readonly monthly?: MonthlyCost
  readonly classes: readonly ClassHolding[]
  /** Absent when the credentials may not list them. */
  readonly noncurrent?: readonly ClassHolding[]
  readonly unfinishedUploads?: number
  readonly runs: RunsTally
  readonly wholeRestore?: ReadingCosts & { readonly bytes: number; readonly objects: number }
}

export type StoredCost = BilledCost | { readonly kind: 'not-billed' }

/** Takes the objects of one listing, then asks for the rest. */
export class CostCount {
  readonly #backend: Backend
  readonly #runLog: RunLog
  readonly #nowMs: number
  readonly #place: Awaited<ReturnType<typeof pricedPlace>>
  readonly #ledger: StorageLedger
  readonly #packs = new Map<string, { objects: number; bytes: number }>()

  /** Use CostCount.start. */
  private constructor(backend: Backend, runLog: RunLog, place: Awaited<ReturnType<typeof pricedPlace>>, nowMs: number) {
    this.#backend = backend
    this.#runLog = runLog
    this.#place = place
    this.#nowMs = nowMs
    this.#ledger = new StorageLedger(place?.prices, nowMs)
  }

  static async start(backend: Backend, stateDirectory: string, table: PriceTable): Promise<CostCount> {
    return new CostCount(backend, new RunLog(stateDirectory), await pricedPlace(backend, table), Date.now())
  }

  add(info: ObjectInfo): void {
    this.#ledger.add(info)
    if (!info.name.startsWith('packs/')) return
    const storageClass = info.storageClass ?? STANDARD_CLASS
    const sums = this.#packs.get(storageClass) ?? { objects: 0, bytes: 0 }
    this.#packs.set(storageClass, { objects: sums.objects + 1, bytes: sums.bytes + info.sizeBytes })
  }

  async finish(options: ReadOptions): Promise<StoredCost> {
    const place = this.#place
    if (place === undefined) return { kind: 'not-billed' }
    const { host, region, prices } = place
    const noncurrent = await this.#noncurrent(prices, options)
    const uploads = await ifAllowed(async () => this.#backend.billing?.unfinishedUploads(options))
    const classes = this.#ledger.holdings()
    const runs = tallyRuns(this.#runLog.read(), this.#nowMs)
    return {
      kind: 'billed', host, region, classes, runs,
      ...(noncurrent === undefined ? {} : { noncurrent }),
      ...(uploads === undefined ? {} : { unfinishedUploads: uploads }),
      ...(prices === undefined ? {} : {
        prices: priceSource(prices),
        monthly: monthlyCost(prices, classes, noncurrent ?? [], runs),
        wholeRestore: this.#wholeRestore(prices),
      }),
    }
  }

  async #noncurrent(prices: Prices | undefined, options: ReadOptions): Promise<ClassHolding[] | undefined> {
    const versions = await ifAllowed(async () => this.#backend.billing?.noncurrentVersions(options))
    if (versions === undefined) return undefined
    const ledger = new StorageLedger(prices, this.#nowMs)
    for (const version of versions) ledger.add(version)
    return ledger.holdings()
  }

  #wholeRestore(prices: Prices): ReadingCosts & { bytes: number; objects: number } {
    const readings: ClassReading[] = [...this.#packs].map(([storageClass, { objects, bytes }]) =>
      ({ storageClass, objects, bytes, objectBytes: bytes }))
    const sum = (of: (reading: ClassReading) => number): number => readings.reduce((total, reading) => total + of(reading), 0)
    return {
      ...readingCosts(prices, readings, 'standard', RESTORE_DAYS),
      bytes: sum(({ bytes }) => bytes), objects: sum(({ objects }) => objects),
    }
  }
}

/** Undefined where the credentials are not allowed to ask, or the server does not know the question. */
async function ifAllowed<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (!isVaultError(error, 'storage-denied', 'storage-refused')) throw error
    return undefined
  }
}

export function tallyRuns(records: readonly RunRecord[], nowMs: number): RunsTally {
  const recent = records.filter(({ time }) => Date.parse(time) > nowMs - DAYS_LOOKED_BACK * DAY_MS)
  const putsByClass: Record<string, number> = {}
  const tally = { put: 0, get: 0, list: 0, stat: 0, delete: 0, bytesUp: 0, bytesDown: 0 }
  for (const record of recent) {
    for (const name of Object.keys(tally) as (keyof typeof tally)[]) tally[name] += record[name]
    for (const [name, count] of Object.entries(record.putsByClass)) putsByClass[name] = (putsByClass[name] ?? 0) + count
  }
  // A log that is cut at its beginning, or younger than a month, spans less.
  const firstMs = Math.min(nowMs, ...recent.slice(0, 1).map(({ time }) => Date.parse(time)))
  return { ...tally, putsByClass, runs: recent.length, days: Math.max(1, Math.ceil((nowMs - firstMs) / DAY_MS)) }
}

function monthlyCost(
  prices: Prices, classes: readonly ClassHolding[], noncurrent: readonly ClassHolding[], runs: RunsTally,
): MonthlyCost {
  const sum = (holdings: readonly ClassHolding[]): number => holdings.reduce((total, { monthly }) => total + (monthly ?? 0), 0)
  const old = sum(noncurrent)
  const storage = Math.max(sum(classes), (prices.provider.minimumMonthlyCharge ?? 0) - old)
  const { requests, downloads } = requestCosts(prices, runs)
  return { storage, noncurrent: old, requests, downloads, total: storage + old + requests + downloads }
}
