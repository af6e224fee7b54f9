// An index segment: the directories of some packs, in one immutable sealed object at index/<sha256 of its bytes>.
//   payload := version u8 = 1 | varint count, segment ids superseded (32 bytes each)
//              varint count, packs: id(32) kind u8 varint sizeBytes keyTable directory
// A segment that supersedes others repeats all that they said that is still true.
import { createHash } from 'node:crypto'
import type { RandomSource } from '../async/random.ts'
import { ByteReader } from '../bytes/reader.ts'
import { ByteWriter } from '../bytes/writer.ts'
import { readKeyTable, writeKeyTable, type WrappedDataKey } from '../crypto/data-key.ts'
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { assert } from '../errors/assert.ts'
import { VaultError } from '../errors/vault-error.ts'
import { objectName, packId, segmentId, toHex, type ObjectName, type PackId, type SegmentId } from '../ids/ids.ts'
import { PACK_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENT_PACKS_MAX } from '../limits/limits.ts'
import { directoryEntries, readDirectory, writeDirectory, type PackEntry } from '../pack/directory.ts'
import type { PackKind } from '../pack/layout.ts'

export const SEGMENT_PREFIX = 'index/'
const VERSION = 1
const ID_BYTES = 32
const BOUND_NAME = 'index'

/** What there is to know of a pack. */
export interface PackDescription {
  readonly id: PackId
  readonly kind: PackKind
  readonly sizeBytes: number
  readonly keys: readonly WrappedDataKey[]
  readonly entries: Iterable<PackEntry>
}

/** What a segment says of one pack. */
export interface IndexedPack extends PackDescription {
  readonly entries: readonly PackEntry[]
}

export interface Segment {
  readonly supersedes: readonly SegmentId[]
  readonly packs: readonly IndexedPack[]
}

/** The same with key table and directory as the pack writer encoded them: 45 bytes a blob instead of objects. */
export interface EncodedPack {
  readonly id: PackId
  readonly kind: PackKind
  readonly sizeBytes: number
  readonly keyTable: Uint8Array
  readonly directory: Uint8Array
}

export function decodePack(pack: EncodedPack): IndexedPack {
  const decoded = decodePackLazily(pack)
  return { ...decoded, entries: [...decoded.entries] }
}

/** The same with entries one by one, to be read once. */
export function decodePackLazily({ id, kind, sizeBytes, keyTable, directory }: EncodedPack): PackDescription {
  const keys = readKeyTable(new ByteReader(keyTable, `pack ${id.slice(0, 16)} key table`))
  const reader = new ByteReader(directory, `pack ${id.slice(0, 16)} directory`)
  return { id, kind, sizeBytes, keys, entries: directoryEntries(reader, keys.length, sizeBytes) }
}

export function encodePack(pack: IndexedPack): EncodedPack {
  const { id, kind, sizeBytes } = pack
  const keyTable = new ByteWriter()
  writeKeyTable(keyTable, pack.keys)
  const directory = new ByteWriter(64 + pack.entries.length * 48)
  writeDirectory(directory, pack.entries)
  return { id, kind, sizeBytes, keyTable: keyTable.finish(), directory: directory.finish() }
}

export const segmentName = (id: SegmentId): ObjectName => objectName(`${SEGMENT_PREFIX}${id}`)

export function parseSegmentName(name: string): SegmentId | undefined {
  const match = /^index\/([0-9a-f]{64})$/.exec(name)
  return match?.[1] === undefined ? undefined : segmentId(match[1])
}

/** Encodes and seals; the name is the hash of the bytes. */
export function sealSegment(
  keys: Keyring, random: RandomSource, segment: { supersedes: readonly SegmentId[]; packs: readonly EncodedPack[] },
): { id: SegmentId; bytes: Uint8Array } {
  const writer = new ByteWriter(65536).u8(VERSION).varint(segment.supersedes.length)
  for (const id of segment.supersedes) writer.raw(Buffer.from(id, 'hex'))
  writer.varint(segment.packs.length)
  for (const pack of segment.packs) {
    writer.raw(Buffer.from(pack.id, 'hex')).u8(pack.kind === 'data' ? 1 : 2).varint(pack.sizeBytes)
      .raw(pack.keyTable).raw(pack.directory)
  }
  const bytes = sealEnvelope(keys, random, 'index', BOUND_NAME, writer.view())
  assert(bytes.length <= SEGMENT_BYTES_MAX, 'a segment that a reader would refuse')
  return { id: segmentId(createHash('sha256').update(bytes).digest('hex')), bytes }
}

/** Verifies the name, opens and decodes. Throws `vault-damaged` or `vault-newer`. */
export function openSegment(keys: Keyring, id: SegmentId, bytes: Uint8Array): Segment {
  const title = `index segment ${id.slice(0, 16)}`
  if (bytes.length > SEGMENT_BYTES_MAX) throw new VaultError('vault-damaged', `${title}: ${bytes.length} bytes`)
  if (createHash('sha256').update(bytes).digest('hex') !== id) {
    throw new VaultError('vault-damaged', `${title}: its bytes do not hash to its name`)
  }
  const reader = new ByteReader(openEnvelope(keys, 'index', BOUND_NAME, bytes, title), title)
  const version = reader.u8()
  if (version > VERSION) throw new VaultError('vault-newer', `${title}: version ${version}`, { hint: 'use a newer s3vault' })
  const supersedes: SegmentId[] = []
  const supersededCount = reader.varint(Math.floor(reader.remaining / ID_BYTES))
  for (let i = 0; i < supersededCount; i++) supersedes.push(segmentId(toHex(reader.raw(ID_BYTES))))
  const packs: IndexedPack[] = []
  const packCount = reader.varint(SEGMENT_PACKS_MAX)
  for (let i = 0; i < packCount; i++) {
    const pack = packId(toHex(reader.raw(ID_BYTES)))
    const kindCode = reader.u8()
    if (kindCode !== 1 && kindCode !== 2) reader.fail('unknown pack kind')
    const sizeBytes = reader.varint(PACK_BYTES_MAX)
    const table = readKeyTable(reader)
    const entries = readDirectory(reader, table.length, sizeBytes)
    packs.push({ id: pack, kind: kindCode === 1 ? 'data' : 'metadata', sizeBytes, keys: table, entries })
  }
  reader.end()
  return { supersedes, packs }
}
