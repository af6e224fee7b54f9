import type { RestoreResult } from '../operations/restore.ts'
import { formatBytes, formatCount, formatDuration, formatItems } from './quantities.ts'
import { retriedFact } from './retried-requests.ts'
import { formatFacts } from './table.ts'

/** What a restore did, or with a dry run would do, in a few lines. */
export function restoreReport(result: RestoreResult, mode: 'write' | 'dry-run'): string[] {
  const { filesRestored, filesUpdated, filesUnchanged, kept, directories, others, links, deleted, warnings } = result
  const files = `${formatCount(filesRestored)} restored, ${formatCount(filesUpdated)} updated, ${formatCount(filesUnchanged)} right already`
  return [
    ...formatFacts([
      ['files', files],
      ...(kept > 0 ? [['kept', `${formatItems(kept, 'existing entry', 'existing entries')}, as --overwrite says`] as const] : []),
      ['besides', `${formatItems(directories, 'directory', 'directories')}, ${formatItems(others, 'other')}, ${formatItems(links, 'hard link')}`],
      ...(result.filesVerified > 0 ? [['verified', formatItems(result.filesVerified, 'file')] as const] : []),
      ...(deleted > 0 ? [['deleted', formatItems(deleted, 'entry', 'entries')] as const] : []),
      ['written', `${formatBytes(result.bytesWritten)}, fetched ${formatBytes(result.bytesFetched)}`],
      ...retriedFact(result.requests),
      ['time', formatDuration(result.durationMs)],
      ...(warnings > 0 ? [['problems', `${formatItems(warnings, 'item')} with a warning`] as const] : []),
    ]),
    ...(mode === 'dry-run' ? ['dry run: nothing was written'] : []),
  ]
}
