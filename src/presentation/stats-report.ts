import type { ObjectTotals, StatsResult } from '../operations/stats.ts'
import { formatBytes, formatCount, formatItems, formatRatio } from './quantities.ts'
import { shortId } from './snapshot-table.ts'
import { formatFacts } from './table.ts'

const objects = ({ objects: count, bytes }: ObjectTotals): string => `${formatBytes(bytes)} in ${formatItems(count, 'object')}`

/** `12 requests (5 get, 7 list)`. */
function requestsText({ bytesUp: _up, bytesDown, retries: _retries, ...kinds }: StatsResult['requests']): string {
  const asked = Object.entries(kinds).filter(([, count]) => count > 0)
  const total = asked.reduce((sum, [, count]) => sum + count, 0)
  return `${formatItems(total, 'request')} (${asked.map(([kind, count]) => `${formatCount(count)} ${kind}`).join(', ')}), ` +
    `${formatBytes(bytesDown)} fetched`
}

export function statsReport(stats: StatsResult): string[] {
  const { latest } = stats
  const shown = latest === undefined ? '-' :
    `${shortId(latest.id)}: ${formatItems(latest.files, 'file')}, ${formatBytes(latest.bytes)}`
  return formatFacts([
    ['snapshots', formatCount(stats.snapshots)],
    ['latest', shown],
    ['unique blobs', `${formatCount(stats.blobs)}, ${formatBytes(stats.rawBytes)} before compression`],
    ['data packs', objects(stats.dataPacks)],
    ['metadata packs', objects(stats.metadataPacks)],
    ['index', objects(stats.index)],
    ['other', objects(stats.other)],
    ['total', objects(stats.total)],
    ['compression', formatRatio(stats.compressionRatio)],
    ['deduplication', formatRatio(stats.deduplicationRatio)],
    ['this took', requestsText(stats.requests)],
  ])
}
