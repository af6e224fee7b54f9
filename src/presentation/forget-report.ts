// What forget decided, as text and as JSON, and the list of what was forgotten.
import type { ForgetGroup, ForgetResult } from '../operations/forget.ts'
import type { ForgottenSnapshot } from '../snapshot/forgotten-record.ts'
import type { StoredSnapshot } from '../snapshot/snapshot.ts'
import { printableText } from './printable-text.ts'
import { formatBytes, formatItems, formatTime } from './quantities.ts'
import { shortId, snapshotRecord } from './snapshot-table.ts'
import { formatTable } from './table.ts'

type Mode = 'commit' | 'dry-run'

/** A table a group, newest first. */
export function forgetReport({ groups }: ForgetResult, mode: Mode): string[] {
  return groups.filter(({ decisions }) => decisions.length > 0).flatMap((group) => [
    ...groupTitle(group),
    ...formatTable(
      [{ title: 'ID' }, { title: 'Time' }, { title: 'Tags' }, { title: mode === 'commit' ? 'Done' : 'Plan' }, { title: 'Because' }],
      group.decisions.map(({ snapshot, reasons }) => [
        shortId(snapshot.id), formatTime(Date.parse(snapshot.time)), snapshot.tags.map(printableText).join('\n'),
        reasons.length > 0 ? 'keep' : 'forget', reasons.map(printableText).join('\n'),
      ]),
    ),
    '',
  ])
}

function groupTitle({ host, paths, tags }: ForgetGroup): string[] {
  const parts = [
    ...(host === undefined ? [] : [`host ${printableText(host)}`]),
    ...(paths === undefined ? [] : [paths.map(printableText).join(', ')]),
    ...(tags === undefined ? [] : [tags.length === 0 ? 'no tags' : `tags ${tags.map(printableText).join(', ')}`]),
  ]
  return parts.length === 0 ? [] : [`${parts.join(', ')}:`]
}

export function forgetSummary({ kept, forgotten, wouldFree }: ForgetResult, mode: Mode): string {
  const going = formatItems(forgotten.length, 'snapshot')
  if (mode === 'commit') return `${going} forgotten, ${kept} kept${forgotten.length > 0 ? '; undelete brings back what is not pruned yet' : ''}`
  const freed = wouldFree && forgotten.length > 0 ? `; only those need ${formatBytes(wouldFree.bytes)} in ${formatItems(wouldFree.blobs, 'blob')}` : ''
  return `${going} would be forgotten, ${kept} kept${freed}`
}

export function forgetRecords({ groups }: ForgetResult): { type: string }[] {
  return groups.flatMap(({ decisions, ...common }) => decisions.map(({ snapshot, reasons }) => ({
    type: reasons.length > 0 ? 'keep' : 'forget', group: common, reasons, ...snapshotRecord(snapshot),
  })))
}

/** `20261127T063237Z` as local time. */
const formatServerTime = (text: string): string =>
  formatTime(Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')))

export function forgottenTable(forgotten: readonly ForgottenSnapshot[]): string[] {
  const titles = [{ title: 'ID' }, { title: 'Time' }, { title: 'Host' }, { title: 'Tags' }, { title: 'Paths' }, { title: 'Forgotten' }]
  return formatTable(titles, forgotten.map(({ snapshot, forgottenAt }) => [
    shortId(snapshot.id), formatTime(Date.parse(snapshot.time)), printableText(snapshot.host),
    snapshot.tags.map(printableText).join('\n'), snapshot.paths.map(printableText).join('\n'), formatServerTime(forgottenAt),
  ]))
}

export const forgottenRecord = ({ snapshot, forgottenAt, record }: ForgottenSnapshot): Record<string, unknown> =>
  ({ ...snapshotRecord(snapshot as StoredSnapshot), forgottenAt, record })
