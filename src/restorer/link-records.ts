import { isVaultError, VaultError } from '../errors/vault-error.ts'
import { toHex, type BlobId } from '../ids/ids.ts'
import type { LinkRecord } from '../tree/entry.ts'
import { readLinkRecord } from '../tree/entry-codec.ts'
import { leafFor, type BlobLoader } from '../tree/node.ts'
import type { BlobType } from '../crypto/keyring.ts'

const RECORDS_MAX = 50_000
const NODES_MAX = 64

/**
 * Records of a snapshot's link table by link id. Ids are hashes, so look-ups are random: a leaf once decoded is kept whole,
 * up to RECORDS_MAX records (about 30 MB).
 */
export class LinkRecords {
  readonly #loader: BlobLoader
  readonly #root: BlobId
  readonly #records = new Map<bigint, LinkRecord>()
  readonly #nodes = new Map<string, Uint8Array>()

  constructor(loader: BlobLoader, root: BlobId) {
    this.#loader = {
      load: (type, id) => this.#node(loader, type, id),
    }
    this.#root = root
  }

  /** Throws `vault-damaged` when the record is missing or cannot be read. */
  async find(link: bigint): Promise<LinkRecord> {
    const known = this.#records.get(link)
    if (known !== undefined) return known
    const key = new Uint8Array(8)
    new DataView(key.buffer).setBigUint64(0, link)
    const leaf = await leafFor(this.#loader, 'links', this.#root, key)
    if (this.#records.size > RECORDS_MAX) this.#records.clear()
    for (let i = 0; i < leaf.count; i++) {
      const record = readLinkRecord(leaf.elements)
      this.#records.set(record.link, record)
    }
    const found = this.#records.get(link)
    if (found === undefined) throw new VaultError('vault-damaged', `inode ${link.toString(16)} is not in the link table`)
    return found
  }

  async #node(loader: BlobLoader, type: BlobType, id: BlobId): Promise<Uint8Array> {
    const name = toHex(id)
    const known = this.#nodes.get(name)
    if (known !== undefined) return known
    const bytes = await loader.load(type, id)
    if (this.#nodes.size >= NODES_MAX) this.#nodes.clear()
    this.#nodes.set(name, bytes)
    return bytes
  }
}

export const isDamage = (error: unknown): error is VaultError => isVaultError(error, 'vault-damaged', 'object-missing')
