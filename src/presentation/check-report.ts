import type { Finding } from '../check/finding.ts'
import type { CheckResult } from '../operations/check.ts'
import { printableText } from './printable-text.ts'
import { formatBytes, formatDuration, formatItems } from './quantities.ts'
import { retriedFact } from './retried-requests.ts'
import { shortId } from './snapshot-table.ts'

/** A finding: what it is about, then what it costs. */
export function findingLines({ severity, object, message, hurts, hint }: Finding): string[] {
  // Most messages name their object themselves.
  const about = message.startsWith(object) ? '' : `${printableText(object)}: `
  const lines = [`${severity}: ${about}${printableText(message)}`]
  if (hurts !== undefined && hurts.snapshots.length > 0) {
    lines.push(`  hurts ${formatItems(hurts.snapshots.length, 'snapshot')}: ${hurts.snapshots.map(shortId).join(' ')}`)
    lines.push(...hurts.paths.map((path) => `    ${printableText(path)}`))
    if (hurts.more > 0) lines.push(`    and ${formatItems(hurts.more, 'more path')}`)
  }
  if (hint !== undefined) lines.push(`  hint: ${printableText(hint)}`)
  return lines
}

export function checkReport({ errors, notes, packs, blobs, snapshots, bytesRead, durationMs, requests }: CheckResult): string[] {
  const seen = `${formatItems(snapshots, 'snapshot')}, ${formatItems(packs, 'pack')}, ${formatItems(blobs, 'blob')}`
  const noted = notes > 0 ? `, ${formatItems(notes, 'note')}` : ''
  return [
    `checked ${seen}; ${formatBytes(bytesRead)} read in ${formatDuration(durationMs)}`,
    ...retriedFact(requests).map(([name, text]) => `${name} ${text}`),
    errors === 0 ? `no errors found${noted}` : `${formatItems(errors, 'error')} found${noted}`,
  ]
}
