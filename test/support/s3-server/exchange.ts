// One request as the operations see it, and their answer.
import type { IncomingHttpHeaders } from 'node:http'
import type { VerifiedBody } from './body.ts'
import type { ServerState } from './state.ts'

export interface Exchange {
  readonly state: ServerState
  readonly method: string
  readonly bucketName: string
  readonly key: string
  readonly query: ReadonlyMap<string, string>
  readonly headers: IncomingHttpHeaders
  readonly body: VerifiedBody
  readonly nowMs: number
  readonly behaviour: ServerBehaviour
}

/** Where servers differ; the defaults are those of Amazon S3. */
export interface ServerBehaviour {
  /**
   * `ignored`: If-None-Match and If-Match on PUT have no effect, as on Ceph 16 in versioned buckets. `refused`: a PUT with
   * one is answered by NotImplemented. Default `honoured`.
   */
  readonly conditionalPut?: 'honoured' | 'ignored' | 'refused'
  /** Which digests of a body are verified. `signed`: the one in the signature, as on Ceph 16; `none`: not even that. Default `all`. */
  readonly digests?: 'all' | 'signed' | 'none'
  /** `ignored`: an expired signature is as good as a fresh one. Default `honoured`. */
  readonly signatureExpiry?: 'honoured' | 'ignored'
  /** When set, requests signed for another region are refused, and HeadBucket tells this one. */
  readonly region?: string
  /** `absent`: HEAD never returns a checksum, as on Ceph 16. Default `returned`. */
  readonly checksumOnHead?: 'returned' | 'absent'
  /** How long RestoreObject takes. Default 0. */
  readonly archiveDelayMs?: number
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
}

export const xmlAnswer = (body: string): Answer => ({ status: 200, headers: { 'content-type': 'application/xml' }, body })

export const isoSeconds = (ms: number): string => new Date(Math.floor(ms / 1000) * 1000).toISOString()
