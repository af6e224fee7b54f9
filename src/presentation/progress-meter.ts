// From a stream of progress reports to rates and an estimate of the time left.
import type { Progress } from '../operations/events.ts'

export interface ProgressView {
  readonly progress: Progress
  readonly elapsedMs: number
  /** Bytes read (backup), checked, or found right or written (restore) a second, of late. */
  readonly bytesPerSecond: number
  /** Bytes to or from storage a second, of late. */
  readonly transferredPerSecond: number
  /** Time left; absent while no total or no rate is known. */
  readonly leftMs?: number
}

interface Sample {
  readonly atMs: number
  readonly bytesDone: number
  readonly bytesTransferred: number
  readonly itemsDone: number
}

/** Rates are over this time: long enough to bridge a large upload, short enough to follow a change. */
const WINDOW_MS = 10_000
/** Samples closer together than this add nothing. */
const SAMPLE_MS = 200
/** Opening and closing one file takes about as long as reading this much: 0.2 ms, at 150 MB/s. */
const ITEM_COST_BYTES = 32 * 1024

/** Times are any monotonic clock's, in ms. */
export class ProgressMeter {
  readonly #startMs: number
  #samples: Sample[] = []
  #latest: Progress | undefined

  constructor(startMs: number) {
    this.#startMs = startMs
  }

  observe(progress: Progress, nowMs: number): void {
    // Another phase counts from zero again: its rate must not be mixed with the old one's.
    if (this.#latest !== undefined && this.#latest.phase !== progress.phase) this.#samples = []
    this.#latest = progress
    const last = this.#samples.at(-1)
    if (last !== undefined && nowMs - last.atMs < SAMPLE_MS) return
    const { bytesDone, bytesTransferred, itemsDone } = progress
    this.#samples.push({ atMs: nowMs, bytesDone, bytesTransferred, itemsDone })
    // One sample older than the window stays: the rate is over at least the window.
    while ((this.#samples[1]?.atMs ?? Infinity) <= nowMs - WINDOW_MS) this.#samples.shift()
  }

  /** The state now; undefined before the first report. Rates fall when reports stop coming. */
  view(nowMs: number): ProgressView | undefined {
    const progress = this.#latest
    if (progress === undefined) return undefined
    const oldest = this.#samples[0]
    const seconds = oldest === undefined ? 0 : (nowMs - oldest.atMs) / 1000
    const rate = (now: number, then: number | undefined): number =>
      seconds < SAMPLE_MS / 1000 ? 0 : Math.max(0, now - (then ?? 0)) / seconds
    const bytesPerSecond = rate(progress.bytesDone, oldest?.bytesDone)
    const itemsPerSecond = rate(progress.itemsDone, oldest?.itemsDone)
    const leftMs = timeLeft(progress, bytesPerSecond, itemsPerSecond)
    return {
      progress,
      elapsedMs: nowMs - this.#startMs,
      bytesPerSecond,
      transferredPerSecond: rate(progress.bytesTransferred, oldest?.bytesTransferred),
      ...(leftMs === undefined ? {} : { leftMs }),
    }
  }
}

/** Bytes and items as one amount of work. */
function work(bytes: number | undefined, items: number | undefined): number {
  return (bytes ?? 0) + (items ?? 0) * ITEM_COST_BYTES
}

/** From what has a total: bytes, items or both. */
function timeLeft(progress: Progress, bytesPerSecond: number, itemsPerSecond: number): number | undefined {
  const { bytesDone, bytesTotal, itemsDone, itemsTotal } = progress
  if (bytesTotal === undefined && itemsTotal === undefined) return undefined
  const hasBytes = bytesTotal !== undefined && bytesTotal > 0
  const hasItems = itemsTotal !== undefined
  const perSecond = work(hasBytes ? bytesPerSecond : 0, hasItems ? itemsPerSecond : 0)
  if (perSecond <= 0) return undefined
  const done = work(hasBytes ? bytesDone : 0, hasItems ? itemsDone : 0)
  return (Math.max(0, work(bytesTotal, itemsTotal) - done) / perSecond) * 1000
}
