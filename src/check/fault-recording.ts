// Loads metadata blobs for a check: what cannot be loaded is entered as a fault of the packs that should hold it.
import type { BlobType } from '../crypto/keyring.ts'
import { describeError, isVaultError, VaultError } from '../errors/vault-error.ts'
import { toHex, type BlobId } from '../ids/ids.ts'
import type { BlobLoader } from '../tree/node.ts'
import type { BlobFaults } from './blob-faults.ts'

export class FaultRecorder {
  readonly #loader: BlobLoader
  readonly #faults: BlobFaults

  constructor(loader: BlobLoader, faults: BlobFaults) {
    this.#loader = loader
    this.#faults = faults
  }

  /** The plain blob, decoded; undefined when it is lost, which is then recorded. Throws what is no damage. */
  async read<T>(type: BlobType, id: BlobId, decode: (bytes: Uint8Array) => T): Promise<T | undefined> {
    let bytes: Uint8Array
    try {
      bytes = await this.#loader.load(type, id)
    } catch (error) {
      if (!isVaultError(error, 'vault-damaged', 'vault-newer', 'object-missing')) throw error
      this.#unreadable(type, id, error)
      return undefined
    }
    try {
      return decode(bytes)
    } catch (error) {
      if (!isVaultError(error, 'vault-damaged', 'vault-newer')) throw error
      this.#record(id, 'metadata-malformed', `${type} blob cannot be decoded: ${describeError(error)}`)
      return undefined
    }
  }

  #unreadable(type: BlobType, id: BlobId, error: VaultError): void {
    this.#record(id, 'pack-blobs', 'blobs in it cannot be read', error.code === 'vault-newer' ? error.hint : undefined)
    this.#faults.need(type, id)
  }

  #record(id: BlobId, kind: 'pack-blobs' | 'metadata-malformed', message: string, hint?: string): void {
    for (const { packNumber } of this.#faults.places(id)) {
      const finding = this.#faults.packFinding(packNumber, { kind, message, ...(hint === undefined ? {} : { hint }) })
      this.#faults.loseBlob(packNumber, id, finding)
    }
  }

  /** Malformed in what it says of other blobs (a content list of the wrong length). */
  malformed(type: BlobType, id: BlobId, problem: string): void {
    this.#record(id, 'metadata-malformed', `${type} blob ${toHex(id).slice(0, 16)} ${problem}`)
  }
}
