// Arguments as bytes. Node decodes argv as UTF-8 and puts U+FFFD where that fails, which loses the names of files that
// are not UTF-8. The kernel still has the bytes, in /proc. They travel through the flag parser as text in which a byte
// 0xNN that is not UTF-8 is the lone surrogate U+DCNN (Python's "surrogateescape", PEP 383): valid UTF-8 never decodes
// to one, so the bytes come back exactly.
import { readFileSync } from 'node:fs'
import { errnoOf } from '../../src/errors/vault-error.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text of any bytes; the inverse of `argumentBytes`. */
export function argumentText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error // what a fatal decoder throws on bytes that are not UTF-8
  }
  let text = ''
  for (let at = 0; at < bytes.length;) {
    const length = characterLength(bytes, at)
    text += length === 0 ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0)) : utf8.decode(bytes.subarray(at, at + length))
    at += Math.max(1, length)
  }
  return text
}

/** Bytes of the well-formed UTF-8 character at `at`, or 0. */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0
  if (length === 0 || at + length > bytes.length) return 0
  // A well-formed character of n bytes is the only text of that length that encodes to them again.
  const character = Buffer.from(bytes.subarray(at, at + length))
  return Buffer.from(character.toString('utf8'), 'utf8').equals(character) ? length : 0
}

/** The bytes that a person typed. */
export function argumentBytes(text: string): Uint8Array {
  if (!/[\udc80-\udcff]/.test(text)) return new Uint8Array(Buffer.from(text, 'utf8'))
  const parts = text.split(/(?<![\ud800-\udbff])([\udc80-\udcff])/).map((part, index) =>
    index % 2 === 1 ? Buffer.from([part.charCodeAt(0) & 0xff]) : Buffer.from(part, 'utf8'))
  return new Uint8Array(Buffer.concat(parts))
}

/** `argv` with the bytes that Node could not decode kept; `pid` is the process that was given the arguments. */
export function recoverArguments(argv: readonly string[], pid: number): string[] {
  if (!argv.some((argument) => argument.includes('\ufffd'))) return [...argv]
  const raw = splitAt(readCommandLine(pid), 0).slice(-argv.length)
  return argv.map((argument, index) => {
    const bytes = raw[index]
    // Only when it is the same argument: a process may have changed its own command line.
    return bytes !== undefined && Buffer.from(bytes).toString('utf8') === argument ? argumentText(bytes) : argument
  })
}

function readCommandLine(pid: number): Uint8Array {
  try {
    return readFileSync(`/proc/${pid}/cmdline`)
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return new Uint8Array() // no /proc: the names stay as Node decoded them
  }
}

/** The pieces before each `separator`; what follows the last one counts when it is not empty. */
export function splitAt(bytes: Uint8Array, separator: number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  let from = 0
  for (let end = bytes.indexOf(separator); end >= 0; end = bytes.indexOf(separator, from)) {
    pieces.push(bytes.subarray(from, end))
    from = end + 1
  }
  if (from < bytes.length) pieces.push(bytes.subarray(from))
  return pieces
}
