// The keys of an unlocked vault. Identity keys (blob ids, gear table, config) come from the first master for ever, so
// that rotation keeps deduplication; sealing keys come from the master of the epoch that an object names.
import { createHmac, type KeyObject } from 'node:crypto'
import { assert } from '../errors/assert.ts'
import { VaultError } from '../errors/vault-error.ts'
import { blobId, type BlobId, type VaultId } from '../ids/ids.ts'
import { deriveKey, deriveKeyObject, KEY_BYTES } from './subkeys.ts'

/** What a blob is. Data lies in data packs, all others in metadata packs. The number is part of the format. */
export const BLOB_TYPES = { data: 1, tree: 2, content: 3, xattr: 4, links: 5 } as const
export type BlobType = keyof typeof BLOB_TYPES

const TYPE_NAMES = new Map<number, BlobType>(
  (Object.keys(BLOB_TYPES) as BlobType[]).map((name) => [BLOB_TYPES[name], name]),
)

export const blobTypeOf = (code: number): BlobType | undefined => TYPE_NAMES.get(code)

/** Masters by epoch; epoch 1 is always there. Plain data, so that it can be handed to a worker thread. */
export interface KeyMaterial {
  readonly vault: VaultId
  readonly masters: readonly { readonly epoch: number; readonly master: Uint8Array }[]
}

export class Keyring {
  readonly vault: VaultId
  /** Epoch under which new objects are sealed: the highest. */
  readonly epoch: number
  readonly material: KeyMaterial
  readonly #masters = new Map<number, Uint8Array>()
  readonly #idKeys = new Map<BlobType, KeyObject>()
  readonly #derived = new Map<string, Uint8Array>()

  constructor(material: KeyMaterial) {
    this.material = material
    this.vault = material.vault
    for (const { epoch, master } of material.masters) {
      assert(master.length === KEY_BYTES, 'master key length')
      this.#masters.set(epoch, master)
    }
    this.epoch = Math.max(...this.#masters.keys())
    const first = this.#masters.get(1)
    assert(first, 'a keyring starts at epoch 1')
    for (const type of Object.keys(BLOB_TYPES) as BlobType[]) {
      this.#idKeys.set(type, deriveKeyObject(first, `id ${type}`))
    }
  }

  /** Id of a plain blob: HMAC-SHA-256 under a key of its type, so that equal bytes of two types are two blobs. */
  blobId(type: BlobType, plain: Uint8Array): BlobId {
    const key = this.#idKeys.get(type)
    assert(key, 'id key')
    return blobId(createHmac('sha256', key).update(plain).digest())
  }

  /** 32 bytes that the gear table is expanded from. */
  gearSecret(): Uint8Array {
    return this.#key(1, 'gear')
  }

  /** MACs the config object. */
  configKey(): Uint8Array {
    return this.#key(1, 'config')
  }

  /** Keys hard-link ids and inode numbers: names never leave the vault in clear, and nobody can aim at collisions. */
  inodeKey(): Uint8Array {
    return this.#key(1, 'inode')
  }

  /** Wraps the data keys of packs. Throws `vault-damaged` for an epoch that this keyring has not. */
  wrapKey(epoch: number): Uint8Array {
    return this.#key(epoch, 'wrap')
  }

  /** Seals small objects of one kind (`snapshot`, `index`, `session`, ...). */
  envelopeKey(epoch: number, kind: string): Uint8Array {
    return this.#key(epoch, `envelope ${kind}`)
  }

  #key(epoch: number, label: string): Uint8Array {
    const name = `${epoch} ${label}`
    const known = this.#derived.get(name)
    if (known) return known
    const master = this.#masters.get(epoch)
    if (!master) {
      throw new VaultError('vault-damaged', `key epoch ${epoch} is not among the keys of this vault`, {
        hint: 'the key may have been rotated: use the current password',
      })
    }
    const key = deriveKey(master, label)
    this.#derived.set(name, key)
    return key
  }
}
