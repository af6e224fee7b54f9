import { uptime } from 'node:os'

/** Time as the engine sees it; injected, so that a simulation can own it. */
export interface Clock {
  /** Wall clock, ms since the epoch. For display and for names only; no decision rests on it (gc protocol, rule 1). */
  nowMs(): number
  /** Boot clock in ms, goes on during suspend; for elapsed time. Resolution about 1 s. */
  elapsedMs(): number
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => uptime() * 1000,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      const onAbort = (): void => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
    }),
}
