// One snapshot in a line: which it is, of when, whose.
import type { StoredSnapshot } from '../snapshot/snapshot.ts'
import { printableText } from './printable-text.ts'
import { formatItems, formatTime } from './quantities.ts'
import { shortId } from './snapshot-table.ts'

const PATHS_SHOWN_MAX = 3

/** `4bba301e of 2026-11-27 06:32:37, host laptop, /etc /home`. Paths are printable as they are stored. */
export function snapshotLine({ id, time, host, paths }: StoredSnapshot): string {
  const shown = paths.slice(0, PATHS_SHOWN_MAX).map(printableText).join(' ')
  const more = paths.length > PATHS_SHOWN_MAX ? ` and ${formatItems(paths.length - PATHS_SHOWN_MAX, 'more path')}` : ''
  return `${shortId(id)} of ${formatTime(Date.parse(time))}, host ${printableText(host)}, ${shown}${more}`
}
