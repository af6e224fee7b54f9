// Copying what is needed out of packs that shall go (gc protocol, rule 17): sealed bytes are moved as they are, checked
// against the pack's name first, and are stored and indexed before anything is marked.
import { createHash } from 'node:crypto'
import { BlobSealer } from '../crypto/data-key.ts'
import { isVaultError } from '../errors/vault-error.ts'
import type { PackId } from '../ids/ids.ts'
import { IdSet } from '../ids/id-set.ts'
import { METADATA_PACK_TARGET_BYTES } from '../limits/limits.ts'
import { packName, type PackKind } from '../pack/layout.ts'
import { PackWriter } from '../pack/pack-writer.ts'
import { readPackDirectory } from '../repository/pack-adoption.ts'
import type { PackStore } from '../repository/pack-store.ts'
import type { PackUse } from './plan.ts'
import type { PruneParts } from './parts.ts'
import type { VaultView } from './view.ts'

export class Repacking {
  readonly #parts: PruneParts
  readonly #view: VaultView
  readonly #store: PackStore
  readonly #copied = new IdSet()
  #writer: PackWriter | undefined
  #bytes = 0

  constructor(parts: PruneParts, view: VaultView, store: PackStore) {
    this.#parts = parts
    this.#view = view
    this.#store = store
  }

  /** Sealed bytes copied. */
  get bytes(): number {
    return this.#bytes
  }

  /** Returns those packs whose needed blobs all have another place now; a damaged pack is not among them. */
  async copy(packs: readonly PackUse[]): Promise<PackId[]> {
    const emptied: PackId[] = []
    for (const kind of ['data', 'metadata'] as const) {
      for (const { id } of packs.filter((pack) => pack.kind === kind)) {
        this.#parts.signal?.throwIfAborted()
        if (await this.#copyPack(kind, id)) emptied.push(id)
        this.#parts.onStep?.({ phase: 'repack', done: emptied.length, total: packs.length, bytes: this.#bytes })
      }
      await this.#flush()
    }
    await this.#store.drain()
    await this.#store.writeSegment()
    return emptied
  }

  async #copyPack(kind: PackKind, id: PackId): Promise<boolean> {
    const { backend, keys } = this.#parts.repository
    let bytes: Uint8Array
    let contents: Awaited<ReturnType<typeof readPackDirectory>>
    try {
      bytes = await backend.get(packName(kind, id))
      contents = await readPackDirectory(backend, keys, kind, id, this.#parts.signal)
    } catch (error) {
      if (isVaultError(error, 'vault-damaged', 'object-missing')) return false
      throw error
    }
    if (createHash('sha256').update(bytes).digest('hex') !== id) return false
    for (const entry of contents.entries) {
      const key = contents.keys[entry.keyIndex]
      if (!key || !this.#isToCopy(entry.id)) continue
      const sealed = bytes.subarray(entry.offset, entry.offset + entry.length)
      const writer = await this.#writerFor(kind, sealed.length)
      writer.addSealed(entry, key, sealed)
      this.#copied.add(entry.id)
      this.#bytes += sealed.length
    }
    return true
  }

  /** Needed, and neither copied yet nor in a pack that stays. The packs to be emptied are condemned already. */
  #isToCopy(id: Uint8Array): boolean {
    const { walk, index } = this.#view
    return walk.has(id) && !this.#copied.has(id) && index.table.find(id, index.states.isUsable) === undefined
  }

  async #writerFor(kind: PackKind, sealedBytes: number): Promise<PackWriter> {
    if (this.#writer?.fits(sealedBytes)) return this.#writer
    await this.#flush()
    const { repository: { keys, config }, random } = this.#parts
    const target = kind === 'data' ? config.dataPackTargetBytes : METADATA_PACK_TARGET_BYTES
    const buffer = new Uint8Array(Math.max(target, sealedBytes + 4096))
    return (this.#writer = new PackWriter(kind, keys.vault, new BlobSealer(keys, random), buffer))
  }

  async #flush(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    if (writer && !writer.isEmpty) await this.#store.accept(writer.finish())
  }
}
