// Builds one pack in memory: sealed blobs one after another, then key table, sealed directory and footer.
import { createHash } from 'node:crypto'
import { ByteReader } from '../bytes/reader.ts'
import { ByteWriter } from '../bytes/writer.ts'
import { SEAL_OVERHEAD_BYTES } from '../crypto/aead.ts'
import { writeKeyTable, type BlobSealer, type WrappedDataKey } from '../crypto/data-key.ts'
import type { BlobType } from '../crypto/keyring.ts'
import { assert } from '../errors/assert.ts'
import { packId, type BlobId, type PackId, type VaultId } from '../ids/ids.ts'
import { PACK_ENTRIES_MAX, PACK_KEYS_MAX } from '../limits/limits.ts'
import { directoryEntries, writeDirectoryEntry, type PackEntry } from './directory.ts'
import { directoryAad, footerBytes, headerBytes, HEADER_BYTES, FOOTER_BYTES, type PackKind } from './layout.ts'

/** A finished pack, ready for a PUT under its name. Key table and directory stay encoded: an index segment takes them so. */
export interface SealedPack {
  readonly id: PackId
  readonly kind: PackKind
  readonly bytes: Uint8Array
  readonly keyTable: Uint8Array
  readonly directory: Uint8Array
}

/** A directory entry takes at most this: id, type, codec, four varints of up to 5 bytes. */
const ENTRY_BYTES_MAX = 54
const KEY_ENTRY_BYTES_MAX = 120

export class PackWriter {
  readonly #kind: PackKind
  readonly #vault: VaultId
  readonly #sealer: BlobSealer
  readonly #buffer: Uint8Array
  readonly #hash = createHash('sha256')
  readonly #keys: WrappedDataKey[] = []
  /** Encoded as they come: an object a blob would take ten times the memory. */
  readonly #directory = new ByteWriter(4096)
  #entryCount = 0
  #length = HEADER_BYTES

  /** `buffer` takes the blobs: its length is the target size. */
  constructor(kind: PackKind, vault: VaultId, sealer: BlobSealer, buffer: Uint8Array) {
    this.#kind = kind
    this.#vault = vault
    this.#sealer = sealer
    this.#buffer = buffer
    buffer.set(headerBytes(kind))
  }

  get isEmpty(): boolean {
    return this.#entryCount === 0
  }

  /** Sealed bytes so far. */
  get sizeBytes(): number {
    return this.#length
  }

  /** True when a blob of this many stored bytes still fits, with the directory, into the buffer. */
  fits(storedBytes: number): boolean {
    const tail = (this.#entryCount + 1) * ENTRY_BYTES_MAX + (this.#keys.length + 1) * KEY_ENTRY_BYTES_MAX +
      FOOTER_BYTES + SEAL_OVERHEAD_BYTES + 16
    return this.#length + storedBytes + SEAL_OVERHEAD_BYTES + tail <= this.#buffer.length &&
      this.#entryCount < PACK_ENTRIES_MAX && this.#keys.length < PACK_KEYS_MAX
  }

  #keyIndex(entry: WrappedDataKey): number {
    const last = this.#keys.length - 1
    if (last >= 0 && this.#keys[last] === entry) return last
    const known = this.#keys.indexOf(entry)
    return known >= 0 ? known : this.#keys.push(entry) - 1
  }

  /** Seals and appends one blob; `stored` are its bytes after compression. The caller asked `fits` first. */
  add(type: BlobType, id: BlobId, stored: Uint8Array, codec: number, rawLength: number): void {
    assert(this.fits(stored.length), 'blob does not fit into the pack')
    const keyIndex = this.#keyIndex(this.#sealer.keyEntry)
    const offset = this.#length
    const length = this.#sealer.sealBlobInto(type, id, stored, this.#buffer, offset)
    this.#length += length
    this.#note({ id, type, keyIndex, offset, length, codec, rawLength })
  }

  /** Appends a blob that another pack holds, as it is sealed there; `key` is its entry in that pack's key table. */
  addSealed(entry: PackEntry, key: WrappedDataKey, sealed: Uint8Array): void {
    assert(this.fits(sealed.length), 'blob does not fit into the pack')
    const keyIndex = this.#keyIndex(key)
    this.#buffer.set(sealed, this.#length)
    this.#note({ ...entry, keyIndex, offset: this.#length })
    this.#length += sealed.length
  }

  #note(entry: PackEntry): void {
    writeDirectoryEntry(this.#directory, entry)
    this.#entryCount++
  }

  /** Closes the pack. Its bytes are a view of the buffer. */
  finish(): SealedPack {
    const directoryKey = this.#keyIndex(this.#sealer.keyEntry)
    const tail = new ByteWriter(1024 + this.#directory.length)
    writeKeyTable(tail, this.#keys)
    const keyTable = tail.finish()
    const directory = new ByteWriter(8 + this.#directory.length)
      .varint(this.#entryCount).raw(this.#directory.view()).finish()
    // Decode what was just encoded: a directory that cannot be read back must never be uploaded.
    const reader = new ByteReader(directory, 'pack directory')
    let readBack = 0
    for (const _entry of directoryEntries(reader, this.#keys.length, this.#length)) readBack++
    assert(readBack === this.#entryCount && reader.remaining === 0, 'pack directory reads back')
    const aad = directoryAad(this.#vault, this.#kind, keyTable)
    const sealed = this.#sealer.sealDirectory(aad, directory)
    tail.raw(sealed).raw(footerBytes(keyTable.length, sealed.length, directoryKey))
    const start = this.#length
    assert(start + tail.length <= this.#buffer.length, 'pack tail fits')
    this.#buffer.set(tail.view(), start)
    const bytes = this.#buffer.subarray(0, start + tail.length)
    const id = packId(this.#hash.update(bytes).digest('hex'))
    return { id, kind: this.#kind, bytes, keyTable, directory }
  }
}
