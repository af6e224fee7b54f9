import type { DoctorResult } from '../operations/doctor.ts'
import type { StorageRecord } from '../probe/capabilities.ts'
import { retentionText } from '../probe/capabilities.ts'
import type { ProbeFinding } from '../probe/finding.ts'
import { printableText } from './printable-text.ts'
import { formatItems } from './quantities.ts'
import { formatTable } from './table.ts'
import { wrapText } from './wrapped-text.ts'

const NAME = 'PROBE'
const STATE = 'STATE'
const TEXT_COLUMNS_MIN = 30
const BETWEEN_COLUMNS = 2

/** A table of findings: what was seen, and below it what that means. `columns`: of the terminal. */
export function doctorTable(findings: readonly ProbeFinding[], columns: number): string[] {
  const widest = (texts: readonly string[]): number => Math.max(...texts.map((text) => text.length)) + BETWEEN_COLUMNS
  const taken = widest([NAME, ...findings.map(({ name }) => name)]) + widest([STATE, ...findings.map(({ state }) => state)])
  const width = Math.max(TEXT_COLUMNS_MIN, columns - taken)
  const lines = (text: string, indent: string): string[] =>
    wrapText(printableText(text), width - indent.length).map((line) => indent + line)
  return formatTable(
    [{ title: NAME }, { title: STATE }, { title: 'SEEN, AND WHAT IT MEANS' }],
    findings.map(({ name, state, seen, means }) => [name, state, [...lines(seen, ''), ...lines(means, '  ')].join('\n')]),
  )
}

export function doctorReport({ verdict, location, findings, requests }: DoctorResult): string[] {
  const counted = requests === 0 ? '' : ` (${formatItems(requests, 'request')})`
  const where = printableText(location)
  if (verdict === 'unreachable') return [`${where}: could not be reached${counted}`]
  if (verdict === 'unfit') {
    const lacking = findings.filter(({ required, state }) => required && (state === 'missing' || state === 'failed'))
    return [`${where}: not fit for a vault: ${lacking.map(({ name }) => name).join(', ')}${counted}`]
  }
  const limits = findings.filter(({ state }) => state === 'limited' || state === 'failed').length
  return [`${where}: a vault works there${limits === 0 ? '' : `, with ${formatItems(limits, 'limit')}`}${counted}`]
}

/** One line for init. */
export function storageLine({ capabilities }: StorageRecord): string {
  const { conditionalPut, checksum, versioning, objectLock, defaultRetention } = capabilities
  const retention = defaultRetention === undefined ? '' : ` (${retentionText(defaultRetention)})`
  return `storage: conditional PUT ${conditionalPut}, checksum ${checksum}, versioning ${versioning}, Object Lock ${objectLock}${retention}`
}
