// The directory of a pack: what lies where. It ends every pack, sealed, and is repeated in an index segment.
import type { ByteReader } from '../bytes/reader.ts'
import type { ByteWriter } from '../bytes/writer.ts'
import { BLOB_TYPES, blobTypeOf, type BlobType } from '../crypto/keyring.ts'
import { SEAL_OVERHEAD_BYTES } from '../crypto/aead.ts'
import { blobId, BLOB_ID_BYTES, type BlobId } from '../ids/ids.ts'
import { BLOB_RAW_BYTES_MAX, PACK_BYTES_MAX, PACK_ENTRIES_MAX, PACK_KEYS_MAX } from '../limits/limits.ts'

export interface PackEntry {
  readonly id: BlobId
  readonly type: BlobType
  /** Place of its data key in the pack's key table. */
  readonly keyIndex: number
  /** First byte of the sealed blob in the pack. */
  readonly offset: number
  /** Sealed bytes: nonce, ciphertext, tag. */
  readonly length: number
  /** Codec number (src/compress). Unknown ones are kept when copied. */
  readonly codec: number
  /** Plain bytes after decompression. */
  readonly rawLength: number
}

/** Codec numbers fit three bits of an index slot. */
const CODEC_MAX = 7

/** directory := varint count, then per blob: id(32) type u8 codec u8 varint keyIndex offset length rawLength. */
export function writeDirectory(writer: ByteWriter, entries: readonly PackEntry[]): void {
  writer.varint(entries.length)
  for (const entry of entries) writeDirectoryEntry(writer, entry)
}

/** One blob of a directory, after the count. */
export function writeDirectoryEntry(writer: ByteWriter, entry: PackEntry): void {
  writer.raw(entry.id).u8(BLOB_TYPES[entry.type]).u8(entry.codec)
    .varint(entry.keyIndex).varint(entry.offset).varint(entry.length).varint(entry.rawLength)
}

/** Ids are views of the reader's bytes. Entries must be in ascending, not overlapping order within `packBytes`. */
export function readDirectory(reader: ByteReader, keyCount: number, packBytes = PACK_BYTES_MAX): PackEntry[] {
  return [...directoryEntries(reader, keyCount, packBytes)]
}

/** The same one by one: a pack of tiny files has a hundred thousand of them. */
export function* directoryEntries(reader: ByteReader, keyCount: number, packBytes = PACK_BYTES_MAX): Generator<PackEntry> {
  const count = reader.varint(PACK_ENTRIES_MAX)
  if (count > reader.remaining / (BLOB_ID_BYTES + 6)) reader.fail(`${count} entries in too few bytes`)
  let end = 0
  for (let i = 0; i < count; i++) {
    const id = blobId(reader.raw(BLOB_ID_BYTES))
    const type = blobTypeOf(reader.u8()) ?? reader.fail('unknown blob type')
    const codec = reader.u8()
    if (codec > CODEC_MAX) reader.fail('unknown codec')
    const keyIndex = reader.varint(Math.min(keyCount, PACK_KEYS_MAX) - 1)
    const offset = reader.varint(packBytes)
    const length = reader.varint(BLOB_RAW_BYTES_MAX + SEAL_OVERHEAD_BYTES)
    const rawLength = reader.varint(BLOB_RAW_BYTES_MAX)
    if (offset < end || length < SEAL_OVERHEAD_BYTES || offset + length > packBytes) reader.fail('blob outside its place')
    end = offset + length
    yield { id, type, keyIndex, offset, length, codec, rawLength }
  }
}
