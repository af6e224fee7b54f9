// A bucket while it is probed: requests are sent here, and an answer that refuses is an answer. Requests that got none,
// or one that passes (5xx, SlowDown), are sent again; what was asked is never changed meanwhile.
import type { S3Client } from '@aws-sdk/client-s3'
import type { Clock } from '../async/clock.ts'
import { interrupted, sleepUnlessInterrupted, throwIfInterrupted } from '../backend/failures.ts'
import type { S3Connection, S3Sdk } from '../backend/s3/client.ts'
import { openClient } from '../backend/s3/client.ts'
import { endpointInUse, type EndpointInUse } from '../backend/s3/endpoint.ts'
import { observeServerTime, repeatWhenSkewed } from '../backend/s3/request-hooks.ts'
import { s3Error, statusOf } from '../backend/s3/s3-errors.ts'
import { ServerClock } from '../backend/s3/server-clock.ts'
import { isVaultError } from '../errors/vault-error.ts'

export interface BucketPlace {
  readonly connection: S3Connection
  readonly bucket: string
  /** Of the vault, without slashes at its ends; '' for the bucket's root. */
  readonly prefix: string
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
}

export interface Refusal {
  readonly kind: 'refused'
  readonly status: number
  /** `AccessDenied`; '' where an answer without body gives none. */
  readonly code: string
  /** Where the bucket lies, when the answer says so. */
  readonly region?: string
}

export type Answer<Output> = { readonly kind: 'done'; readonly output: Output } | Refusal

const ATTEMPTS_MAX = 4
const FIRST_DELAY_MS = 300

/** 409 is left to the caller: for a conditional PUT it is an answer. */
const isPassing = (status: number): boolean => status === 429 || (status >= 500 && status !== 501)

export class ProbedBucket {
  readonly sdk: S3Sdk
  readonly client: S3Client
  readonly place: BucketPlace
  readonly serverClock = new ServerClock()
  /** Sent so far, repetitions included. */
  requests = 0

  private constructor(place: BucketPlace, sdk: S3Sdk, client: S3Client) {
    this.place = place
    this.sdk = sdk
    this.client = client
    observeServerTime(client, this.serverClock)
    repeatWhenSkewed(client, this.serverClock)
  }

  /** Sends nothing. Throws `usage` when no region is known. */
  static async open(place: BucketPlace): Promise<ProbedBucket> {
    const { sdk, client } = await openClient(place.connection)
    return new ProbedBucket(place, sdk, client)
  }

  get bucket(): string {
    return this.place.bucket
  }

  /** The key of an object of the vault. */
  key(name: string): string {
    return this.place.prefix === '' ? name : `${this.place.prefix}/${name}`
  }

  /** For messages. */
  get location(): string {
    return `s3://${this.bucket}${this.place.prefix === '' ? '' : `/${this.place.prefix}`}`
  }

  /** Throws `storage-denied` without credentials: the SDK asks for them before anything else. */
  async endpoint(): Promise<EndpointInUse> {
    try {
      return await endpointInUse(this.sdk, this.client, this.bucket)
    } catch (error) {
      throw s3Error(error, 'reach', this.location, this.place.signal)
    }
  }

  /** Throws `storage-unreachable` when no answer comes, and what else the SDK has to say that is none. */
  async ask<Output>(
    send: (options: { abortSignal?: AbortSignal }) => Promise<Output>, attemptsMax = ATTEMPTS_MAX,
  ): Promise<Answer<Output>> {
    const { signal, clock } = this.place
    for (let attempt = 1; ; attempt++) {
      throwIfInterrupted(signal)
      this.requests++
      try {
        return { kind: 'done', output: await send(signal === undefined ? {} : { abortSignal: signal }) }
      } catch (error) {
        if (signal?.aborted) throw interrupted(signal)
        const status = statusOf(error)
        if (status !== undefined && status >= 300 && !isPassing(status)) return refusalOf(error, status)
        const mapped = s3Error(error, 'probe', this.location, signal)
        if (attempt >= attemptsMax || !isVaultError(mapped) || mapped.retry !== 'later') throw mapped
      }
      await sleepUnlessInterrupted(clock, FIRST_DELAY_MS * 2 ** attempt, signal)
    }
  }

  close(): void {
    this.client.destroy()
  }
}

function refusalOf(error: unknown, status: number): Refusal {
  const name = error instanceof Error ? error.name : ''
  // The answer to a HEAD has no body: the SDK makes up a name.
  const isMadeUp = /^(UnknownError|Error|NotFound|Unknown|\d+)$/.test(name)
  const region = regionOf(error)
  return { kind: 'refused', status, code: isMadeUp ? '' : name, ...(region === undefined ? {} : { region }) }
}

/** In a header, or in the body of AuthorizationHeaderMalformed. */
function regionOf(error: unknown): string | undefined {
  const { Region, $response } = error as { Region?: unknown; $response?: { headers?: Readonly<Record<string, string>> } }
  return $response?.headers?.['x-amz-bucket-region'] ?? (typeof Region === 'string' ? Region : undefined)
}

/** `412 PreconditionFailed`. */
export const refusalText = ({ status, code }: Refusal): string => `${status}${code === '' ? '' : ` ${code}`}`

export const isDenial = ({ status }: Refusal): boolean => status === 403 || status === 401
