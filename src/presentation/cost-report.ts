// Costs in words for people whom bills frighten: the month's figure first, then what it is made of.
import type { ClassHolding } from '../cost/ledger.ts'
import type { PriceSource } from '../operations/pricing.ts'
import type { BilledCost, StoredCost } from '../operations/stored-cost.ts'
import { aboutMoney, formatBytes, formatCount, formatItems, formatMoney } from './quantities.ts'
import { formatTable } from './table.ts'

export function costReport(cost: StoredCost): string[] {
  if (cost.kind === 'not-billed') return ['the vault is a directory: nobody sends a bill for it']
  return [
    headline(cost), '', ...classTable(cost), ...oldVersions(cost), ...uploads(cost), '',
    requestLine(cost), ...cost.classes.flatMap((holding) => youngLine(holding, cost.prices)), ...restoreLine(cost),
    ...(cost.prices ? [priceLine(cost.prices), ...noteLines(cost.prices)] : []),
  ]
}

function headline({ monthly, prices, host, region, classes, runs }: BilledCost): string {
  if (!monthly || !prices) {
    return `no prices are known for ${host}, region ${region}: give them with --prices FILE (README: "What it costs")`
  }
  const parts = [
    ...classes.map(({ bytes, storageClass, monthly: amount }) =>
      `${formatBytes(bytes)} in ${storageClass} ${amount === undefined ? 'of unknown price' : formatMoney(amount)}`),
    ...(monthly.noncurrent > 0 ? [`old versions ${formatMoney(monthly.noncurrent)}`] : []),
    `requests ${formatMoney(monthly.requests)}`,
    ...(monthly.downloads > 0 ? [`downloads ${formatMoney(monthly.downloads)}`] : []),
  ]
  return `${aboutMoney(monthly.total, prices.currency)} a month: ${parts.join(', ')} ` +
    `(requests and downloads: of the last ${formatItems(runs.days, 'day')} on this machine)`
}

function classTable({ classes, noncurrent = [], prices }: BilledCost): string[] {
  const rows = (holdings: readonly ClassHolding[], suffix: string): string[][] => holdings.map(
    ({ storageClass, objects, bytes, monthly }) =>
      [`${storageClass}${suffix}`, formatCount(objects), formatBytes(bytes), monthly === undefined ? '-' : formatMoney(monthly)])
  return formatTable([
    { title: 'class' }, { title: 'objects', align: 'right' }, { title: 'size', align: 'right' },
    { title: prices ? `${prices.currency} a month` : 'a month', align: 'right' },
  ], [...rows(classes, ''), ...rows(noncurrent, ', old versions')])
}

function oldVersions({ noncurrent }: BilledCost): string[] {
  if (noncurrent === undefined) return ['old versions: not known, these credentials may not list them; they would be billed too']
  if (noncurrent.length === 0) return []
  return ['old versions are deleted or replaced objects that the bucket keeps; a lifecycle rule for noncurrent versions ends that']
}

function uploads({ unfinishedUploads: count = 0 }: BilledCost): string[] {
  return count === 0 ? [] : [`${formatItems(count, 'unfinished upload')} of other programs: their parts are billed until they are aborted`]
}

function requestLine({ runs }: BilledCost): string {
  const { put, get, list, stat, bytesUp, bytesDown } = runs
  return `requests of ${formatItems(runs.runs, 'run')} in ${formatItems(runs.days, 'day')}: ${formatCount(put)} PUT, ${formatCount(get)} GET, ` +
    `${formatCount(list)} LIST, ${formatCount(stat)} HEAD; ${formatBytes(bytesUp)} up, ${formatBytes(bytesDown)} down`
}

function youngLine({ storageClass, young }: ClassHolding, prices: PriceSource | undefined): string[] {
  if (young.objects === 0 || !prices) return []
  return [
    `too young to be deleted for nothing: ${formatItems(young.objects, 'object')} (${formatBytes(young.bytes)}) in ${storageClass}, ` +
    `${formatMoney(young.stillBilled)} ${prices.currency} would still be billed`,
  ]
}

function restoreLine({ wholeRestore, prices }: BilledCost): string[] {
  if (!wholeRestore || !prices) return []
  const { total, download, retrieval, requests, copies, bytes, unpriced } = wholeRestore
  const parts = [
    `download ${formatMoney(download)}`,
    ...(retrieval > 0 ? [`retrieval ${formatMoney(retrieval)}`] : []),
    ...(copies > 0 ? [`copies while it lasts ${formatMoney(copies)}`] : []),
    `requests ${formatMoney(requests)}`,
  ]
  return [
    `reading all of it back (${formatBytes(bytes)}): ${aboutMoney(total, prices.currency)}, once: ${parts.join(', ')}` +
    (unpriced.length > 0 ? `; more for ${unpriced.join(' and ')}, which the table does not price` : ''),
  ]
}

/** Which table an estimate is from. */
export const priceLine = ({ provider, region, date, source, table }: PriceSource): string =>
  `prices: ${provider}${region === '*' ? '' : ` ${region}`}, of ${date}, ${source} (table: ${table})`

const noteLines = ({ note }: PriceSource): string[] => [
  'an estimate from list prices, without taxes and discounts; the bill is what counts',
  ...(note === undefined ? [] : [`note: ${note}`]),
]
