// Credentials that expire in the middle of a run. The SDK renews those whose end it knows; what it cannot know is that a
// server refuses them earlier, or that a file or a helper program has new ones by now. So a refusal that tells of expired
// keys has the SDK's provider chain asked again, and when that gives other keys the request is signed with them once more.
import type { S3Client } from '@aws-sdk/client-s3'
import { isFenced } from './request-hooks.ts'
import { statusOf } from './s3-errors.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const EXPIRED_CODES = new Set([
  'ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'InvalidToken', 'InvalidAccessKeyId', 'RequestExpired',
])
/** A chain that had nothing new is not asked again for every request that is refused for other reasons. */
const FRUITLESS_INTERVAL_MS = 1000

export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** True for a refusal that newer credentials may mend. The answer to a HEAD has no body to say so: there the status must do. */
function mayHaveExpired(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const status = statusOf(error)
  return EXPIRED_CODES.has(error.name) || ((status === 400 || status === 403) && isWordless(error))
}

const isWordless = ({ name, message }: Error): boolean =>
  message === '' || message === 'UnknownError' || /^(\d{3}|Unknown|UnknownError|BadRequest|Forbidden)$/.test(name)

const isSame = (a: Keys, b: Keys): boolean =>
  a.accessKeyId === b.accessKeyId && a.secretAccessKey === b.secretAccessKey && a.sessionToken === b.sessionToken

export class CredentialRefresh {
  readonly #client: S3Client
  #fruitlessAtMs = Number.NEGATIVE_INFINITY

  constructor(client: S3Client) {
    this.#client = client
  }

  /** The keys that requests are signed with now. */
  async keys(): Promise<Keys> {
    return await this.#client.config.credentials()
  }

  /**
   * Whether `error` is a refusal of `refused` keys and the chain has others by now, which are used from then on. Why a
   * chain cannot be asked is not told: the refusal says what matters.
   */
  async mayMend(error: unknown, refused: Keys): Promise<boolean> {
    if (!mayHaveExpired(error)) return false
    try {
      if (!isSame(await this.keys(), refused)) return true // another request has asked meanwhile
      if (performance.now() - this.#fruitlessAtMs < FRUITLESS_INTERVAL_MS) return false
      const isNew = !isSame(await this.#client.config.credentials({ forceRefresh: true }), refused)
      if (!isNew) this.#fruitlessAtMs = performance.now()
      return isNew
    } catch (failure) {
      if (failure instanceof Error) return false
      throw failure
    }
  }
}

/** Signs a refused request anew when there are other credentials. A fenced one is its caller's to repeat. */
export function repeatWhenExpired(client: S3Client, refresh: CredentialRefresh): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const used = await refresh.keys()
      try {
        return await next(args)
      } catch (error) {
        if (isFenced(context) || !(await refresh.mayMend(error, used))) throw error
        return await next(args)
      }
    },
    { step: 'initialize', name: 's3vaultRepeatWhenExpired' },
  )
}
