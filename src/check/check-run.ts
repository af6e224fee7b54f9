// What all parts of one check share: the vault, the signal, the log, and where the check stands.
import type { Backend, GetOptions, ReadOptions } from '../backend/backend.ts'
import { throwIfInterrupted } from '../backend/failures.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { SMALL_OBJECT_BYTES_MAX } from '../limits/limits.ts'
import { FindingLog } from './finding-log.ts'
import type { CheckOptions, CheckPhase } from './options.ts'

const PROGRESS_INTERVAL_MS = 100

export class CheckRun {
  readonly backend: Backend
  readonly keys: Keyring
  readonly options: CheckOptions
  readonly log: FindingLog
  readonly durationsMs: Record<CheckPhase, number> = { objects: 0, index: 0, trees: 0, packs: 0, damage: 0 }
  #phase: CheckPhase = 'objects'
  #done = 0
  #total = 0
  #bytesDone = 0
  #bytesTotal = 0
  #reportedMs = Number.NEGATIVE_INFINITY

  constructor(options: CheckOptions) {
    this.options = options
    this.backend = options.backend
    this.keys = options.keys
    this.log = new FindingLog(options.onFinding)
  }

  get readOptions(): ReadOptions {
    return this.options.signal ? { signal: this.options.signal } : {}
  }

  /** The same for a small sealed object: one that is larger is not read. */
  get smallObject(): GetOptions {
    return { ...this.readOptions, bytesMax: SMALL_OBJECT_BYTES_MAX }
  }

  /** Runs one phase and times it. */
  async phase<T>(phase: CheckPhase, work: () => Promise<T>): Promise<T> {
    const startMs = this.options.clock.nowMs()
    this.#phase = phase
    this.expect(0, 0)
    this.#done = 0
    this.#bytesDone = 0
    try {
      return await work()
    } finally {
      this.durationsMs[phase] += this.options.clock.nowMs() - startMs
    }
  }

  /** Says how much this phase has to do. */
  expect(total: number, bytesTotal: number): void {
    this.#total = total
    this.#bytesTotal = bytesTotal
  }

  /** Notes something done. Throws `interrupted` once the signal has fired. */
  advance(done: number, bytes: number): void {
    throwIfInterrupted(this.options.signal)
    this.#done += done
    this.#bytesDone += bytes
    const { onProgress, clock } = this.options
    if (!onProgress) return
    const nowMs = clock.nowMs()
    if (nowMs - this.#reportedMs < PROGRESS_INTERVAL_MS) return
    this.#reportedMs = nowMs
    onProgress({
      phase: this.#phase, done: this.#done, total: this.#total, bytesDone: this.#bytesDone, bytesTotal: this.#bytesTotal,
      errors: this.log.errors,
    })
  }
}
