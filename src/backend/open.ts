// From a location to a backend that is ready to use: a directory as it is, S3 with its limits and retries around it.
import type { Clock } from '../async/clock.ts'
import { systemClock } from '../async/clock.ts'
import type { RandomSource } from '../async/random.ts'
import { SystemRandom } from '../async/random.ts'
import type { Backend } from './backend.ts'
import { createDirectoryBackend, openDirectoryBackend } from './directory.ts'
import { LimitBackend } from './limit.ts'
import type { BackendLocation } from './location.ts'
import { RereadingBackend } from './rereading.ts'
import type { RetryEvent } from './retry.ts'
import { RetryBackend } from './retry.ts'
import type { S3BackendOptions } from './s3.ts'

export interface OpenBackendOptions {
  /** `create` makes a missing directory; a bucket is never made. Default `open`: a missing directory is `vault-missing`. */
  readonly intent?: 'open' | 'create'
  readonly s3?: Omit<S3BackendOptions, 'bucket' | 'prefix'>
  readonly upBytesPerSecond?: number
  readonly downBytesPerSecond?: number
  /** Default 15 minutes. */
  readonly retryBudgetMs?: number
  readonly onRetry?: (event: RetryEvent) => void
  readonly onAnswer?: () => void
  readonly clock?: Clock
  readonly random?: RandomSource
}

export async function openBackend(location: BackendLocation, options: OpenBackendOptions = {}): Promise<Backend> {
  const clock = options.clock ?? systemClock
  if (location.kind === 'directory') {
    const open = options.intent === 'create' ? createDirectoryBackend : openDirectoryBackend
    const directory = await open(location.path)
    const isUnlimited = options.upBytesPerSecond === undefined && options.downBytesPerSecond === undefined
    return isUnlimited ? directory : limited(directory, clock, options)
  }
  const { openS3Backend } = await import('./s3.ts')
  const bucket = await openS3Backend({ ...options.s3, bucket: location.bucket, prefix: location.prefix })
  // The limit is inside: a call that waits for its next attempt holds no slot.
  return new RetryBackend(new RereadingBackend(limited(bucket, clock, options)), {
    clock,
    random: options.random ?? new SystemRandom(),
    ...(options.retryBudgetMs === undefined ? {} : { budgetMs: options.retryBudgetMs }),
    ...(options.onRetry === undefined ? {} : { onRetry: options.onRetry }),
    ...(options.onAnswer === undefined ? {} : { onAnswer: options.onAnswer }),
  })
}

function limited(inner: Backend, clock: Clock, { upBytesPerSecond, downBytesPerSecond }: OpenBackendOptions): Backend {
  return new LimitBackend(inner, {
    clock,
    requestsInFlightMax: inner.connectionsMax,
    ...(upBytesPerSecond === undefined ? {} : { upBytesPerSecond }),
    ...(downBytesPerSecond === undefined ? {} : { downBytesPerSecond }),
  })
}
