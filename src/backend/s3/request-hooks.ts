// Steps of ours in the SDK's handling of a request. Those at 'deserialize', 'low' stand right before the wire: they see
// the signed request, and the answer whatever its status.
import type { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { assert } from '../../errors/assert.ts'
import type { Fence } from '../backend.ts'
import type { PresignKeys } from './presign.ts'
import { presignedQuery } from './presign.ts'
import { statusOf } from './s3-errors.ts'
import type { ServerClock } from './server-clock.ts'

interface WireRequest {
  method: string
  path: string
  query: Record<string, string>
  headers: Record<string, string>
}

function wireRequest(value: unknown): WireRequest {
  const isRequest = typeof value === 'object' && value !== null && 'query' in value && 'headers' in value
  assert(isRequest, 'the SDK hands on an HTTP request')
  return value as WireRequest
}

function dateHeaderOf(response: unknown): string | undefined {
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined
  return (response.headers as Record<string, string | undefined>)['date']
}

/** Every answer tells the clock the server's time. */
export function observeServerTime(client: S3Client, clock: ServerClock): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      clock.observe(dateHeaderOf(result.response))
      return result
    },
    { step: 'deserialize', priority: 'low', name: 's3vaultObserveServerTime' },
  )
}

/** In a request's context: only its caller may repeat it. */
const FENCED = 's3vaultFenced'
export const isFenced = (context: object): boolean => FENCED in context && context[FENCED] === true

/** The SDK corrects itself from 5 minutes on; servers refuse from 15. */
const SKEW_MS_MIN = 5 * 60 * 1000

/**
 * A machine whose clock is wrong is refused once (`RequestTimeTooSkewed`; on HEAD, which has no body to say so, a bare
 * 403). From the refusal's Date the SDK learns the difference, so the same request is signed again and sent once more.
 */
export function repeatWhenSkewed(client: S3Client, clock: ServerClock): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      try {
        return await next(args)
      } catch (error) {
        const isSkewed = Math.abs((clock.lastMs() ?? Date.now()) - Date.now()) > SKEW_MS_MIN
        if (!isSkewed || statusOf(error) !== 403 || isFenced(context)) throw error
        return await next(args)
      }
    },
    { step: 'initialize', name: 's3vaultRepeatWhenSkewed' },
  )
}

/** The SDK would hash the body for its signature: it has been hashed already for the checksum header. */
export function setPayloadHash(command: PutObjectCommand, sha256: Buffer): void {
  command.middlewareStack.add(
    (next) => (args) => {
      wireRequest(args.request).headers['x-amz-content-sha256'] = sha256.toString('hex')
      return next(args)
    },
    { step: 'build', name: 's3vaultPayloadHash' },
  )
}

/** What belongs to the SDK's own signature and retries, or would have to be signed for nothing. */
const SDK_HEADERS =
  /^(authorization|x-amz-date|x-amz-content-sha256|x-amz-security-token|amz-sdk-.*|x-amz-user-agent|user-agent)$/

export interface FencedSigning {
  readonly fence: Fence
  readonly keys: PresignKeys
  readonly region: string
  /** At most the server's time now. */
  readonly signedAtMs: number
  readonly expiresSeconds: number
}

/** Thrown inside the SDK in place of what `check` threw, which must come out untouched. */
export class FenceRefusal extends Error {
  readonly refusal: unknown

  constructor(refusal: unknown) {
    super('fence refused')
    this.refusal = refusal
  }
}

/** Replaces the SDK's signature by one that expires, then asks the fence, then sends. */
export function signFenced(command: PutObjectCommand, signing: FencedSigning): void {
  command.middlewareStack.add(
    (next, context) => (args) => {
      context[FENCED] = true
      const request = wireRequest(args.request)
      const headers: Record<string, string> = {}
      for (const [name, value] of Object.entries(request.headers)) {
        if (!SDK_HEADERS.test(name)) headers[name] = value
      }
      const { method, path, query } = request
      request.query = presignedQuery({ ...signing, method, path, query, headers }, signing.keys)
      request.headers = headers
      try {
        signing.fence.check()
      } catch (error) {
        throw new FenceRefusal(error)
      }
      return next(args)
    },
    { step: 'deserialize', priority: 'low', name: 's3vaultSignFenced' },
  )
}
