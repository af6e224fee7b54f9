// Repeats what failed and may pass later: full-jitter exponential backoff within a budget of elapsed time.
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
// Safe because every call of the contract is idempotent. A fenced put is handed on once: before it is repeated its lease
// must be looked at again, which only the caller can do (gc protocol, rule 11).
// Calls share what they learn: of storage that is away only one call asks on (circuit.ts), and storage that is asked too
// much is asked less (request-window.ts).
import type { Clock } from '../async/clock.ts'
import type { RandomSource } from '../async/random.ts'
import { VaultError } from '../errors/vault-error.ts'
import type { ObjectName } from '../ids/ids.ts'
import type {
  Archive, Backend, Billing, ByteRange, GetOptions, ListOptions, ObjectInfo, PutOptions, ReadOptions,
} from './backend.ts'
import { wrappedArchive, wrappedBilling } from './capability-wrapping.ts'
import { Circuit } from './circuit.ts'
import { sleepUnlessInterrupted } from './failures.ts'
import { RequestWindow } from './request-window.ts'

export interface RetryEvent {
  readonly error: VaultError
  /** 1 for the first repetition. */
  readonly attempt: number
  readonly delayMs: number
}

export interface RetryOptions {
  readonly clock: Clock
  readonly random: RandomSource
  /** No repetition begins later than this after the call began. Default 15 minutes. */
  readonly budgetMs?: number
  /** The same as long as the storage has never answered: a mistyped address should not take a quarter of an hour. Default 30 s. */
  readonly firstContactBudgetMs?: number
  /** The first delay is drawn from 0 to this. Default 500. */
  readonly firstDelayMsMax?: number
  /** No delay is longer. Default 30 s. */
  readonly delayMsMax?: number
  /** Told before each wait, so that a long one is not silent. While storage is away that is one call's waits. */
  readonly onRetry?: (event: RetryEvent) => void
  /** Told when storage that was away answers again. */
  readonly onAnswer?: () => void
}

const BUDGET_MS = 15 * 60 * 1000
const FIRST_CONTACT_BUDGET_MS = 30_000
const FIRST_DELAY_MS_MAX = 500
const DELAY_MS_MAX = 30_000
/** What a server may ask for by Retry-After; more is a mistake of somebody's. */
const RETRY_AFTER_MS_MAX = 5 * 60_000

export class RetryBackend implements Backend {
  readonly inner: Backend
  readonly archive: Archive | undefined
  readonly billing: Billing | undefined
  readonly #options: RetryOptions
  readonly #circuit = new Circuit()
  readonly #window: RequestWindow
  #isContactMade = false

  constructor(inner: Backend, options: RetryOptions) {
    this.inner = inner
    this.#options = options
    this.archive = wrappedArchive(inner.archive, (call, signal) => this.#repeat(call, signal))
    this.billing = wrappedBilling(inner.billing, (call, signal) => this.#repeat(call, signal))
    this.#window = new RequestWindow(inner.connectionsMax, options.clock)
  }

  get location(): string {
    return this.inner.location
  }

  get isRemote(): boolean {
    return this.inner.isRemote
  }

  get connectionsMax(): number {
    return this.inner.connectionsMax
  }

  get counts(): Backend['counts'] {
    return this.inner.counts
  }

  async put(name: ObjectName, bytes: Uint8Array, options: PutOptions = {}): Promise<void> {
    const put = (): Promise<void> => this.inner.put(name, bytes, options)
    if (options.fence === undefined) return await this.#repeat(put, options.signal)
    const series = this.#begin(options.signal)
    try {
      await series.attempt(put)
    } catch (error) {
      series.judge(error)
      throw error
    } finally {
      series.end()
    }
  }

  async get(name: ObjectName, range?: ByteRange, options: GetOptions = {}): Promise<Uint8Array> {
    return await this.#repeat(() => this.inner.get(name, range, options), options.signal)
  }

  async stat(name: ObjectName, options: ReadOptions = {}): Promise<ObjectInfo> {
    return await this.#repeat(() => this.inner.stat(name, options), options.signal)
  }

  /** Goes on after the last name it gave; each name given renews the budget. */
  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    let iterator = this.inner.list(prefix, options)[Symbol.asyncIterator]()
    let last = options.startAfter
    const next = async (): Promise<IteratorResult<ObjectInfo>> => {
      try {
        return await iterator.next()
      } catch (error) {
        const resume = last === undefined ? options : { ...options, startAfter: last }
        iterator = this.inner.list(prefix, resume)[Symbol.asyncIterator]()
        throw error
      }
    }
    try {
      for (;;) {
        const step = await this.#repeat(next, options.signal)
        if (step.done) return
        last = step.value.name
        yield step.value
      }
    } finally {
      await iterator.return?.()
    }
  }

  async delete(name: ObjectName, options: ReadOptions = {}): Promise<void> {
    await this.#repeat(() => this.inner.delete(name, options), options.signal)
  }

  async serverTimeMs(options: ReadOptions = {}): Promise<number> {
    return await this.#repeat(() => this.inner.serverTimeMs(options), options.signal)
  }

  async close(): Promise<void> {
    await this.inner.close()
  }

  async #repeat<T>(call: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const series = this.#begin(signal)
    try {
      for (;;) {
        try {
          return await series.attempt(call)
        } catch (error) {
          await series.waitAfter(error)
        }
      }
    } finally {
      series.end()
    }
  }

  #begin(signal: AbortSignal | undefined): Series {
    return new Series({
      options: this.#options, circuit: this.#circuit, window: this.#window, signal,
      budgetMs: () => this.#budgetMs, onRepeat: () => void this.inner.counts.retries++,
      onAnswer: () => (this.#isContactMade = true),
    })
  }

  get #budgetMs(): number {
    const { budgetMs = BUDGET_MS, firstContactBudgetMs = FIRST_CONTACT_BUDGET_MS } = this.#options
    return this.#isContactMade ? budgetMs : Math.min(budgetMs, firstContactBudgetMs)
  }
}

interface SeriesParts {
  readonly options: RetryOptions
  readonly circuit: Circuit
  readonly window: RequestWindow
  readonly signal: AbortSignal | undefined
  readonly budgetMs: () => number
  readonly onRepeat: () => void
  readonly onAnswer: () => void
}

/** The attempts of one call. */
class Series {
  readonly #parts: SeriesParts
  readonly #startedMs: number
  #attempts = 0

  constructor(parts: SeriesParts) {
    this.#parts = parts
    this.#startedMs = parts.options.clock.elapsedMs()
  }

  async attempt<T>(call: () => Promise<T>): Promise<T> {
    const { circuit, window, signal, budgetMs } = this.#parts
    await circuit.pass(this, this.#startedMs + budgetMs(), signal)
    const result = await window.with(call, signal)
    this.#answered()
    window.grow()
    return result
  }

  #answered(): void {
    const { circuit, options, onAnswer } = this.#parts
    onAnswer()
    if (circuit.answered()) options.onAnswer?.()
  }

  /** Learns from a failed attempt. Returns the error when another attempt may pass. */
  judge(error: unknown): VaultError | undefined {
    if (error instanceof VaultError && error.code === 'interrupted') return undefined
    if (!(error instanceof VaultError) || error.retry !== 'later' || error.code !== 'storage-unreachable') {
      this.#answered() // that was an answer, if not the wanted one
      return error instanceof VaultError && error.retry === 'later' ? error : undefined
    }
    const { circuit, window, options } = this.#parts
    if (error.isOverload) window.shrink()
    circuit.failed(this, error, options.clock.elapsedMs())
    return error
  }

  /** Waits before the next attempt; throws `error` when there shall be none. */
  async waitAfter(error: unknown): Promise<void> {
    const passing = this.judge(error)
    if (passing === undefined) throw error
    const { options, signal, budgetMs, onRepeat } = this.#parts
    const delayMs = this.#delayMs(passing)
    if (options.clock.elapsedMs() - this.#startedMs + delayMs > budgetMs()) throw error
    this.#attempts++
    onRepeat()
    this.#tell(passing, delayMs)
    await sleepUnlessInterrupted(options.clock, delayMs, signal)
  }

  /** Full jitter; not before the time that the server asked for. */
  #delayMs({ isOverload, retryAfterMs = 0 }: VaultError): number {
    const { random, firstDelayMsMax = FIRST_DELAY_MS_MAX, delayMsMax = DELAY_MS_MAX } = this.#parts.options
    const firstMs = isOverload ? 2 * firstDelayMsMax : firstDelayMsMax
    const ceilingMs = Math.min(delayMsMax, firstMs * 2 ** Math.min(this.#attemptsSeen, 30))
    return Math.min(retryAfterMs, RETRY_AFTER_MS_MAX) + Math.ceil(fraction(random) * ceilingMs)
  }

  /** Who takes over from another prober goes on where that one was. */
  get #attemptsSeen(): number {
    const { circuit } = this.#parts
    return circuit.isProbedBy(this) ? Math.max(this.#attempts, circuit.probes) : this.#attempts
  }

  /** While the storage is away only the call that asks on speaks: the others just wait. */
  #tell(error: VaultError, delayMs: number): void {
    const { circuit, options } = this.#parts
    if (circuit.isOpen && !circuit.isProbedBy(this)) return
    options.onRetry?.({ error, attempt: Math.max(this.#attempts, this.#attemptsSeen), delayMs })
  }

  /** No attempt follows. */
  end(): void {
    this.#parts.circuit.left(this)
  }
}

/** Uniform in [0, 1). */
function fraction(random: RandomSource): number {
  const bytes = random.bytes(4)
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32
}
