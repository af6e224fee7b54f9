// Keeps requests in flight, and bytes a second, below a limit.
import type { Clock } from '../async/clock.ts'
import { Semaphore } from '../async/semaphore.ts'
import type { ObjectName } from '../ids/ids.ts'
import type { Backend, ByteRange, GetOptions, ListOptions, ObjectInfo, PutOptions, ReadOptions } from './backend.ts'
import { throwIfInterrupted } from './failures.ts'
import { TokenBucket } from './token-bucket.ts'

export interface LimitOptions {
  readonly clock: Clock
  readonly requestsInFlightMax: number
  /** None: unlimited. */
  readonly upBytesPerSecond?: number
  readonly downBytesPerSecond?: number
}

export class LimitBackend implements Backend {
  readonly inner: Backend
  readonly connectionsMax: number
  readonly #slots: Semaphore
  readonly #up: TokenBucket | undefined
  readonly #down: TokenBucket | undefined

  constructor(inner: Backend, { clock, requestsInFlightMax, upBytesPerSecond, downBytesPerSecond }: LimitOptions) {
    this.inner = inner
    this.connectionsMax = Math.min(inner.connectionsMax, requestsInFlightMax)
    this.#slots = new Semaphore(requestsInFlightMax)
    this.#up = upBytesPerSecond === undefined ? undefined : new TokenBucket(upBytesPerSecond, clock)
    this.#down = downBytesPerSecond === undefined ? undefined : new TokenBucket(downBytesPerSecond, clock)
  }

  get location(): string {
    return this.inner.location
  }

  get isRemote(): boolean {
    return this.inner.isRemote
  }

  get counts(): Backend['counts'] {
    return this.inner.counts
  }

  /** The wait for the rate comes before the request, and so before the fence is asked. */
  async put(name: ObjectName, bytes: Uint8Array, options: PutOptions = {}): Promise<void> {
    await this.#slots.with(async () => {
      throwIfInterrupted(options.signal)
      await this.#up?.take(bytes.length, options.signal)
      await this.inner.put(name, bytes, options)
    })
  }

  /** What came is paid for afterwards: before, the size is not known. */
  async get(name: ObjectName, range?: ByteRange, options: GetOptions = {}): Promise<Uint8Array> {
    return await this.#slots.with(async () => {
      const bytes = await this.inner.get(name, range, options)
      await this.#down?.take(bytes.length, options.signal)
      return bytes
    })
  }

  async stat(name: ObjectName, options: ReadOptions = {}): Promise<ObjectInfo> {
    return await this.#slots.with(() => this.inner.stat(name, options))
  }

  /** Holds its slot only while it fetches: who reads the listing may make requests between two names. */
  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    const iterator = this.inner.list(prefix, options)[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await this.#slots.with(() => iterator.next())
        if (next.done) return
        yield next.value
      }
    } finally {
      await iterator.return?.()
    }
  }

  async delete(name: ObjectName, options: ReadOptions = {}): Promise<void> {
    await this.#slots.with(() => this.inner.delete(name, options))
  }

  async serverTimeMs(options: ReadOptions = {}): Promise<number> {
    return await this.#slots.with(() => this.inner.serverTimeMs(options))
  }

  async close(): Promise<void> {
    await this.inner.close()
  }
}
