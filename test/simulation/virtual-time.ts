// Takes real time away from the code under simulation: turns of the event loop are microtasks, intervals fire when a schedule
// says so, and the clock for measuring stands still. So a schedule depends on its seed alone, and no timer is ever waited for.
import { setImmediate as nextTurn } from 'node:timers/promises'

export interface Interval {
  readonly periodMs: number
  readonly fire: () => void
}

const intervals = new Set<Interval>()

/** For the rest of the process: a file of tests that simulates does nothing else. */
export function takeTime(): void {
  const replaced = {
    setImmediate: (callback: () => void): void => queueMicrotask(callback),
    setInterval: (fire: () => void, periodMs: number): Interval => {
      const interval = { fire, periodMs }
      intervals.add(interval)
      return interval
    },
    clearInterval: (interval: Interval): void => {
      intervals.delete(interval)
    },
  }
  Object.assign(globalThis, replaced)
  performance.now = () => 0
}

/** Of all that runs now. */
export const runningIntervals = (): readonly Interval[] => [...intervals]

/** Of a schedule that is over: what crashed in it never cleared its own. */
export const dropIntervals = (): void => intervals.clear()

/** Returns when everything that runs has come to a request or a sleep. */
export const settle = (): Promise<void> => nextTurn()
