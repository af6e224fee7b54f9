// How much memory packs may take while they are made and stored. The number of readers follows the bytes, not the other
// way round.
import { availableParallelism, totalmem } from 'node:os'

export interface PackBuffers {
  readonly threads: number
  readonly buffersPerThread: number
}

const MIB = 1024 * 1024
const THREADS_MAX = 8
/** One being filled while the other is under way. */
const BUFFERS_PER_THREAD = 2

/** Half a GiB, or an eighth of the machine's memory when that is less. */
const budgetBytes = (): number => Math.min(512 * MIB, totalmem() / 8)

/** `threadsWanted`: default one a processor, at most 8. */
export function packBuffers(packBytes: number, threadsWanted?: number): PackBuffers {
  const wanted = threadsWanted ?? Math.min(availableParallelism(), THREADS_MAX)
  const affordable = Math.floor(budgetBytes() / packBytes)
  const threads = Math.max(1, Math.min(wanted, Math.floor(affordable / BUFFERS_PER_THREAD)))
  return { threads, buffersPerThread: Math.max(1, Math.min(BUFFERS_PER_THREAD, affordable)) }
}
