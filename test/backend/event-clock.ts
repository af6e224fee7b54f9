import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../src/async/clock.ts'

interface Sleeper {
  readonly untilMs: number
  readonly wake: () => void
}

/** Time for many that sleep at once: it passes when all of them do, to the next one's waking. */
export class EventClock implements Clock {
  #timeMs = 1_800_000_000_000
  readonly #sleepers: Sleeper[] = []

  nowMs(): number {
    return this.#timeMs
  }

  elapsedMs(): number {
    return this.#timeMs
  }

  async sleep(ms: number): Promise<void> {
    await new Promise<void>((wake) => this.#sleepers.push({ untilMs: this.#timeMs + ms, wake }))
  }

  /** Lets time pass until `work` is done. */
  async run<T>(work: Promise<T>): Promise<T> {
    const state = { isDone: false }
    const done = work.finally(() => (state.isDone = true))
    done.catch(() => undefined) // thrown below
    while (!state.isDone) {
      await turn()
      this.#wakeNext()
    }
    return await done
  }

  #wakeNext(): void {
    this.#sleepers.sort((a, b) => a.untilMs - b.untilMs)
    const next = this.#sleepers.shift()
    if (!next) return
    this.#timeMs = Math.max(this.#timeMs, next.untilMs)
    next.wake()
  }
}
