// Columns that text takes on a terminal. Approximates UAX #11 by the blocks that are wide throughout; combining marks and
// joiners take none. An error of a column only makes a progress line a little short or long.

const WIDE_RANGES: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f], [0x2e80, 0x303e], [0x3041, 0xa4cf], [0xac00, 0xd7a3], [0xf900, 0xfaff], [0xfe30, 0xfe6f],
  [0xff00, 0xff60], [0xffe0, 0xffe6], [0x1f300, 0x1f64f], [0x1f680, 0x1f6ff], [0x1f900, 0x1f9ff], [0x20000, 0x3fffd],
]
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u

function characterWidth(character: string): number {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x300) return 1
  if (NO_WIDTH.test(character)) return 0
  return WIDE_RANGES.some(([from, to]) => code >= from && code <= to) ? 2 : 1
}

export function textWidth(text: string): number {
  let width = 0
  for (const character of text) width += characterWidth(character)
  return width
}

/** The end of `text` in at most `columns`; what is left out at its start is shown as `…`: names differ at their end. */
export function keepEnd(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text
  if (columns < 1) return ''
  const kept: string[] = []
  let width = 1
  for (const character of [...text].reverse()) {
    width += characterWidth(character)
    if (width > columns) break
    kept.push(character)
  }
  return `…${kept.reverse().join('')}`
}

/** The start of `text` in at most `columns`. */
export function keepStart(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text
  let kept = ''
  let width = 1
  for (const character of text) {
    width += characterWidth(character)
    if (width > columns) break
    kept += character
  }
  return columns < 1 ? '' : `${kept}…`
}
