// Generated secrets as text a person can store or type: a prefix that says what it is, 32 random bytes in Crockford's
// base32 in groups of four, and a checksum so that a typo is told from a wrong key.
import { createHash } from 'node:crypto'
import { VaultError } from '../errors/vault-error.ts'
import { KEY_BYTES } from './subkeys.ts'

/** `secret`: kept in a file and read by programs. `recovery`: printed, kept in a safe. */
export type SecretKind = 'secret' | 'recovery'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const PREFIX: Record<SecretKind, string> = { secret: 'S3VAULT-SECRET-1', recovery: 'S3VAULT-RECOVERY-1' }
const CHECK_BYTES = 3 // 35 bytes = 56 characters = 14 groups
const LETTERS = ((KEY_BYTES + CHECK_BYTES) * 8) / 5

const checksum = (kind: SecretKind, secret: Uint8Array): Uint8Array =>
  createHash('sha256').update(PREFIX[kind]).update(secret).digest().subarray(0, CHECK_BYTES)

function toBase32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET[(held >> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return text
}

function fromBase32(text: string): Uint8Array | undefined {
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter)
    if (value < 0) return undefined
    held = (held << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push(held >> bits)
      held &= (1 << bits) - 1
    }
  }
  return Uint8Array.from(bytes)
}

/** Text of a generated secret: prefix and fourteen groups of four. */
export function formatSecret(kind: SecretKind, secret: Uint8Array): string {
  const body = toBase32(Uint8Array.from([...secret, ...checksum(kind, secret)]))
  return [PREFIX[kind], ...(body.match(/.{4}/g) ?? [])].join('-')
}

/** Without what people add or leave out, and with what is easily mistaken read as what is meant (Crockford). */
const squeezed = (text: string): string =>
  text.toUpperCase().replace(/[\s\p{Dash_Punctuation}]/gu, '').replace(/O/g, '0').replace(/[IL]/g, '1')

/** Reads text as a generated secret; undefined when it is an ordinary passphrase. Throws `password-wrong` on a typo. */
export function parseSecret(text: string): { kind: SecretKind; secret: Uint8Array } | undefined {
  const typed = squeezed(text)
  for (const kind of ['secret', 'recovery'] as const) {
    const prefix = squeezed(PREFIX[kind])
    if (!typed.startsWith(prefix)) continue
    const letters = typed.slice(prefix.length)
    // One letter more at the end would add no whole byte, and pass unseen.
    const bytes = letters.length === LETTERS ? fromBase32(letters) : undefined
    const secret = bytes?.subarray(0, KEY_BYTES)
    if (!bytes || !secret ||
        Buffer.compare(checksum(kind, secret), bytes.subarray(KEY_BYTES)) !== 0) {
      throw new VaultError('password-wrong', `the ${kind === 'secret' ? 'secret' : 'recovery key'} has a typing error`, {
        hint: 'compare it with the original, letter by letter',
      })
    }
    return { kind, secret }
  }
  return undefined
}
