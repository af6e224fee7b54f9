// A table in plain text: columns as wide as their widest cell, two blanks between them, no lines.
import { textWidth } from './text-width.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

/** Lines of the table, headings first. Cells must be printable; a cell with line breaks makes its row taller. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const cells = [columns.map(({ title }) => title), ...rows].map((row) => row.map((cell) => cell.split('\n')))
  const widths = columns.map((_, index) =>
    cells.reduce((widest, row) => Math.max(widest, ...(row[index] ?? []).map(textWidth)), 0))
  return cells.flatMap((row) => {
    const height = Math.max(1, ...row.map((cell) => cell.length))
    return Array.from({ length: height }, (_, line) =>
      columns.map(({ align }, index) => pad(row[index]?.[line] ?? '', widths[index] ?? 0, align ?? 'left'))
        .join('  ').trimEnd())
  })
}

function pad(text: string, columns: number, align: 'left' | 'right'): string {
  const blanks = ' '.repeat(Math.max(0, columns - textWidth(text)))
  return align === 'left' ? text + blanks : blanks + text
}

/** Lines `label  value`, the labels equally wide. */
export function formatFacts(facts: readonly (readonly [label: string, value: string])[]): string[] {
  const width = Math.max(0, ...facts.map(([label]) => textWidth(label)))
  return facts.map(([label, value]) => `${pad(label, width, 'left')}  ${value}`)
}
