// What every step of prune works with.
import type { Clock } from '../async/clock.ts'
import type { RandomSource } from '../async/random.ts'
import type { Repository } from '../repository/repository.ts'

export interface PruneParts {
  readonly repository: Repository
  readonly clock: Clock
  readonly random: RandomSource
  /** G of the gc protocol, ms: how long a mark stands before anything is deleted, and how young a pack is left alone. */
  readonly graceMs: number
  readonly signal?: AbortSignal
  readonly onStep?: (step: PruneStep) => void
}

/** What prune is doing, for people. Totals are absent while they are unknown. */
export interface PruneStep {
  readonly phase: 'list' | 'walk' | 'repack' | 'delete'
  readonly done: number
  readonly total?: number
  readonly bytes?: number
}
