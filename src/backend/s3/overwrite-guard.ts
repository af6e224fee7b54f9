// Whether a key that may put objects, but delete none, could still destroy what is stored: by putting something else
// under the same name. Two things stand against it: versioning, which keeps what was there, and a server that refuses
// every PUT without If-None-Match, where a policy tells it to.
import { createHash, randomBytes } from 'node:crypto'
import type { S3Client } from '@aws-sdk/client-s3'
import type { S3Connection, S3Sdk } from './client.ts'
import { openClient } from './client.ts'
import { s3Error, statusOf } from './s3-errors.ts'

export interface OverwriteGuard {
  readonly versioning: 'enabled' | 'suspended' | 'off' | 'unknown'
  /**
   * `policy`: Amazon S3, where the key's own policy can require the condition. `proven`: a PUT without it was refused here
   * just now. `no`: nothing is known to require it.
   */
  readonly conditionalWrites: 'policy' | 'proven' | 'no'
  readonly region: string
}

export interface GuardedPlace {
  readonly bucket: string
  readonly prefix: string
}

/** Asks the bucket. Sends PUTs only where its policy speaks of conditional writes, and removes what they made. */
export async function lookAtOverwriteGuard(connection: S3Connection, place: GuardedPlace, signal?: AbortSignal): Promise<OverwriteGuard> {
  const { sdk, client } = await openClient(connection)
  try {
    return await new GuardProbe(sdk, client, place, signal).look()
  } finally {
    client.destroy()
  }
}

class GuardProbe {
  readonly #sdk: S3Sdk
  readonly #client: S3Client
  readonly #place: GuardedPlace
  readonly #signal: AbortSignal | undefined
  #hostname = ''

  constructor(sdk: S3Sdk, client: S3Client, place: GuardedPlace, signal: AbortSignal | undefined) {
    this.#sdk = sdk
    this.#client = client
    this.#place = place
    this.#signal = signal
    // The address may also come from a file of the AWS tools: only the request itself tells where it goes.
    client.middlewareStack.add(
      (next) => (args) => {
        if (typeof args.request === 'object' && args.request !== null && 'hostname' in args.request) this.#hostname = String(args.request.hostname)
        return next(args)
      },
      { step: 'build', name: 's3vaultGuardHost' },
    )
  }

  async look(): Promise<OverwriteGuard> {
    const region = await this.#client.config.region()
    const versioning = await this.#versioning()
    if (/\.amazonaws\.com(\.cn)?$/.test(this.#hostname)) return { versioning, conditionalWrites: 'policy', region }
    const isProven = versioning !== 'enabled' && (await this.#policySpeaksOfConditions()) && (await this.#isOverwritingRefused())
    return { versioning, conditionalWrites: isProven ? 'proven' : 'no', region }
  }

  async #versioning(): Promise<OverwriteGuard['versioning']> {
    try {
      const { Status: status } = await this.#client.send(new this.#sdk.GetBucketVersioningCommand({ Bucket: this.#place.bucket }), this.#options())
      return status === 'Enabled' ? 'enabled' : status === 'Suspended' ? 'suspended' : 'off'
    } catch (error) {
      if (error instanceof Error && error.name === 'AccessDenied') return 'unknown'
      throw this.#mapped(error, 'ask for the versioning of')
    }
  }

  async #policySpeaksOfConditions(): Promise<boolean> {
    try {
      const { Policy: policy } = await this.#client.send(new this.#sdk.GetBucketPolicyCommand({ Bucket: this.#place.bucket }), this.#options())
      return policy?.toLowerCase().includes('s3:if-none-match') ?? false
    } catch (error) {
      // No policy, not to be read with this key, or a server without policies: then nothing is known to require anything.
      if ([403, 404, 405, 501].includes(statusOf(error) ?? 0)) return false
      throw this.#mapped(error, 'read the policy of')
    }
  }

  /** One PUT with the condition, which must work, and one without it to the same new name, which must not. */
  async #isOverwritingRefused(): Promise<boolean> {
    const { bucket, prefix } = this.#place
    const target = { Bucket: bucket, Key: `${prefix === '' ? '' : `${prefix}/`}doctor/${randomBytes(16).toString('hex')}` }
    const body = Buffer.from('s3vault policy: may be deleted\n')
    const content = {
      ...target, Body: body, ContentLength: body.length, ChecksumAlgorithm: 'SHA256' as const,
      ChecksumSHA256: createHash('sha256').update(body).digest('base64'),
    }
    try {
      await this.#client.send(new this.#sdk.PutObjectCommand({ ...content, IfNoneMatch: '*' }), this.#options())
    } catch (error) {
      throw this.#mapped(error, 'try a write in')
    }
    try {
      await this.#client.send(new this.#sdk.PutObjectCommand(content), this.#options())
      return false
    } catch (error) {
      if (statusOf(error) === 403) return true
      throw this.#mapped(error, 'try to overwrite in')
    } finally {
      await this.#deleteIfAllowed(target)
    }
  }

  async #deleteIfAllowed(target: { readonly Bucket: string; readonly Key: string }): Promise<void> {
    try {
      await this.#client.send(new this.#sdk.DeleteObjectCommand(target), this.#options())
    } catch (error) {
      if (statusOf(error) !== 403) throw this.#mapped(error, 'delete a trial object of')
      // A key that may not delete leaves one small object behind, which check notes.
    }
  }

  #options(): { abortSignal?: AbortSignal } {
    return this.#signal === undefined ? {} : { abortSignal: this.#signal }
  }

  #mapped(error: unknown, action: string): unknown {
    return s3Error(error, action, `the bucket ${this.#place.bucket}`, this.#signal)
  }
}
