import type { RestoreOption, RestorePlan } from '../operations/restore-plan.ts'
import { priceLine } from './cost-report.ts'
import { aboutMoney, formatBytes, formatCount, formatItems, formatMoney } from './quantities.ts'
import { formatTable } from './table.ts'

export function restorePlanReport(plan: RestorePlan): string[] {
  const { packs, bytes, packBytes, classes, prices } = plan
  if (packs === 0) return ['the target has all of it: nothing is read']
  const rows = classes.map(({ storageClass, objects, bytes: read, objectBytes }) =>
    [storageClass, formatCount(objects), formatBytes(objectBytes), formatBytes(read)])
  return [
    `the restore reads ${formatBytes(bytes)} of ${formatItems(packs, 'pack')} (${formatBytes(packBytes)})`, '',
    ...formatTable([
      { title: 'class' }, { title: 'packs', align: 'right' }, { title: 'size', align: 'right' }, { title: 'to read', align: 'right' },
    ], rows), '',
    ...archivedLines(plan), ...plan.options.map((option) => optionLine(option, plan)),
    ...(prices ? [priceLine(prices)] : []),
  ]
}

function archivedLines({ archived, days }: RestorePlan): string[] {
  if (archived.packs === 0) return ['none of them is archived: it can begin at once']
  const { readable, returning } = archived.states
  const done = [
    ...(readable > 0 ? [`${formatCount(readable)} readable already`] : []),
    ...(returning > 0 ? [`${formatCount(returning)} coming back already`] : []),
  ]
  return [
    `archived, to be brought back first: ${formatItems(archived.packs, 'pack')} (${formatBytes(archived.bytes)})` +
    `${done.length > 0 ? `; ${done.join(', ')}` : ''}; readable for ${formatItems(days, 'day')} then`,
  ]
}

function optionLine({ tier, times, costs }: RestoreOption, { prices }: RestorePlan): string {
  const when = times.map(({ storageClass, time }) => `${time}${times.length > 1 ? ` (${storageClass})` : ''}`).join(', ')
  const name = times.length > 0 ? `--archive-tier ${tier}: ${when}` : 'cost'
  if (!costs || !prices) return times.length > 0 ? `${name}; no prices are known, --prices FILE gives them` : 'no prices are known; --prices FILE gives them'
  const { total, download, retrieval, copies, requests, unpriced } = costs
  const parts = [
    `download ${formatMoney(download)}`, ...(retrieval > 0 ? [`retrieval ${formatMoney(retrieval)}`] : []),
    ...(copies > 0 ? [`copies ${formatMoney(copies)}`] : []), `requests ${formatMoney(requests)}`,
  ]
  const more = unpriced.length > 0 ? `; more for ${unpriced.join(' and ')}, which the table does not price` : ''
  return `${name}${times.length > 0 ? ',' : ':'} ${aboutMoney(total, prices.currency)}: ${parts.join(', ')}${more}`
}
