// Brings archived packs back and waits until all can be read. What was asked for goes on in the storage when this program
// ends: the next run finds it returning, or there.
import { Semaphore } from '../async/semaphore.ts'
import type { Clock } from '../async/clock.ts'
import type { Archive, ArchiveState, Backend, ReturnRequest } from '../backend/backend.ts'
import { sleepUnlessInterrupted } from '../backend/failures.ts'
import { assert } from '../errors/assert.ts'
import type { EventSink } from './events.ts'
import type { ArchiveSurvey } from './archive-survey.ts'
import { sizeOf, type NeededPack } from './pack-needs.ts'

/** Waits grow from minutes of `expedited` to hours of `bulk`. */
const FIRST_WAIT_MS = 1000
const WAIT_MS_MAX = 10 * 60 * 1000
/** Packs come back in any order, at about the same time: a few that are missing stand for all. */
const SAMPLE_PACKS = 4

export interface ReturnOptions extends ReturnRequest {
  readonly clock: Clock
  readonly events: EventSink
  readonly signal: AbortSignal | undefined
}

export interface ReturnSummary {
  /** Asked for in this run; the others were returning or readable already. */
  readonly requested: number
  readonly waitedMs: number
}

export class ArchiveReturn {
  readonly #archive: Archive
  readonly #survey: ArchiveSurvey
  readonly #options: ReturnOptions
  readonly #slots: Semaphore
  /** Packs that cannot be read yet. */
  #missing: NeededPack[]

  constructor({ archive, connectionsMax }: Backend, survey: ArchiveSurvey, options: ReturnOptions) {
    assert(archive !== undefined, 'storage that has archive classes can bring back')
    this.#archive = archive
    this.#survey = survey
    this.#options = options
    this.#slots = new Semaphore(connectionsMax)
    this.#missing = [...survey.archived, ...survey.returning]
  }

  /** Throws `interrupted`, and what the storage throws. */
  async run(): Promise<ReturnSummary> {
    const { clock, signal } = this.#options
    const startMs = clock.nowMs()
    const { archived } = this.#survey
    const asked = await Promise.all(archived.map((pack) => this.#slots.with(() => this.#ask(pack))))
    const immediate = new Set(archived.filter((_pack, i) => asked[i] === 'readable'))
    this.#missing = this.#missing.filter((pack) => !immediate.has(pack))
    for (let waitMs = FIRST_WAIT_MS; this.#missing.length > 0; waitMs = Math.min(2 * waitMs, WAIT_MS_MAX)) {
      this.#report()
      await sleepUnlessInterrupted(clock, waitMs, signal)
      const sample = this.#missing.slice(0, SAMPLE_PACKS)
      await this.#look(sample)
      if (this.#missing.length > 0 && sample.every((pack) => !this.#missing.includes(pack))) await this.#look(this.#missing)
    }
    this.#report()
    return { requested: archived.length, waitedMs: clock.nowMs() - startMs }
  }

  /** Asks for the state of `packs`: those that can be read are missing no more. */
  async #look(packs: readonly NeededPack[]): Promise<void> {
    const options = this.#options.signal ? { signal: this.#options.signal } : {}
    const states = await Promise.all(packs.map(({ name }) => this.#slots.with(() => this.#archive.state(name, options))))
    const readable = new Set(packs.filter((_pack, i) => states[i] === 'readable'))
    this.#missing = this.#missing.filter((pack) => !readable.has(pack))
  }

  async #ask({ name }: NeededPack): Promise<ArchiveState> {
    const { speed, days, signal } = this.#options
    return await this.#archive.bringBack(name, { speed, days }, signal ? { signal } : {})
  }

  #report(): void {
    const { archived, returning, readable } = this.#survey
    const all = [...archived, ...returning, ...readable]
    const bytesTotal = sizeOf(all)
    this.#options.events({
      type: 'progress', phase: 'archive', itemsDone: all.length - this.#missing.length, itemsTotal: all.length,
      bytesDone: bytesTotal - sizeOf(this.#missing), bytesTotal, bytesTransferred: 0, errors: 0,
    })
  }
}
