// Text from elsewhere (names, host names, server messages) made safe for a terminal. Here nothing has to be read back,
// so a backslash stays as it is; for paths that must name exactly one file see snapshot/path-text.ts.

// C0, DEL, C1, and the bidirectional controls that make a name look like another
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g
// A byte of an argument that is not UTF-8 (PEP 383), or half of a character
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

const escapeBytes = (bytes: Iterable<number>): string =>
  Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')

/** `text` on one line, with nothing in it that steers a terminal. */
export function printableText(text: string): string {
  return text
    .replace(UNSAFE, (character) => escapeBytes(Buffer.from(character, 'utf8')))
    .replace(LONE_SURROGATE, (half) => escapeBytes([half.charCodeAt(0) & 0xff]))
}
