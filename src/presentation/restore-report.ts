import type { RestoreResult, TargetChange } from '../operations/restore.ts'
import { formatBytes, formatCount, formatDuration, formatItems } from './quantities.ts'
import { retriedFact } from './retried-requests.ts'
import { snapshotLine } from './snapshot-line.ts'
import { formatFacts } from './table.ts'

/** What is about to be done. */
export const restoreStartLine = (snapshot: RestoreResult['snapshot'], target: string): string =>
  `restoring snapshot ${snapshotLine(snapshot)} into ${target}`

const ACTION_COLUMNS = 10

/** One name: what becomes of it, and its path; a directory's ends in a slash. */
export const changeLine = ({ action, kind, path }: TargetChange): string =>
  `${action.padEnd(ACTION_COLUMNS)}  ${path}${kind === 'directory' && path !== '/' ? '/' : ''}`

/** What a restore did, or with a dry run would do, in a few lines. */
export function restoreReport(result: RestoreResult, mode: 'write' | 'dry-run'): string[] {
  const { filesRestored, filesUpdated, filesUnchanged, kept, directories, others, links, deleted, warnings } = result
  const files = `${formatCount(filesRestored)} restored, ${formatCount(filesUpdated)} updated, ${formatCount(filesUnchanged)} right already`
  const refused = [
    ...(result.ownersRefused > 0 ? [`owner or group of ${formatItems(result.ownersRefused, 'entry', 'entries')}`] : []),
    ...(result.xattrsRefused > 0 ? [formatItems(result.xattrsRefused, 'system xattr')] : []),
  ].join(', ')
  return [
    ...formatFacts([
      ['snapshot', snapshotLine(result.snapshot)],
      ['target', result.target],
      ['files', files],
      ...(kept > 0 ? [['kept', `${formatItems(kept, 'existing entry', 'existing entries')}, as --overwrite says`] as const] : []),
      ['besides', `${formatItems(directories, 'directory', 'directories')}, ${formatItems(others, 'other')}, ${formatItems(links, 'hard link')}`],
      ...(result.filesVerified > 0 ? [['verified', formatItems(result.filesVerified, 'file')] as const] : []),
      ...(deleted > 0 ? [['deleted', formatItems(deleted, 'entry', 'entries')] as const] : []),
      ...(result.returned ? [['archive', returnedText(result.returned)] as const] : []),
      ['written', `${formatBytes(result.bytesWritten)}, fetched ${formatBytes(result.bytesFetched)}`],
      ...(refused === '' ? [] : [['not set', `${refused}, as only root may`] as const]),
      ...retriedFact(result.requests),
      ['time', formatDuration(result.durationMs)],
      ...(warnings > 0 ? [['problems', `${formatItems(warnings, 'item')} with a warning`] as const] : []),
    ]),
    ...(mode === 'dry-run' ? ['dry run: nothing was written'] : []),
  ]
}

const returnedText = ({ packs, bytes, tier, days, waitedMs }: NonNullable<RestoreResult['returned']>): string =>
  `${formatItems(packs, 'pack')} (${formatBytes(bytes)}) brought back by ${tier} in ${formatDuration(waitedMs)}, readable for ${formatItems(days, 'day')}`
