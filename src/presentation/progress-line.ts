// The one line that shows progress on a terminal, and the same as a record for --json.
import { printableText } from './printable-text.ts'
import type { ProgressView } from './progress-meter.ts'
import { formatBytes, formatClock, formatCount, formatItems, formatPercent, formatRate } from './quantities.ts'
import { keepEnd, keepStart, textWidth } from './text-width.ts'

/** What the two byte counts are, by the first word of the phase: done with source or target, moved to or from storage. */
const VERBS: Readonly<Record<string, readonly [done: string, transferred: string]>> = {
  backup: ['read', 'up'],
  restore: ['done', 'down'],
  check: ['checked', 'down'],
}
const NAME_COLUMNS_MIN = 12

/** At most `columns` wide. What matters least is left out first: the name of the current item, then the rates. */
export function progressLine(view: ProgressView, columns: number): string {
  const { progress } = view
  const must = [`[${formatClock(view.elapsedMs)}]`, progress.phase, ...amounts(view)]
  const optional = [
    ...(progress.errors > 0 ? [formatItems(progress.errors, 'error')] : []),
    ...(view.leftMs === undefined ? [] : [`ETA ${formatClock(view.leftMs)}`]),
    ...rates(view),
  ]
  let line = must.join('  ')
  for (const part of optional) {
    if (textWidth(line) + 2 + textWidth(part) > columns) break
    line += `  ${part}`
  }
  line = keepStart(line, columns)
  const left = columns - textWidth(line) - 2
  const current = progress.current === undefined ? '' : printableText(progress.current)
  return current === '' || left < NAME_COLUMNS_MIN ? line : `${line}  ${keepEnd(current, left)}`
}

function amounts({ progress }: ProgressView): string[] {
  const { itemsDone, itemsTotal, bytesDone, bytesTotal } = progress
  const bytes = bytesTotal === undefined ? '' : `/${formatBytes(bytesTotal)}`
  const percent = bytesTotal === undefined || bytesTotal === 0 ? [] : [formatPercent(bytesDone, bytesTotal)]
  const counted = itemsTotal === undefined ? formatItems(itemsDone, 'item') : `${formatCount(itemsDone)}/${formatItems(itemsTotal, 'item')}`
  return [...percent, counted, `${formatBytes(bytesDone)}${bytes}`]
}

function rates(view: ProgressView): string[] {
  if (view.progress.phase === 'archive') return [] // nothing moves while an archive is waited for
  const [done, transferred] = VERBS[view.progress.phase.split(' ', 1)[0] ?? ''] ?? ['done', 'moved']
  const hasTransfer = view.progress.bytesTransferred > 0
  return [
    `${done} ${formatRate(view.bytesPerSecond)}`,
    ...(hasTransfer ? [`${transferred} ${formatBytes(view.progress.bytesTransferred)} ${formatRate(view.transferredPerSecond)}`] : []),
  ]
}

/** The progress report with what was derived from it; rates in bytes a second, times in seconds. */
export function progressRecord(view: ProgressView): Record<string, unknown> {
  return {
    ...view.progress,
    elapsedSeconds: Math.round(view.elapsedMs / 100) / 10,
    bytesPerSecond: Math.round(view.bytesPerSecond),
    transferredPerSecond: Math.round(view.transferredPerSecond),
    ...(view.leftMs === undefined ? {} : { secondsLeft: Math.round(view.leftMs / 1000) }),
  }
}
