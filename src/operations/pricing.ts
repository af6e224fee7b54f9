// From a vault's storage to the prices of the provider that bills for it.
import type { Backend } from '../backend/backend.ts'
import { findPrices, type PriceTable, type Prices } from '../cost/price-table.ts'

export interface PricedPlace {
  readonly host: string
  readonly region: string
  readonly prices: Prices | undefined
}

/** Undefined for storage that sends no bills: a directory. */
export async function pricedPlace({ billing }: Backend, table: PriceTable): Promise<PricedPlace | undefined> {
  if (billing === undefined) return undefined
  const { host, region } = await billing.place()
  return { host, region, prices: findPrices(table, host, region) }
}

/** Where prices are from, for people and for JSON. */
export interface PriceSource {
  readonly provider: string
  readonly region: string
  readonly currency: string
  readonly date: string
  readonly source: string
  readonly note?: string
  /** `built in`, or the file that was given. */
  readonly table: string
}

export function priceSource({ provider, region, origin }: Prices): PriceSource {
  const { name, currency, date, source, note } = provider
  return { provider: name, region: region.name, currency, date, source, ...(note === undefined ? {} : { note }), table: origin }
}
