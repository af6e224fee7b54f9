// How much memory packs may take while they are made and stored. The number of readers follows the bytes, not the other
// way round.
import { availableParallelism, totalmem } from 'node:os'

export interface ReadingBudget {
  readonly threads: number
  /** For all threads together, never fewer than threads. */
  readonly packBuffers: number
}

export interface ReadingWishes {
  readonly packBytes: number
  /** Storage behind a network: more packs are under way at once. */
  readonly isRemote: boolean
  /** Default one a processor, at most 8. */
  readonly threadsWanted: number | undefined
}

const MIB = 1024 * 1024
const THREADS_MAX = 8
/** Packs under way to storage while each reader fills another: a disk takes one as fast as two. */
const STORING_LOCAL = 1
const STORING_REMOTE = 3

/** Half a GiB, or an eighth of the machine's memory when that is less. */
const budgetBytes = (): number => Math.min(512 * MIB, totalmem() / 8)

export function readingBudget({ packBytes, isRemote, threadsWanted }: ReadingWishes): ReadingBudget {
  const wanted = threadsWanted ?? Math.min(availableParallelism(), THREADS_MAX)
  const affordable = Math.max(1, Math.floor(budgetBytes() / packBytes))
  const storing = isRemote ? STORING_REMOTE : STORING_LOCAL
  const threads = Math.max(1, Math.min(wanted, affordable - storing))
  return { threads, packBuffers: Math.max(threads, Math.min(threads + storing, affordable)) }
}
