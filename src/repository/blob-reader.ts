// From a blob id to its verified bytes.
import type { Backend } from '../backend/backend.ts'
import { untilSound } from '../backend/rereading.ts'
import { decompress } from '../compress/codec.ts'
import { BlobOpener } from '../crypto/data-key.ts'
import type { BlobType, Keyring } from '../crypto/keyring.ts'
import { isVaultError, VaultError } from '../errors/vault-error.ts'
import { toHex, type BlobId, type PackId } from '../ids/ids.ts'
import type { BlobLocation, PackRecord, VaultIndex } from '../index/vault-index.ts'
import { packName } from '../pack/layout.ts'
import type { BlobLoader } from '../tree/node.ts'
import type { IndexRenewal } from './index-renewal.ts'
import { readWholePack } from './whole-pack.ts'

/** Metadata packs held whole in memory: walks read them front to back. */
const RECENT_PACKS_BYTES_MAX = 48 * 1024 * 1024

/** Node's own pool has smaller ones. */
const GIVEN_BACK_BYTES_MIN = 64 * 1024

/** Opens, decompresses and checks one sealed blob. Throws `vault-damaged`. */
export function openStoredBlob(
  keys: Keyring, opener: BlobOpener, type: BlobType, id: BlobId, location: BlobLocation, sealed: Uint8Array,
): Uint8Array {
  const stored = opener.openBlob(location.key, type, id, sealed)
  const plain = decompress(stored, location.codec, location.rawLength)
  if (plain.buffer !== stored.buffer) giveBack(stored)
  if (Buffer.compare(keys.blobId(type, plain), id) !== 0) {
    throw new VaultError('vault-damaged', `blob ${toHex(id).slice(0, 16)}: content does not match its id`)
  }
  return plain
}

/** `missing`: packs that storage does not have. No failure: there is no place. */
type LoadOutcome = { readonly plain: Uint8Array } | { readonly failure: VaultError | undefined; readonly missing: readonly PackRecord[] }

/** Large buffers that hold nothing else and that nobody needs go now: the collector sees small objects and takes its time. */
function giveBack(bytes: Uint8Array): void {
  const { buffer, length } = bytes
  if (length >= GIVEN_BACK_BYTES_MIN && buffer instanceof ArrayBuffer && buffer.byteLength === length) buffer.transfer(0)
}

export class BlobReader implements BlobLoader {
  readonly #backend: Backend
  readonly #keys: Keyring
  readonly #index: VaultIndex
  readonly #renewal: IndexRenewal | undefined
  readonly #opener: BlobOpener
  readonly #recent = new Map<PackId, Promise<Uint8Array>>()
  #recentBytes = 0

  /** `renewal`: how the index learns what prune has moved. A writer has none: its marks tell it. */
  constructor(backend: Backend, keys: Keyring, index: VaultIndex, renewal?: IndexRenewal) {
    this.#backend = backend
    this.#keys = keys
    this.#index = index
    this.#renewal = renewal
    this.#opener = new BlobOpener(keys)
  }

  /** Loads a blob from the first of its places that yields it. Throws `vault-damaged` when none does, or `object-archived`. */
  async load(type: BlobType, id: BlobId): Promise<Uint8Array> {
    for (;;) {
      const version = this.#renewal?.version ?? 0
      const outcome = await this.#loadIndexed(type, id)
      if ('plain' in outcome) return outcome.plain
      const { failure, missing } = outcome
      const mayHaveMoved = missing.length > 0 || !failure
      if (mayHaveMoved && (await this.#renewal?.renew(missing, version))) continue
      throw failure ?? new VaultError('vault-damaged', `blob ${toHex(id).slice(0, 16)} (${type}) is in no indexed pack`)
    }
  }

  async #loadIndexed(type: BlobType, id: BlobId): Promise<LoadOutcome> {
    const missing: PackRecord[] = []
    let failure: VaultError | undefined
    let archived: VaultError | undefined
    for (const location of this.#index.locate(id)) {
      try {
        const read = async (): Promise<Uint8Array> => {
          const sealed = await this.#sealed(location)
          const plain = openStoredBlob(this.#keys, this.#opener, type, id, location, sealed)
          if (location.pack.kind === 'data' && plain.buffer !== sealed.buffer) giveBack(sealed)
          return plain
        }
        // A metadata pack is fetched whole, and so was held against its name.
        return { plain: location.pack.kind === 'data' ? await untilSound(this.#backend, read) : await read() }
      } catch (error) {
        if (isVaultError(error, 'object-archived')) {
          archived ??= error
          continue
        }
        if (!isVaultError(error, 'vault-damaged', 'object-missing')) throw error
        if (error.code === 'object-missing') missing.push(location.pack)
        failure ??= new VaultError(
          'vault-damaged', `${error.message} (pack ${location.pack.id.slice(0, 16)})`, { cause: error },
        )
      }
    }
    return { failure: archived ?? failure, missing }
  }

  async #sealed(location: BlobLocation): Promise<Uint8Array> {
    const { pack, offset, length } = location
    if (pack.kind === 'data') return this.#backend.get(packName('data', pack.id), { offset, length })
    const bytes = await this.#wholePack(location)
    if (offset + length > bytes.length) {
      throw new VaultError('vault-damaged', `pack ${pack.id.slice(0, 16)} is truncated to ${bytes.length} bytes`)
    }
    return bytes.subarray(offset, offset + length)
  }

  async #wholePack({ pack }: BlobLocation): Promise<Uint8Array> {
    const known = this.#recent.get(pack.id)
    if (known) {
      this.#recent.delete(pack.id)
      this.#recent.set(pack.id, known)
      return known
    }
    const reading = readWholePack(this.#backend, pack)
    this.#recent.set(pack.id, reading)
    this.#recentBytes += pack.sizeBytes
    for (const [oldest] of this.#recent) {
      if (this.#recentBytes <= RECENT_PACKS_BYTES_MAX || oldest === pack.id) break
      this.#recent.delete(oldest)
      const packNumber = this.#index.numberOf(oldest)
      this.#recentBytes -= packNumber === undefined ? 0 : (this.#index.packs[packNumber]?.sizeBytes ?? 0)
    }
    try {
      return await reading
    } catch (error) {
      if (this.#recent.get(pack.id) === reading) { // else it was evicted, and subtracted, meanwhile
        this.#recent.delete(pack.id)
        this.#recentBytes -= pack.sizeBytes
      }
      throw error
    }
  }
}
