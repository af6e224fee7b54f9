// The store without a schedule: every request is answered at once. For what comes before a schedule and after it.
import { newRequestCounts, type Backend, type ByteRange, type GetOptions, type ListOptions, type ObjectInfo } from '../../src/backend/backend.ts'
import type { ObjectName } from '../../src/ids/ids.ts'
import type { SimulatedStore } from './store.ts'

export class InstantBackend implements Backend {
  readonly location = 'simulated'
  readonly isRemote = true
  readonly connectionsMax = 8
  readonly counts = newRequestCounts()
  readonly #store: SimulatedStore
  readonly #nowMs: () => number

  constructor(store: SimulatedStore, nowMs: () => number) {
    this.#store = store
    this.#nowMs = nowMs
  }

  async put(name: ObjectName, bytes: Uint8Array): Promise<void> {
    this.#store.put(name, bytes.slice(), this.#nowMs())
  }

  async get(name: ObjectName, range?: ByteRange, { bytesMax }: GetOptions = {}): Promise<Uint8Array> {
    return this.#store.get(name, range, bytesMax)
  }

  async stat(name: ObjectName): Promise<ObjectInfo> {
    return this.#store.stat(name)
  }

  async *list(prefix: string, { startAfter = '' }: ListOptions = {}): AsyncIterable<ObjectInfo> {
    yield* this.#store.page(prefix, startAfter, Number.POSITIVE_INFINITY)
  }

  async delete(name: ObjectName): Promise<void> {
    this.#store.delete(name)
  }

  async serverTimeMs(): Promise<number> {
    return this.#nowMs()
  }

  async close(): Promise<void> {}
}
