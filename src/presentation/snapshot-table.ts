// Snapshots as a table, and as JSON.
import type { StoredSnapshot } from '../snapshot/snapshot.ts'
import { printableText } from './printable-text.ts'
import { formatBytes, formatTime } from './quantities.ts'
import { formatTable } from './table.ts'

/** As many digits as are shown and usually typed; commands take any prefix that is unique. */
export const shortId = (id: string): string => id.slice(0, 8)

/** Oldest first, as they are given. Paths and tags stand one a line. */
export function snapshotTable(snapshots: readonly StoredSnapshot[]): string[] {
  const columns = [
    { title: 'ID' }, { title: 'Time' }, { title: 'Host' }, { title: 'Tags' }, { title: 'Paths' },
    { title: 'Size', align: 'right' },
  ] as const
  return formatTable(columns, snapshots.map((snapshot) => [
    shortId(snapshot.id),
    formatTime(Date.parse(snapshot.time)),
    printableText(snapshot.host),
    snapshot.tags.map(printableText).join('\n'),
    snapshot.paths.map(printableText).join('\n'),
    snapshot.summary === undefined ? '' : formatBytes(snapshot.summary.bytes),
  ]))
}

export function snapshotRecord(snapshot: StoredSnapshot): Record<string, unknown> {
  const { id, time, serverTime, host, user, paths, tags, program, tree, previous, summary } = snapshot
  return {
    id, time, serverTime, host, user, paths, tags, program, tree,
    ...(previous === undefined ? {} : { previous }),
    ...(summary === undefined ? {} : { summary }),
  }
}
