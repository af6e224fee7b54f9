// Paths are bytes; where they must be text (JSON, terminals) bytes that are not UTF-8 or not printable become \xNN and a
// backslash \\, so that the text names exactly one path and cannot steer a terminal.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Printable text of a path. */
export function pathText(path: Uint8Array): string {
  try {
    const text = utf8.decode(path)
    // C0, DEL, C1, and the bidirectional controls that make a name look like another
    if (!/[\u0000-\u001f\u007f-\u009f\\\u202a-\u202e\u2066-\u2069]/.test(text)) return text
    return text.replace(/[\u0000-\u001f\u007f-\u009f\\\u202a-\u202e\u2066-\u2069]/g, escapeCharacter)
  } catch {
    return Array.from(path, escapeByte).join('')
  }
}

const escapeCharacter = (character: string): string =>
  character === '\\' ? '\\\\' : Array.from(Buffer.from(character), (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')

function escapeByte(byte: number): string {
  if (byte === 0x5c) return '\\\\'
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`
}

/** The bytes that `pathText` made `text` from. */
export function pathBytes(text: string): Uint8Array {
  if (!text.includes('\\')) return new Uint8Array(Buffer.from(text))
  const parts: Buffer[] = []
  for (const part of text.match(/\\x[0-9a-fA-F]{2}|\\\\|[^\\]+|\\/g) ?? []) {
    if (part.startsWith('\\x') && part.length === 4) parts.push(Buffer.from([Number.parseInt(part.slice(2), 16)]))
    else parts.push(Buffer.from(part === '\\\\' ? '\\' : part))
  }
  return new Uint8Array(Buffer.concat(parts))
}
