import type { BackupResult } from '../operations/backup.ts'
import { formatBytes, formatCount, formatDuration, formatItems } from './quantities.ts'
import { retriedFact } from './retried-requests.ts'
import { shortId } from './snapshot-table.ts'
import { formatFacts } from './table.ts'

/** What a backup did, in a few lines. */
export function backupReport({ snapshot, parent, summary, warnings, requests }: BackupResult): string[] {
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
      ...retriedFact(requests),
      ['time', formatDuration(summary.durationMs)],
      ...(warnings > 0 ? [['problems', `${formatItems(warnings, 'item')} with a warning`] as const] : []),
    ]),
    snapshot === undefined ? 'dry run: nothing was stored' : `snapshot ${shortId(snapshot.id)} saved`,
  ]
}
