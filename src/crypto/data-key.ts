// Data keys: what blobs are sealed with. Random, one a worker and session, in memory only; a pack's key table holds it
// wrapped. Additional data of a blob: version, vault, type and id, never pack or offset, so that repacking copies sealed
// bytes and merges key tables.
import { createSecretKey, type KeyObject } from 'node:crypto'
import type { RandomSource } from '../async/random.ts'
import type { ByteReader } from '../bytes/reader.ts'
import type { ByteWriter } from '../bytes/writer.ts'
import { VaultError } from '../errors/vault-error.ts'
import { PACK_KEYS_MAX } from '../limits/limits.ts'
import type { BlobId, VaultId } from '../ids/ids.ts'
import { NONCE_BYTES, openLong, openShort, sealInto, sealLong, XSEAL_OVERHEAD_BYTES } from './aead.ts'
import { BLOB_TYPES, type BlobType, type Keyring } from './keyring.ts'
import { KEY_BYTES } from './subkeys.ts'

/** Blobs sealed under one key before the next is drawn: random 96-bit nonces collide with odds below 2^-49. */
const BLOBS_PER_KEY_MAX = 1 << 24
const FORM_EPOCH = 0
const DOMAIN_VAULT = 0
const WRAPPED_BYTES = KEY_BYTES + XSEAL_OVERHEAD_BYTES
const WRAPPED_BYTES_MAX = 4096
const BLOB_AAD_BYTES = 50

/** One line of a pack's key table. */
export interface WrappedDataKey {
  /** 0: wrapped under the epoch's wrap key. Others (recipients) are kept when copied, and cannot be opened by this program. */
  readonly form: number
  /** Whose id key the blobs' ids were made with; 0: the vault's. */
  readonly domain: number
  readonly epoch: number
  readonly wrapped: Uint8Array
}

const wrapAad = (vault: VaultId, epoch: number): Uint8Array =>
  new TextEncoder().encode(`s3vault/1 data key ${vault} ${epoch}`)

export function writeKeyTable(writer: ByteWriter, table: readonly WrappedDataKey[]): void {
  writer.varint(table.length)
  for (const { form, domain, epoch, wrapped } of table) writer.u8(form).varint(domain).u32(epoch).bytes(wrapped)
}

export function readKeyTable(reader: ByteReader): WrappedDataKey[] {
  const count = reader.varint(PACK_KEYS_MAX)
  const table: WrappedDataKey[] = []
  for (let i = 0; i < count; i++) {
    table.push({
      form: reader.u8(), domain: reader.varint(), epoch: reader.u32(), wrapped: reader.bytes(WRAPPED_BYTES_MAX),
    })
  }
  return table
}

/** Fills the one AAD buffer of a sealer or opener; only type and id change from blob to blob. */
class BlobAad {
  readonly #bytes = new Uint8Array(BLOB_AAD_BYTES)

  constructor(vault: VaultId) {
    this.#bytes[0] = 1 // format version
    this.#bytes.set(Buffer.from(vault, 'hex'), 1)
  }

  of(type: BlobType, id: Uint8Array): Uint8Array {
    this.#bytes[17] = BLOB_TYPES[type]
    this.#bytes.set(id, 18)
    return this.#bytes
  }
}

/** Seals blobs under a data key of its own, and draws another when that is used up. */
export class BlobSealer {
  readonly #keys: Keyring
  readonly #random: RandomSource
  readonly #aad: BlobAad
  #key!: KeyObject
  #entry!: WrappedDataKey
  #sealedCount = 0

  constructor(keys: Keyring, random: RandomSource) {
    this.#keys = keys
    this.#random = random
    this.#aad = new BlobAad(keys.vault)
    this.#draw()
  }

  #draw(): void {
    const raw = this.#random.bytes(KEY_BYTES)
    const epoch = this.#keys.epoch
    const wrapped = sealLong(this.#keys.wrapKey(epoch), this.#random, wrapAad(this.#keys.vault, epoch), raw)
    this.#key = createSecretKey(raw)
    this.#entry = { form: FORM_EPOCH, domain: DOMAIN_VAULT, epoch, wrapped }
    this.#sealedCount = 0
  }

  /** The key table entry of the key that the next `sealInto` uses. */
  get keyEntry(): WrappedDataKey {
    if (this.#sealedCount >= BLOBS_PER_KEY_MAX) this.#draw()
    return this.#entry
  }

  /** Seals one blob into `out`; returns the bytes written (plain + 28). */
  sealBlobInto(type: BlobType, id: BlobId, plain: Uint8Array, out: Uint8Array, offset: number): number {
    this.#sealedCount++
    return sealInto(this.#key, this.#random.bytes(NONCE_BYTES), this.#aad.of(type, id), plain, out, offset)
  }

  /** Seals a pack's directory; it counts as one more message of the key. */
  sealDirectory(aad: Uint8Array, plain: Uint8Array): Uint8Array {
    this.#sealedCount++
    const out = new Uint8Array(plain.length + 28)
    sealInto(this.#key, this.#random.bytes(NONCE_BYTES), aad, plain, out, 0)
    return out
  }
}

/** Opens blobs; unwrapped data keys are kept, a pack's blobs share one. */
export class BlobOpener {
  readonly #keys: Keyring
  readonly #aad: BlobAad
  readonly #unwrapped = new Map<string, KeyObject>()
  /** By the entry itself: most blobs come with the entry of the pack that the blob before came from. */
  readonly #known = new WeakMap<WrappedDataKey, KeyObject>()

  constructor(keys: Keyring) {
    this.#keys = keys
    this.#aad = new BlobAad(keys.vault)
  }

  dataKey(entry: WrappedDataKey): KeyObject {
    let key = this.#known.get(entry)
    if (!key) {
      key = this.#unwrap(entry)
      this.#known.set(entry, key)
    }
    return key
  }

  #unwrap(entry: WrappedDataKey): KeyObject {
    const name = Buffer.from(entry.wrapped.buffer, entry.wrapped.byteOffset, entry.wrapped.length).toString('latin1')
    const known = this.#unwrapped.get(name)
    if (known) return known
    if (entry.form !== FORM_EPOCH || entry.domain !== DOMAIN_VAULT) {
      throw new VaultError('vault-newer', 'a data key in a form that this program does not know', { hint: 'use a newer s3vault' })
    }
    const raw = entry.wrapped.length === WRAPPED_BYTES
      ? openLong(this.#keys.wrapKey(entry.epoch), wrapAad(this.#keys.vault, entry.epoch), entry.wrapped)
      : undefined
    if (!raw) throw new VaultError('vault-damaged', 'a data key does not authenticate')
    const key = createSecretKey(raw)
    if (this.#unwrapped.size > 4096) this.#unwrapped.clear()
    this.#unwrapped.set(name, key)
    return key
  }

  /** The stored (maybe compressed) bytes of a blob. Throws `vault-damaged` when they do not authenticate. */
  openBlob(entry: WrappedDataKey, type: BlobType, id: BlobId, sealed: Uint8Array): Uint8Array {
    const plain = openShort(this.dataKey(entry), this.#aad.of(type, id), sealed)
    if (!plain) {
      throw new VaultError('vault-damaged', `blob ${Buffer.from(id).toString('hex').slice(0, 16)} does not authenticate`)
    }
    return plain
  }

  openDirectory(entry: WrappedDataKey, aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    return openShort(this.dataKey(entry), aad, sealed)
  }
}
