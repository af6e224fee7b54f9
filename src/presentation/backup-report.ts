import type { BackupEstimate } from '../operations/backup-estimate.ts'
import type { BackupResult } from '../operations/backup.ts'
import { priceLine } from './cost-report.ts'
import { aboutMoney, formatBytes, formatCount, formatDuration, formatItems, formatMoney } from './quantities.ts'
import { retriedFact } from './retried-requests.ts'
import { shortId } from './snapshot-table.ts'
import { formatFacts } from './table.ts'

/** What a backup did, in a few lines. */
export function backupReport({ snapshot, parent, summary, warnings, estimate, requests }: BackupResult): string[] {
  const { files, directories, others, filesNew, filesChanged, filesUnmodified } = summary
  const added = `${formatBytes(summary.bytesAdded)} in ${formatItems(summary.dataBlobsAdded, 'data blob')} and ` +
    `${formatItems(summary.metadataBlobsAdded, 'metadata blob')}`
  const since = parent === undefined ? '' : `, compared with ${shortId(parent)}`
  return [
    ...formatFacts([
      ['files', `${formatCount(filesNew)} new, ${formatCount(filesChanged)} changed, ${formatCount(filesUnmodified)} unmodified${since}`],
      ['in all', `${formatItems(files, 'file')}, ${formatItems(directories, 'directory', 'directories')}, ` +
        `${formatItems(others, 'other')}, ${formatBytes(summary.bytes)}`],
      ['read', formatBytes(summary.bytesRead)],
      [snapshot === undefined ? 'would add' : 'added', `${added}, stored as ${formatBytes(summary.bytesStored)}`],
      ...(estimate === undefined ? [] : estimateFacts(estimate)),
      ...retriedFact(requests),
      ['time', formatDuration(summary.durationMs)],
      ...(warnings > 0 ? [['problems', `${formatItems(warnings, 'item')} with a warning`] as const] : []),
    ]),
    ...(estimate?.prices === undefined ? [] : [priceLine(estimate.prices)]),
    snapshot === undefined ? 'dry run: nothing was stored' : `snapshot ${shortId(snapshot.id)} saved`,
  ]
}

function estimateFacts({ bytes, dataPacks, metadataPacks, storageClass, requests, costs, prices }: BackupEstimate): (readonly [string, string])[] {
  const { put, get, list, stat } = requests
  const packs = `${formatBytes(bytes)} in ${formatItems(dataPacks, 'data pack')}${storageClass === undefined ? '' : ` (${storageClass})`} ` +
    `and ${formatItems(metadataPacks, 'metadata pack')}`
  const sent = ['would send', `${packs}; about ${formatItems(put + get + list + stat, 'request')}, ${formatCount(put)} of them PUT`] as const
  if (!costs || !prices) return [sent]
  const committed = costs.committed > 0 ? `; at least ${formatMoney(costs.committed)} in all, as the class has a minimum duration` : ''
  const money = `${aboutMoney(costs.monthly, prices.currency)} more a month, and once ${formatMoney(costs.requests)} for requests${committed}`
  return [sent, ['would cost', money]]
}
