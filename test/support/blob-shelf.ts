// Blobs in memory under their real ids: the BlobSaver and BlobLoader of tree tests. Counts what is new.
import { Keyring, type BlobType } from '../../src/crypto/keyring.ts'
import { VaultError } from '../../src/errors/vault-error.ts'
import { toHex, vaultId, type BlobId } from '../../src/ids/ids.ts'
import type { BlobLoader, BlobSaver } from '../../src/tree/node.ts'

const keys = new Keyring({ vault: vaultId('0'.repeat(32)), masters: [{ epoch: 1, master: new Uint8Array(32) }] })

export class BlobShelf implements BlobSaver, BlobLoader {
  readonly blobs = new Map<string, Uint8Array>()
  /** Ids saved that were not there, in order. */
  readonly added: BlobId[] = []

  save(type: BlobType, plain: Uint8Array): BlobId {
    const id = keys.blobId(type, plain)
    const name = `${type} ${toHex(id)}`
    if (!this.blobs.has(name)) {
      this.blobs.set(name, new Uint8Array(plain))
      this.added.push(id)
    }
    return id
  }

  async load(type: BlobType, id: BlobId): Promise<Uint8Array> {
    const bytes = this.blobs.get(`${type} ${toHex(id)}`)
    if (!bytes) throw new VaultError('vault-damaged', `no ${type} blob ${toHex(id)}`)
    return bytes
  }
}
