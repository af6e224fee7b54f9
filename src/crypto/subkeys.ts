// Every key of a vault comes from a master key of 32 random bytes by HKDF-SHA-256 (RFC 5869), one label a purpose,
// so that no key is ever used for two things. FORMAT.md beside this file lists the labels.
import { createSecretKey, type KeyObject } from 'node:crypto'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'

export const KEY_BYTES = 32

/** Derives the 32-byte key for `label` from `secret`. */
export function deriveKey(secret: Uint8Array, label: string): Uint8Array {
  return hkdf(sha256, secret, undefined, new TextEncoder().encode(`s3vault/1 ${label}`), KEY_BYTES)
}

/** The same as a KeyObject: a raw key costs its import at every call (13 µs on Node 24). */
export function deriveKeyObject(secret: Uint8Array, label: string): KeyObject {
  return createSecretKey(deriveKey(secret, label))
}
