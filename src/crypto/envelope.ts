// Small sealed objects: snapshots, index segments, sessions, pins, marks and whatever comes later share one envelope.
//   "S3VO" | version u8 = 1 | kind u8 | key u8 = 0 | reserved u8 = 0 | epoch u32 | xnonce(24) | ciphertext | tag(16)
// Additional data: the 12 header bytes, the vault id and the object's full name, except its hash (an object named by
// the SHA-256 of its own bytes cannot hold its name). key 1 is reserved for recipients (public keys).
import type { RandomSource } from '../async/random.ts'
import { VaultError } from '../errors/vault-error.ts'
import { openLong, sealLong } from './aead.ts'
import type { Keyring } from './keyring.ts'

export const ENVELOPE_KINDS = {
  snapshot: 1, index: 2, session: 3, pin: 4, gc: 5, forgotten: 6, hold: 7, ref: 8, damage: 9, epoch: 10,
} as const
export type EnvelopeKind = keyof typeof ENVELOPE_KINDS

const MAGIC = 0x4f563353 // "S3VO", little-endian
const VERSION = 1
const HEADER_BYTES = 12
const KEY_EPOCH = 0

function header(kind: EnvelopeKind, epoch: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint8(4, VERSION)
  view.setUint8(5, ENVELOPE_KINDS[kind])
  view.setUint8(6, KEY_EPOCH)
  view.setUint32(8, epoch, true)
  return bytes
}

const aadOf = (head: Uint8Array, keys: Keyring, name: string): Uint8Array =>
  Buffer.concat([head, new TextEncoder().encode(`${keys.vault} ${name}`)])

/** Seals `plain` as an object of `kind`; `boundName` is what its name says besides its hash. */
export function sealEnvelope(
  keys: Keyring, random: RandomSource, kind: EnvelopeKind, boundName: string, plain: Uint8Array,
): Uint8Array {
  const head = header(kind, keys.epoch)
  const sealed = sealLong(keys.envelopeKey(keys.epoch, kind), random, aadOf(head, keys, boundName), plain)
  return new Uint8Array(Buffer.concat([head, sealed]))
}

/** Opens an envelope. Throws `vault-damaged`, or `vault-newer` for a version or key form that this program does not know. */
export function openEnvelope(
  keys: Keyring, kind: EnvelopeKind, boundName: string, bytes: Uint8Array, title: string,
): Uint8Array {
  if (bytes.length < HEADER_BYTES) throw new VaultError('vault-damaged', `${title}: ${bytes.length} bytes are too few`)
  const head = bytes.subarray(0, HEADER_BYTES)
  const view = new DataView(head.buffer, head.byteOffset, HEADER_BYTES)
  if (view.getUint32(0, true) !== MAGIC || view.getUint8(5) !== ENVELOPE_KINDS[kind]) {
    throw new VaultError('vault-damaged', `${title}: not a sealed ${kind} object`)
  }
  if (view.getUint8(4) > VERSION || view.getUint8(6) !== KEY_EPOCH) {
    throw new VaultError('vault-newer', `${title}: written by a newer s3vault`, { hint: 'use a newer s3vault' })
  }
  const epoch = view.getUint32(8, true)
  const plain = openLong(keys.envelopeKey(epoch, kind), aadOf(head, keys, boundName), bytes.subarray(HEADER_BYTES))
  if (!plain) throw new VaultError('vault-damaged', `${title}: does not authenticate (changed, or of another vault)`)
  return plain
}
