// The two sealings of the format, both ChaCha20-Poly1305 (RFC 8439) by node:crypto.
//   short: a data key that seals at most 2^24 blobs, random 96-bit nonces. Collision odds below 2^-49 per key.
//   long:  XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), random 192-bit nonces, for keys that live as long as the vault:
//          HChaCha20 from @noble/ciphers, then the same cipher. test/crypto/aead.test.ts compares it with noble's own.
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { hchacha } from '@noble/ciphers/chacha.js'
import type { RandomSource } from '../async/random.ts'

export const NONCE_BYTES = 12
export const XNONCE_BYTES = 24
export const TAG_BYTES = 16
export const SEAL_OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES
export const XSEAL_OVERHEAD_BYTES = XNONCE_BYTES + TAG_BYTES
const CIPHER = 'chacha20-poly1305'
/** node:crypto returns a new buffer a call: those of a few MiB pile up until the garbage collector looks. */
const SLICE_BYTES = 64 * 1024
const OPTIONS = { authTagLength: TAG_BYTES } as const

/** "expand 32-byte k", the ChaCha constants (RFC 8439 section 2.3), as hchacha wants them. */
const SIGMA = new Uint32Array([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574])

/** Writes nonce | ciphertext | tag of `plain` into `out` at `offset`; returns the bytes written. */
export function sealInto(
  key: KeyObject | Uint8Array, nonce: Uint8Array, aad: Uint8Array, plain: Uint8Array, out: Uint8Array, offset: number,
): number {
  const cipher = createCipheriv(CIPHER, key, nonce, OPTIONS)
  cipher.setAAD(aad, { plaintextLength: plain.length })
  out.set(nonce, offset)
  for (let at = 0; at < plain.length; at += SLICE_BYTES) {
    out.set(cipher.update(plain.subarray(at, at + SLICE_BYTES)), offset + NONCE_BYTES + at)
  }
  cipher.final()
  out.set(cipher.getAuthTag(), offset + NONCE_BYTES + plain.length)
  return plain.length + SEAL_OVERHEAD_BYTES
}

/** Opens nonce | ciphertext | tag; undefined when it does not authenticate. */
export function openShort(key: KeyObject | Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < SEAL_OVERHEAD_BYTES) return undefined
  return decrypt(key, sealed.subarray(0, NONCE_BYTES), aad, sealed.subarray(NONCE_BYTES))
}

function decrypt(
  key: KeyObject | Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array,
): Uint8Array | undefined {
  const textLength = sealed.length - TAG_BYTES
  const decipher = createDecipheriv(CIPHER, key, nonce, OPTIONS)
  decipher.setAAD(aad, { plaintextLength: textLength })
  decipher.setAuthTag(sealed.subarray(textLength))
  const plain = decipher.update(sealed.subarray(0, textLength))
  try {
    decipher.final()
  } catch {
    return undefined // the only failure of final() here: the tag does not match
  }
  return plain
}

function littleEndianWords(bytes: Uint8Array): Uint32Array {
  const words = new Uint32Array(bytes.length / 4)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let i = 0; i < words.length; i++) words[i] = view.getUint32(i * 4, true)
  return words
}

function extendedKey(key: Uint8Array, xnonce: Uint8Array): { key: Uint8Array; nonce: Uint8Array } {
  const words = new Uint32Array(8)
  hchacha(SIGMA, littleEndianWords(key), littleEndianWords(xnonce.subarray(0, 16)), words)
  const subkey = new Uint8Array(32)
  const view = new DataView(subkey.buffer)
  words.forEach((word, i) => view.setUint32(i * 4, word, true))
  const nonce = new Uint8Array(NONCE_BYTES)
  nonce.set(xnonce.subarray(16), 4)
  return { key: subkey, nonce }
}

/** XChaCha20-Poly1305: xnonce(24) | ciphertext | tag. */
export function sealLong(key: Uint8Array, random: RandomSource, aad: Uint8Array, plain: Uint8Array): Uint8Array {
  const xnonce = random.bytes(XNONCE_BYTES)
  const extended = extendedKey(key, xnonce)
  const short = new Uint8Array(plain.length + SEAL_OVERHEAD_BYTES)
  sealInto(extended.key, extended.nonce, aad, plain, short, 0)
  const out = new Uint8Array(plain.length + XSEAL_OVERHEAD_BYTES)
  out.set(xnonce)
  out.set(short.subarray(NONCE_BYTES), XNONCE_BYTES)
  return out
}

/** Opens what sealLong made; undefined when it does not authenticate. */
export function openLong(key: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < XSEAL_OVERHEAD_BYTES) return undefined
  const extended = extendedKey(key, sealed.subarray(0, XNONCE_BYTES))
  return decrypt(extended.key, extended.nonce, aad, sealed.subarray(XNONCE_BYTES))
}
