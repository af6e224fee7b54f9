// Repeats what failed and may pass later: full-jitter exponential backoff within a budget of elapsed time.
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
// Safe because every call of the contract is idempotent. A fenced put is handed on once: before it is repeated its lease
// must be looked at again, which only the caller can do (gc protocol, rule 11).
import type { Clock } from '../async/clock.ts'
import type { RandomSource } from '../async/random.ts'
import { VaultError } from '../errors/vault-error.ts'
import type { ObjectName } from '../ids/ids.ts'
import type { Backend, ByteRange, GetOptions, ListOptions, ObjectInfo, PutOptions, ReadOptions } from './backend.ts'
import { sleepUnlessInterrupted } from './failures.ts'

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
  /** Told before each wait, so that a long one is not silent. */
  readonly onRetry?: (event: RetryEvent) => void
}

const BUDGET_MS = 15 * 60 * 1000
const FIRST_CONTACT_BUDGET_MS = 30_000
const FIRST_DELAY_MS_MAX = 500
const DELAY_MS_MAX = 30_000

export class RetryBackend implements Backend {
  readonly inner: Backend
  readonly #options: RetryOptions
  readonly #contact = { isMade: false }

  constructor(inner: Backend, options: RetryOptions) {
    this.inner = inner
    this.#options = options
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
    if (options.fence !== undefined) return await this.inner.put(name, bytes, options)
    await this.#repeat(() => this.inner.put(name, bytes, options), options.signal)
  }

  async get(name: ObjectName, range?: ByteRange, options: GetOptions = {}): Promise<Uint8Array> {
    return await this.#repeat(() => this.inner.get(name, range, options), options.signal)
  }

  async stat(name: ObjectName, options: ReadOptions = {}): Promise<ObjectInfo> {
    return await this.#repeat(() => this.inner.stat(name, options), options.signal)
  }

  /** Goes on after the last name it gave; each name given renews the budget. */
  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    let resume = options
    let backoff = this.#newBackoff()
    for (;;) {
      try {
        for await (const info of this.inner.list(prefix, resume)) {
          resume = { ...options, startAfter: info.name }
          backoff = this.#newBackoff()
          this.#contact.isMade = true
          yield info
        }
        this.#contact.isMade = true
        return
      } catch (error) {
        await backoff.wait(error, options.signal)
      }
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

  #newBackoff(): Backoff {
    return new Backoff(this.#options, this.#contact)
  }

  async #repeat<T>(call: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const backoff = this.#newBackoff()
    for (;;) {
      try {
        const result = await call()
        this.#contact.isMade = true
        return result
      } catch (error) {
        await backoff.wait(error, signal)
      }
    }
  }
}

class Backoff {
  readonly #options: RetryOptions
  readonly #contact: { isMade: boolean }
  readonly #startedMs: number
  #attempts = 0

  constructor(options: RetryOptions, contact: { isMade: boolean }) {
    this.#options = options
    this.#contact = contact
    this.#startedMs = options.clock.elapsedMs()
  }

  /** Waits before the next attempt; throws `error` when there shall be none. */
  async wait(error: unknown, signal: AbortSignal | undefined): Promise<void> {
    if (!(error instanceof VaultError) || error.retry !== 'later') {
      this.#contact.isMade = true // that was an answer, if not the wanted one
      throw error
    }
    const { clock, random, onRetry } = this.#options
    const ceilingMs = Math.min(
      this.#options.delayMsMax ?? DELAY_MS_MAX,
      (this.#options.firstDelayMsMax ?? FIRST_DELAY_MS_MAX) * 2 ** this.#attempts,
    )
    const delayMs = Math.ceil(fraction(random) * ceilingMs)
    const spentMs = clock.elapsedMs() - this.#startedMs
    const wholeMs = this.#options.budgetMs ?? BUDGET_MS
    const budgetMs = this.#contact.isMade
      ? wholeMs
      : Math.min(wholeMs, this.#options.firstContactBudgetMs ?? FIRST_CONTACT_BUDGET_MS)
    if (spentMs + delayMs > budgetMs) throw error
    this.#attempts++
    onRetry?.({ error, attempt: this.#attempts, delayMs })
    await sleepUnlessInterrupted(clock, delayMs, signal)
  }
}

/** Uniform in [0, 1). */
function fraction(random: RandomSource): number {
  const bytes = random.bytes(4)
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32
}
