// An opened vault: the one place that knows keys, packs, index and backend together. Engines see the slices they need
// (BlobLoader, BlobSaver, PackStore), never the whole.
import type { Backend } from '../backend/backend.ts'
import type { Kdf } from '../crypto/kdf.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { assert } from '../errors/assert.ts'
import type { PackId } from '../ids/ids.ts'
import type { VaultIndex } from '../index/vault-index.ts'
import { MarkReader } from '../session/marks.ts'
import { BlobReader } from './blob-reader.ts'
import { loadIndex, type LoadedIndex } from './index-loading.ts'
import { ReaderRenewal, type IndexRenewal } from './index-renewal.ts'
import { readUnindexedPacks } from './pack-adoption.ts'
import { listSnapshots, type SnapshotListing } from './snapshots.ts'
import { unlock, type UnlockedVault } from './unlock.ts'
import type { VaultConfig } from './vault-config.ts'

export interface OpenOptions {
  readonly password: string
  readonly kdf: Kdf
  readonly signal?: AbortSignal
}

export class Repository {
  readonly backend: Backend
  readonly config: VaultConfig
  readonly keys: Keyring
  readonly #signal: AbortSignal | undefined
  #loaded: { readonly index: LoadedIndex; readonly reader: BlobReader; readonly renewal?: IndexRenewal } | undefined

  constructor(backend: Backend, unlocked: UnlockedVault, signal?: AbortSignal) {
    this.backend = backend
    this.config = unlocked.config
    this.keys = unlocked.keys
    this.#signal = signal
  }

  static async open(backend: Backend, options: OpenOptions): Promise<Repository> {
    return new Repository(backend, await unlock(backend, options.password, options.kdf, options.signal), options.signal)
  }

  /** Readers list snapshots before they load the index: a snapshot implies its index. */
  snapshots(): Promise<SnapshotListing> {
    return listSnapshots(this.backend, this.keys, this.#signal)
  }

  async loadIndex(options: { condemned?: Iterable<PackId>; onDamage?: 'stop' | 'report' } = {}): Promise<LoadedIndex> {
    const index = await loadIndex({
      backend: this.backend, keys: this.keys, ...options, ...(this.#signal ? { signal: this.#signal } : {}),
    })
    this.#loaded = { index, reader: new BlobReader(this.backend, this.keys, index.index) }
    return index
  }

  /**
   * The index for reading back, minus what is dead (gc protocol, rule 23); `reader` and `renewal` follow what prune moves
   * later. Damaged segments do not stop it, and what no segment names is looked up in the packs
   * themselves, so that a lost index costs time and no file. `completeness` `listed` does so only when a segment is damaged.
   */
  async loadIndexForReading(completeness: 'listed' | 'whole'): Promise<LoadedIndex> {
    const loaded = await this.#loadBesidePrune()
    if (completeness === 'listed' && loaded.damaged.length === 0) return loaded
    for await (const pack of readUnindexedPacks(this.backend, this.keys, loaded.index, this.#signal)) {
      loaded.index.addPack(pack)
    }
    return loaded
  }

  async #loadBesidePrune(): Promise<LoadedIndex> {
    const marks = new MarkReader(this.backend, this.keys)
    const condemned = await marks.deadPacks(this.#signal)
    const loaded = await this.loadIndex({ onDamage: 'report', condemned })
    const renewal = new ReaderRenewal(loaded.index, {
      readGc: async () => loaded.index.condemn(await marks.deadPacks(this.#signal)),
      readSegments: () => loaded.update(),
    })
    this.#loaded = { index: loaded, reader: new BlobReader(this.backend, this.keys, loaded.index, renewal), renewal }
    return loaded
  }

  /** Reads the segments that have come since the index was loaded. */
  async updateIndex(): Promise<void> {
    assert(this.#loaded, 'index is loaded')
    await this.#loaded.index.update()
  }

  get index(): VaultIndex {
    assert(this.#loaded, 'index is loaded')
    return this.#loaded.index.index
  }

  /** After `loadIndexForReading` only. */
  get renewal(): IndexRenewal {
    assert(this.#loaded?.renewal, 'index is loaded for reading')
    return this.#loaded.renewal
  }

  get reader(): BlobReader {
    assert(this.#loaded, 'index is loaded')
    return this.#loaded.reader
  }
}
