// Reads data packs in aligned blocks: files that were backed up together lie together, so the next small file is in the block
// that the last one brought. The last blocks are kept in memory, and those of a remote vault on the local disk as well.
// Everything else passes through.
import type { Backend, ByteRange, ListOptions, ObjectInfo, PutOptions, ReadOptions, RequestCounts } from '../backend/backend.ts'
import { VaultError } from '../errors/vault-error.ts'
import type { ObjectName, PackId } from '../ids/ids.ts'
import { parsePackName } from '../pack/layout.ts'
import type { BlockStore } from './block-store.ts'

/** A round trip brings as much as a few of them take to transfer. */
export const BLOCK_BYTES = 1024 * 1024
/** Blocks in memory: those that a few readers are in. */
const RECENT_BLOCKS_MAX = 12
/** From a local disk larger pieces are read as they are asked for: nothing is gained by reading more. */
const LOCAL_PIECE_BYTES_MAX = 128 * 1024

export class BlockBackend implements Backend {
  readonly location: string
  readonly isRemote: boolean
  readonly connectionsMax: number
  readonly counts: RequestCounts
  readonly #inner: Backend
  readonly #store: BlockStore | undefined
  readonly #packBytes: (id: PackId) => number | undefined
  /** Under way or had, the one used last at the end. */
  readonly #recent = new Map<string, Promise<Uint8Array>>()

  /** `packBytes`: size of a pack; undefined when it is not known, and then the pack is read as it is asked for. */
  constructor(inner: Backend, store: BlockStore | undefined, packBytes: (id: PackId) => number | undefined) {
    this.#inner = inner
    this.#store = store
    this.#packBytes = packBytes
    this.location = inner.location
    this.isRemote = inner.isRemote
    this.connectionsMax = inner.connectionsMax
    this.counts = inner.counts
  }

  async get(name: ObjectName, range?: ByteRange, options?: ReadOptions): Promise<Uint8Array> {
    const pack = parsePackName(name)
    const size = pack?.kind === 'data' && range !== undefined && range.offset >= 0 ? this.#packBytes(pack.id) : undefined
    const isWhole = this.#store === undefined && range !== undefined && range.length > LOCAL_PIECE_BYTES_MAX
    if (pack === undefined || range === undefined || size === undefined || isWhole) return this.#inner.get(name, range, options)
    const { offset, length } = range
    if (offset + length > size) throw new VaultError('vault-damaged', `${name}: ${length} bytes at ${offset} asked for, it has ${size}`)
    const first = Math.floor(offset / BLOCK_BYTES)
    const last = Math.floor((offset + length - 1) / BLOCK_BYTES)
    const blocks = await Promise.all(Array.from({ length: last - first + 1 }, (_, i) => this.#block(name, pack.id, first + i, size, options)))
    const bytes = new Uint8Array(length)
    for (const [i, block] of blocks.entries()) {
      const start = (first + i) * BLOCK_BYTES
      const from = Math.max(offset - start, 0)
      const to = Math.min(offset + length - start, block.length)
      bytes.set(block.subarray(from, to), start + from - offset)
    }
    return bytes
  }

  /** Forgets what it has of a range that turned out to be wrong: it may have been damaged on its way here. */
  async drop(pack: PackId, { offset, length }: ByteRange): Promise<void> {
    for (let number = Math.floor(offset / BLOCK_BYTES); number * BLOCK_BYTES < offset + length; number++) {
      this.#recent.delete(`${pack} ${number}`)
      await this.#store?.drop(pack, number)
    }
  }

  /** One block, fetched once however many want it. */
  #block(name: ObjectName, pack: PackId, number: number, packBytes: number, options: ReadOptions | undefined): Promise<Uint8Array> {
    const key = `${pack} ${number}`
    const block = this.#recent.get(key) ?? this.#fetch(name, pack, number, packBytes, options)
    this.#recent.delete(key)
    this.#recent.set(key, block)
    block.catch(() => this.#recent.delete(key)) // the next one tries again
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= RECENT_BLOCKS_MAX) break
      this.#recent.delete(oldest)
    }
    return block
  }

  async #fetch(name: ObjectName, pack: PackId, number: number, packBytes: number, options: ReadOptions | undefined): Promise<Uint8Array> {
    const kept = await this.#store?.get(pack, number)
    const offset = number * BLOCK_BYTES
    const length = Math.min(BLOCK_BYTES, packBytes - offset)
    if (kept?.length === length) return kept
    const bytes = await this.#inner.get(name, { offset, length }, options)
    await this.#store?.put(pack, number, bytes)
    return bytes
  }

  put(name: ObjectName, bytes: Uint8Array, options?: PutOptions): Promise<void> {
    return this.#inner.put(name, bytes, options)
  }

  stat(name: ObjectName, options?: ReadOptions): Promise<ObjectInfo> {
    return this.#inner.stat(name, options)
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    return this.#inner.list(prefix, options)
  }

  delete(name: ObjectName, options?: ReadOptions): Promise<void> {
    return this.#inner.delete(name, options)
  }

  serverTimeMs(options?: ReadOptions): Promise<number> {
    return this.#inner.serverTimeMs(options)
  }

  close(): Promise<void> {
    this.#store?.close()
    return this.#inner.close()
  }
}
