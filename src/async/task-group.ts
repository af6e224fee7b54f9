import { Semaphore } from './semaphore.ts'

/** Runs tasks with at most `concurrencyMax` at once; the first failure stops further starts and is thrown by `add` and `finish`. */
export class TaskGroup {
  readonly #slots: Semaphore
  readonly #running = new Set<Promise<void>>()
  #failure: { error: unknown } | undefined

  constructor(concurrencyMax: number) {
    this.#slots = new Semaphore(concurrencyMax)
  }

  /** Waits for a free slot, then starts `task` and returns. */
  async add(task: () => Promise<void>): Promise<void> {
    await this.#slots.acquire()
    if (this.#failure) {
      this.#slots.release()
      throw this.#failure.error
    }
    const run = task()
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#running.delete(run)
        this.#slots.release()
      })
    this.#running.add(run)
  }

  /** Waits for all tasks; throws the first failure. */
  async finish(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
    if (this.#failure) throw this.#failure.error
  }
}
