// What the proxy can do to one request, and how it chooses.
import type { SeededRandom } from '../seeded-random.ts'

/** Each is what networks and providers really do. */
export const FAULT_KINDS = [
  'internal-error', // 500, not forwarded
  'slow-down', // 503 SlowDown, not forwarded
  'conflict', // 409 ConditionalRequestConflict on a PUT, not forwarded
  'reset-before', // the connection breaks before the server has seen anything
  'lost-response', // the server has done it, the connection breaks before it can say so
  'stall', // no answer ever
  'truncated-body', // the connection breaks in the middle of the body that Content-Length announced
  'wrong-bytes', // one bit of the body of a GET is flipped
  'expired-token', // 403 ExpiredToken, not forwarded
  'trickle', // the body comes a byte at a time
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

export interface ProxiedRequest {
  readonly method: string
  readonly path: string
  /** A GET of an object, not of a listing: what a hash or a seal vouches for. */
  readonly isObjectRead: boolean
}

/** Undefined: the request goes through as it is. A promise holds it back. */
export type FaultChoice = (request: ProxiedRequest) => FaultKind | undefined | Promise<FaultKind | undefined>

const fits = (kind: FaultKind, { method, isObjectRead }: ProxiedRequest): boolean => {
  if (kind === 'conflict') return method === 'PUT'
  if (kind === 'truncated-body') return method === 'GET'
  return kind === 'wrong-bytes' || kind === 'trickle' ? isObjectRead : true
}

/** Of the requests that one of `kinds` fits this share meets with one of them; the order of requests decides which. */
export function seededFaults(random: SeededRandom, probability: number, kinds: readonly FaultKind[]): FaultChoice {
  return (request) => {
    const fitting = kinds.filter((kind) => fits(kind, request))
    if (fitting.length === 0 || random.fraction() >= probability) return undefined
    return fitting[random.below(fitting.length)]
  }
}

/**
 * Runs `event` at the PUT of data pack number `count`, holding this and later requests back until it is done, and then
 * lets them meet with `kind`.
 */
export function afterDataPacks(count: number, event: () => void | Promise<void>, kind?: FaultKind): FaultChoice {
  let left = count
  let happened: Promise<void> | undefined
  return async (request) => {
    if (request.method === 'PUT' && request.path.includes('/packs/d/') && --left === 0) happened = Promise.resolve(event())
    await happened
    return happened === undefined ? undefined : kind
  }
}
