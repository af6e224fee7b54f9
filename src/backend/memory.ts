// A backend in memory: the reference implementation of the contract, for tests and for the simulation.
// Every call takes effect at one instant and never waits, so a simulation decides the order by deciding when to call.
import type { ObjectName } from '../ids/ids.ts'
import type { Backend, ByteRange, GetOptions, ListOptions, ObjectInfo, PutOptions, ReadOptions } from './backend.ts'
import { newRequestCounts } from './backend.ts'
import { objectExists, objectMissing, throwIfInterrupted } from './failures.ts'
import { assertRange, resolveRange } from './range.ts'

interface StoredObject {
  readonly bytes: Uint8Array
  readonly modifiedMs: number
}

export interface MemoryBackendOptions {
  /** The storage's clock, ms since the epoch. Default: the machine's. */
  readonly nowMs?: () => number
  readonly location?: string
  readonly isRemote?: boolean
}

export class MemoryBackend implements Backend {
  readonly location: string
  readonly isRemote: boolean
  readonly connectionsMax = 8
  readonly counts = newRequestCounts()
  readonly #nowMs: () => number
  readonly #objects = new Map<string, StoredObject>()
  #sortedNames: ObjectName[] | undefined

  constructor(options: MemoryBackendOptions = {}) {
    this.location = options.location ?? 'memory'
    this.isRemote = options.isRemote ?? false
    this.#nowMs = options.nowMs ?? Date.now
  }

  async put(name: ObjectName, bytes: Uint8Array, options: PutOptions = {}): Promise<void> {
    throwIfInterrupted(options.signal)
    options.fence?.check()
    this.counts.put++
    this.counts.bytesUp += bytes.length
    const existing = this.#objects.get(name)
    if (existing !== undefined) {
      if (Buffer.compare(existing.bytes, bytes) !== 0) throw objectExists(this.#where(name))
      return
    }
    this.#objects.set(name, { bytes: Uint8Array.from(bytes), modifiedMs: this.#nowMs() })
    this.#sortedNames = undefined
  }

  async get(name: ObjectName, range?: ByteRange, options: GetOptions = {}): Promise<Uint8Array> {
    throwIfInterrupted(options.signal)
    if (range !== undefined) assertRange(range)
    this.counts.get++
    const { bytes } = this.#find(name)
    const { startBytes, lengthBytes } = resolveRange(range, bytes.length, this.#where(name), options.bytesMax)
    this.counts.bytesDown += lengthBytes
    return bytes.slice(startBytes, startBytes + lengthBytes)
  }

  async stat(name: ObjectName, options: ReadOptions = {}): Promise<ObjectInfo> {
    throwIfInterrupted(options.signal)
    this.counts.stat++
    const { bytes, modifiedMs } = this.#find(name)
    return { name, sizeBytes: bytes.length, modifiedMs }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    throwIfInterrupted(options.signal)
    this.counts.list++
    const { startAfter } = options
    for (const name of this.names()) {
      if (!name.startsWith(prefix) || (startAfter !== undefined && name <= startAfter)) continue
      const object = this.#objects.get(name)
      if (object === undefined) continue // deleted since the listing began
      yield { name, sizeBytes: object.bytes.length, modifiedMs: object.modifiedMs }
      throwIfInterrupted(options.signal)
    }
  }

  async delete(name: ObjectName, options: ReadOptions = {}): Promise<void> {
    throwIfInterrupted(options.signal)
    this.counts.delete++
    if (this.#objects.delete(name)) this.#sortedNames = undefined
  }

  async serverTimeMs(options: ReadOptions = {}): Promise<number> {
    throwIfInterrupted(options.signal)
    this.counts.stat++
    return this.#nowMs()
  }

  async close(): Promise<void> {}

  /** All names in byte order, at this instant. Names are ASCII, so the order of UTF-16 units is the order of bytes. */
  names(): readonly ObjectName[] {
    this.#sortedNames ??= [...this.#objects.keys()].sort() as ObjectName[]
    return this.#sortedNames
  }

  /** What a decaying disk does: replaces an object's bytes behind everyone's back, its time unchanged. For tests. */
  damage(name: ObjectName, change: (bytes: Uint8Array) => Uint8Array): void {
    const { bytes, modifiedMs } = this.#find(name)
    this.#objects.set(name, { bytes: change(Uint8Array.from(bytes)), modifiedMs })
  }

  #find(name: ObjectName): StoredObject {
    const object = this.#objects.get(name)
    if (object === undefined) throw objectMissing(this.#where(name))
    return object
  }

  #where(name: ObjectName): string {
    return `${this.location}/${name}`
  }
}
