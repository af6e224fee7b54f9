// Names of things in a vault, as distinct types: a pack's name never passes for a snapshot's.
import { VaultError } from '../errors/vault-error.ts'

declare const brand: unique symbol
type Branded<T, Name> = T & { readonly [brand]: Name }

/** 32 bytes: HMAC-SHA-256 of the plain blob under the vault's id key. */
export type BlobId = Branded<Uint8Array, 'BlobId'>
/** 64 hex digits: SHA-256 of the pack's bytes. */
export type PackId = Branded<string, 'PackId'>
/** 64 hex digits: SHA-256 of the index segment's bytes. */
export type SegmentId = Branded<string, 'SegmentId'>
/** 64 hex digits: SHA-256 of the sealed snapshot object. */
export type SnapshotId = Branded<string, 'SnapshotId'>
/** 32 hex digits, random: a writer's session. */
export type SessionId = Branded<string, 'SessionId'>
/** 32 hex digits, random: a vault. */
export type VaultId = Branded<string, 'VaultId'>
/** Name of an object in a backend: `/`-separated, characters [0-9a-zA-Z._-]. */
export type ObjectName = Branded<string, 'ObjectName'>

export const BLOB_ID_BYTES = 32
const HEX_64 = /^[0-9a-f]{64}$/
const HEX_32 = /^[0-9a-f]{32}$/
const OBJECT_NAME = /^[0-9A-Za-z._-]+(\/[0-9A-Za-z._-]+)*$/

function hexId<T>(pattern: RegExp, title: string, text: string): T {
  if (!pattern.test(text)) throw new VaultError('vault-damaged', `${title} ${JSON.stringify(text.slice(0, 80))} is malformed`)
  return text as T
}

export const blobId = (bytes: Uint8Array): BlobId => {
  if (bytes.length !== BLOB_ID_BYTES) throw new VaultError('vault-damaged', `blob id of ${bytes.length} bytes`)
  return bytes as BlobId
}
export const packId = (text: string): PackId => hexId(HEX_64, 'pack id', text)
export const segmentId = (text: string): SegmentId => hexId(HEX_64, 'index segment id', text)
export const snapshotId = (text: string): SnapshotId => hexId(HEX_64, 'snapshot id', text)
export const sessionId = (text: string): SessionId => hexId(HEX_32, 'session id', text)
export const vaultId = (text: string): VaultId => hexId(HEX_32, 'vault id', text)

/** Checks an object name; `..` and empty parts never pass. Throws `usage`: names are made by us. */
export function objectName(text: string): ObjectName {
  if (!OBJECT_NAME.test(text) || text.length > 512 || /(^|\/)\.\.?($|\/)/.test(text)) {
    throw new VaultError('usage', `object name ${JSON.stringify(text.slice(0, 80))} is malformed`)
  }
  return text as ObjectName
}

/**
 * The SHA-256 (hex) that the bytes of an object must have: names that end in 64 hex digits say it (FORMAT.md), but for the
 * records of forget, which are named after the snapshot in them.
 */
export const digestInName = (name: ObjectName): string | undefined => /^(?!forgotten\/)(?:.*[/-])?([0-9a-f]{64})$/.exec(name)?.[1]

export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
export const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))
