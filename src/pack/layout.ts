// Where things lie in a pack. FORMAT.md beside this file draws it.
import { createHash } from 'node:crypto'
import { ByteReader } from '../bytes/reader.ts'
import { ByteWriter } from '../bytes/writer.ts'
import { VaultError } from '../errors/vault-error.ts'
import { objectName, packId, type ObjectName, type PackId, type VaultId } from '../ids/ids.ts'
import { PACK_BYTES_MAX, PACK_KEYS_MAX } from '../limits/limits.ts'

/** Data packs hold file content; metadata packs trees, content lists, link tables and large xattrs. */
export type PackKind = 'data' | 'metadata'

export const PACK_VERSION = 1
export const HEADER_BYTES = 16
export const FOOTER_BYTES = 20
const MAGIC = new TextEncoder().encode('S3VPACK1')
const KIND_CODES: Record<PackKind, number> = { data: 1, metadata: 2 }

/** Prefix of the names of packs of one kind. */
export const packPrefix = (kind: PackKind): string => (kind === 'data' ? 'packs/d/' : 'packs/m/')

export const packName = (kind: PackKind, id: PackId): ObjectName => objectName(`${packPrefix(kind)}${id.slice(0, 2)}/${id}`)

/** Kind and id of a pack's object name, or undefined when the name is no pack's. */
export function parsePackName(name: string): { kind: PackKind; id: PackId } | undefined {
  const match = /^packs\/([dm])\/([0-9a-f]{2})\/([0-9a-f]{64})$/.exec(name)
  if (!match?.[3]?.startsWith(match[2] ?? '')) return undefined
  return { kind: match[1] === 'd' ? 'data' : 'metadata', id: packId(match[3]) }
}

/** header := "S3VPACK1" version u8 kind u8 reserved(6) */
export function headerBytes(kind: PackKind): Uint8Array {
  return new ByteWriter(HEADER_BYTES).raw(MAGIC).u8(PACK_VERSION).u8(KIND_CODES[kind]).raw(new Uint8Array(6)).finish()
}

/** footer := keyTableLength u32 directoryLength u32 directoryKey u16 version u8 reserved u8 "S3VPACK1" */
export function footerBytes(keyTableLength: number, directoryLength: number, directoryKey: number): Uint8Array {
  return new ByteWriter(FOOTER_BYTES)
    .u32(keyTableLength).u32(directoryLength).u16(directoryKey).u8(PACK_VERSION).u8(0).raw(MAGIC).finish()
}

export interface PackFooter {
  readonly keyTableLength: number
  readonly directoryLength: number
  readonly directoryKey: number
}

/** Reads the last 20 bytes of a pack. Throws `vault-damaged` or `vault-newer`. */
export function readFooter(bytes: Uint8Array, packBytes: number, title: string): PackFooter {
  const reader = new ByteReader(bytes, title)
  const keyTableLength = reader.u32()
  const directoryLength = reader.u32()
  const directoryKey = reader.u16()
  const version = reader.u8()
  reader.u8()
  if (Buffer.compare(reader.raw(MAGIC.length), MAGIC) !== 0) reader.fail('no pack footer')
  if (version > PACK_VERSION) {
    throw new VaultError('vault-newer', `${title}: pack version ${version}`, { hint: 'use a newer s3vault' })
  }
  const tail = keyTableLength + directoryLength + FOOTER_BYTES
  if (packBytes > PACK_BYTES_MAX || tail + HEADER_BYTES > packBytes) reader.fail('directory larger than its pack')
  if (directoryKey >= PACK_KEYS_MAX) reader.fail('directory key out of range')
  return { keyTableLength, directoryLength, directoryKey }
}

/** Binds a directory to its vault, kind and key table. */
export function directoryAad(vault: VaultId, kind: PackKind, keyTable: Uint8Array): Uint8Array {
  const digest = createHash('sha256').update(keyTable).digest('hex')
  return new TextEncoder().encode(`s3vault/1 pack directory ${vault} ${kind} ${digest}`)
}
