// Keeps transfers at once, and bytes a second, below a limit. Up to that, as many transfers run as the line is worth
// (line-probe.ts). Small requests have room of their own: the renewal of a session must not wait for packs to be sent.
import type { Clock } from '../async/clock.ts'
import { Semaphore } from '../async/semaphore.ts'
import type { ObjectName } from '../ids/ids.ts'
import type {
  Archive, Backend, Billing, ByteRange, GetOptions, ListOptions, ObjectInfo, PutOptions, ReadOptions,
} from './backend.ts'
import { wrappedArchive, wrappedBilling } from './capability-wrapping.ts'
import { throwIfInterrupted } from './failures.ts'
import { TransferGate } from './transfer-gate.ts'

export interface LimitOptions {
  readonly clock: Clock
  /** Of transfers in each direction, and of small requests. */
  readonly requestsInFlightMax: number
  /** None: unlimited. */
  readonly upBytesPerSecond?: number
  readonly downBytesPerSecond?: number
}

/** A put of less is no transfer. */
const TRANSFER_BYTES_MIN = 64 * 1024
/** Packs: on most lines enough. */
const UPLOADS_FIRST = 4
/** Many are small, and wait more than they transfer. */
const DOWNLOADS_FIRST = 8

export class LimitBackend implements Backend {
  readonly inner: Backend
  readonly connectionsMax: number
  readonly archive: Archive | undefined
  readonly billing: Billing | undefined
  readonly #small: Semaphore
  readonly #up: TransferGate
  readonly #down: TransferGate

  constructor(inner: Backend, { clock, requestsInFlightMax, upBytesPerSecond, downBytesPerSecond }: LimitOptions) {
    this.inner = inner
    this.connectionsMax = Math.min(inner.connectionsMax, requestsInFlightMax)
    this.#small = new Semaphore(requestsInFlightMax)
    this.archive = wrappedArchive(inner.archive, (call) => this.#small.with(call))
    this.billing = wrappedBilling(inner.billing, (call) => this.#small.with(call))
    const gate = (transfersFirst: number, rate: number | undefined): TransferGate =>
      new TransferGate({
        clock, transfersMax: requestsInFlightMax, transfersFirst, ...(rate === undefined ? {} : { bytesPerSecond: rate }),
      })
    this.#up = gate(UPLOADS_FIRST, upBytesPerSecond)
    this.#down = gate(DOWNLOADS_FIRST, downBytesPerSecond)
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

  /** What moves whole waits for the rate before the request, and so before the fence is asked. */
  async put(name: ObjectName, bytes: Uint8Array, options: PutOptions = {}): Promise<void> {
    throwIfInterrupted(options.signal)
    const isSmall = bytes.length < TRANSFER_BYTES_MIN
    const isWhole = isSmall || options.fence !== undefined || !this.isRemote
    if (isWhole) await this.#up.take(bytes.length, options.signal)
    if (isSmall) await this.#small.with(() => this.inner.put(name, bytes, options))
    else await this.#up.with((pace) => this.inner.put(name, bytes, isWhole ? options : { ...options, pace }))
  }

  async get(name: ObjectName, range?: ByteRange, options: GetOptions = {}): Promise<Uint8Array> {
    return await this.#down.with(async (pace) => {
      if (this.isRemote) return await this.inner.get(name, range, { ...options, pace })
      const bytes = await this.inner.get(name, range, options)
      await this.#down.take(bytes.length, options.signal) // before, the size is not known
      return bytes
    })
  }

  async stat(name: ObjectName, options: ReadOptions = {}): Promise<ObjectInfo> {
    return await this.#small.with(() => this.inner.stat(name, options))
  }

  /** Holds its place only while it fetches: who reads the listing may make requests between two names. */
  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    const iterator = this.inner.list(prefix, options)[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await this.#small.with(() => iterator.next())
        if (next.done) return
        yield next.value
      }
    } finally {
      await iterator.return?.()
    }
  }

  async delete(name: ObjectName, options: ReadOptions = {}): Promise<void> {
    await this.#small.with(() => this.inner.delete(name, options))
  }

  async serverTimeMs(options: ReadOptions = {}): Promise<number> {
    return await this.#small.with(() => this.inner.serverTimeMs(options))
  }

  async close(): Promise<void> {
    await this.inner.close()
  }
}
