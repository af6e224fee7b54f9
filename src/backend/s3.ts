// A backend in an S3 bucket, through Amazon's SDK: every object is an object named <prefix>/<name>.
//
// Creation: PUT with `If-None-Match: *` where the server honours it, else HEAD and then PUT; the latter can overwrite
// when two writers choose one name at the same moment, which names that are digests or random rule out. Every PUT
// carries the SHA-256 of its bytes, which the server verifies. No request is repeated here: see retry.ts.
// Does not create buckets, and does not know about versions, locks and storage classes beyond handing one on.
import { createHash } from 'node:crypto'
import type { GetObjectCommandOutput, ListObjectsV2CommandOutput, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { VaultError, isVaultError } from '../errors/vault-error.ts'
import { objectName } from '../ids/ids.ts'
import type { ObjectName } from '../ids/ids.ts'
import type { Backend, ByteRange, Fence, GetOptions, ListOptions, ObjectInfo, PutOptions, ReadOptions } from './backend.ts'
import { newRequestCounts } from './backend.ts'
import { objectExists, throwIfInterrupted } from './failures.ts'
import { nameOrForeign } from './foreign-name.ts'
import { assertRange, rangeBeyondEnd } from './range.ts'
import { collectBody } from './s3/body.ts'
import type { S3Connection, S3Sdk } from './s3/client.ts'
import { CONNECTIONS_MAX, openClient } from './s3/client.ts'
import { FenceRefusal, observeServerTime, repeatWhenSkewed, setPayloadHash, signFenced } from './s3/request-hooks.ts'
import { isPreconditionFailed, isRangeRefused, s3Error } from './s3/s3-errors.ts'
import { ServerClock } from './s3/server-clock.ts'

export interface S3BackendOptions extends S3Connection {
  readonly bucket: string
  /** Without slashes at its ends; '' or none: the bucket's root. */
  readonly prefix?: string
  /** Whether the server honours `If-None-Match: *` on PUT. Default true. */
  readonly conditionalPut?: boolean
  /** Storage class of an object; undefined: the bucket's default. */
  readonly storageClassFor?: (name: ObjectName) => string | undefined
}

/** Makes a client; sends nothing yet, so a wrong bucket shows at the first request. */
export async function openS3Backend(options: S3BackendOptions): Promise<S3Backend> {
  const { sdk, client } = await openClient(options)
  return new S3Backend(options, sdk, client)
}

export class S3Backend implements Backend {
  readonly location: string
  readonly isRemote = true
  readonly connectionsMax: number
  readonly counts = newRequestCounts()
  readonly #options: S3BackendOptions
  readonly #keyPrefix: string
  readonly #sdk: S3Sdk
  readonly #client: S3Client
  readonly #clock = new ServerClock()

  /** Use openS3Backend. */
  constructor(options: S3BackendOptions, sdk: S3Sdk, client: S3Client) {
    const prefix = options.prefix ?? ''
    this.location = `s3://${options.bucket}${prefix === '' ? '' : `/${prefix}`}`
    this.connectionsMax = options.connectionsMax ?? CONNECTIONS_MAX
    this.#options = options
    this.#keyPrefix = prefix === '' ? '' : `${prefix}/`
    this.#sdk = sdk
    this.#client = client
    observeServerTime(client, this.#clock)
    repeatWhenSkewed(client, this.#clock)
  }

  async put(name: ObjectName, bytes: Uint8Array, options: PutOptions = {}): Promise<void> {
    throwIfInterrupted(options.signal)
    const sha256 = createHash('sha256').update(bytes).digest()
    const isConditional = this.#options.conditionalPut ?? true
    if (!isConditional && (await this.#isStored(name, bytes, sha256, options))) return
    const storageClass = this.#options.storageClassFor?.(name)
    const command = new this.#sdk.PutObjectCommand({
      ...this.#target(name),
      Body: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
      ContentLength: bytes.length,
      ChecksumAlgorithm: 'SHA256', // Ceph verifies and keeps the checksum only when its algorithm is named too
      ChecksumSHA256: sha256.toString('base64'),
      // A signature that expires leaves the body out, and old servers verify no other digest of it.
      ...(options.fence === undefined ? {} : { ContentMD5: createHash('md5').update(bytes).digest('base64') }),
      ...(isConditional ? { IfNoneMatch: '*' } : {}),
      ...(storageClass === undefined ? {} : { StorageClass: storageClass as 'STANDARD' }),
    })
    setPayloadHash(command, sha256)
    try {
      await this.#sendPut(name, command, bytes.length, options)
    } catch (error) {
      if (!isPreconditionFailed(error)) throw this.#mapped(error, 'write', name, options)
      // The name is taken: by our own earlier attempt whose answer was lost, or by someone else.
      if (await this.#isStored(name, bytes, sha256, options)) return
      throw new VaultError('storage-unreachable', `${this.#where(name)} vanished while it was written`, {
        cause: error,
        retry: 'later',
      })
    }
  }

  async get(name: ObjectName, range?: ByteRange, options: GetOptions = {}): Promise<Uint8Array> {
    throwIfInterrupted(options.signal)
    if (range !== undefined) assertRange(range)
    this.counts.get++
    const where = this.#where(name)
    try {
      const ranged = range === undefined ? {} : { Range: rangeHeader(range) }
      const command = new this.#sdk.GetObjectCommand({ ...this.#target(name), ...ranged })
      const answer = await this.#client.send(command, abortable(options))
      const bytes = await collectBody(bodyOf(answer), lengthOf(answer, range, where), where, range ? undefined : options.bytesMax)
      this.counts.bytesDown += bytes.length
      return bytes
    } catch (error) {
      if (!isRangeRefused(error) || range === undefined) throw this.#mapped(error, 'read', name, options)
      if (range.offset < 0) return new Uint8Array(0) // only an empty object has no suffix
      throw rangeBeyondEnd(range, where)
    }
  }

  async stat(name: ObjectName, options: ReadOptions = {}): Promise<ObjectInfo> {
    throwIfInterrupted(options.signal)
    this.counts.stat++
    try {
      const answer = await this.#client.send(new this.#sdk.HeadObjectCommand(this.#target(name)), abortable(options))
      return this.#info(name, answer.ContentLength, answer.LastModified)
    } catch (error) {
      throw this.#mapped(error, 'read', name, options)
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    let token: string | undefined
    let previousKey = ''
    do {
      throwIfInterrupted(options.signal)
      const page = await this.#page(prefix, token, options)
      for (const { Key: key = '', Size, LastModified } of page.Contents ?? []) {
        // Also keeps a server that repeats its pages from holding us forever.
        if (key <= previousKey) throw new VaultError('storage-refused', `${this.location}: the server lists keys out of order`)
        previousKey = key
        const name = nameOrForeign(key.slice(this.#keyPrefix.length))
        if (name === undefined) continue
        yield this.#info(name, Size, LastModified)
        throwIfInterrupted(options.signal)
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined
      if (page.IsTruncated && token === undefined) {
        throw new VaultError('storage-refused', `${this.location}: the server's listing breaks off`)
      }
    } while (token !== undefined)
  }

  async delete(name: ObjectName, options: ReadOptions = {}): Promise<void> {
    throwIfInterrupted(options.signal)
    this.counts.delete++
    try {
      await this.#client.send(new this.#sdk.DeleteObjectCommand(this.#target(name)), abortable(options))
    } catch (error) {
      const mapped = this.#mapped(error, 'delete', name, options)
      if (!isVaultError(mapped, 'object-missing')) throw mapped
    }
  }

  /** The Date of a fresh answer; resolution 1 s, rounded down. */
  async serverTimeMs(options: ReadOptions = {}): Promise<number> {
    throwIfInterrupted(options.signal)
    this.counts.stat++
    const name = objectName('config')
    try {
      await this.#client.send(new this.#sdk.HeadObjectCommand(this.#target(name)), abortable(options))
    } catch (error) {
      const mapped = this.#mapped(error, 'ask', name, options)
      if (!isVaultError(mapped, 'object-missing')) throw mapped // that also is an answer, with its date
    }
    const timeMs = this.#clock.lastMs()
    if (timeMs === undefined) throw new VaultError('storage-refused', `${this.location}: the server's answers carry no Date`)
    return timeMs
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }

  async #sendPut(name: ObjectName, command: PutObjectCommand, sizeBytes: number, options: PutOptions): Promise<void> {
    const { fence } = options
    const expiryMs = fence === undefined ? undefined : await this.#addFence(command, fence, options)
    this.counts.put++
    this.counts.bytesUp += sizeBytes
    try {
      await this.#client.send(command, abortable(options))
    } catch (error) {
      if (error instanceof FenceRefusal) throw error.refusal
      // Servers word this differently; the Date of the refusal says it plainly.
      const isLate = expiryMs !== undefined && (this.#clock.lastMs() ?? 0) >= expiryMs
      if (!isLate || !isVaultError(this.#mapped(error, 'write', name, options), 'storage-denied')) throw error
      throw new VaultError('fence-expired', `${this.#where(name)}: the request came too late to the server`, {
        cause: error,
        retry: 'later',
      })
    }
  }

  /** Signs the PUT to expire; returns when, by the server's clock. */
  async #addFence(command: PutObjectCommand, fence: Fence, options: ReadOptions): Promise<number> {
    const expiresSeconds = Math.floor(fence.expiresAfterMs / 1000)
    if (expiresSeconds < 1) {
      throw new VaultError('fence-expired', `a fence of ${fence.expiresAfterMs} ms is too short for a signature`)
    }
    const signedAtMs = this.#clock.lowerBoundMs() ?? (await this.serverTimeMs(options))
    const [keys, region] = await Promise.all([this.#client.config.credentials(), this.#client.config.region()])
    signFenced(command, { fence, keys, region, signedAtMs, expiresSeconds })
    return Math.floor(signedAtMs / 1000) * 1000 + expiresSeconds * 1000
  }

  /** False when there is no such object; throws `object-exists` when it holds other bytes. */
  async #isStored(name: ObjectName, bytes: Uint8Array, sha256: Buffer, options: ReadOptions): Promise<boolean> {
    this.counts.stat++
    try {
      const command = new this.#sdk.HeadObjectCommand({ ...this.#target(name), ChecksumMode: 'ENABLED' })
      const { ContentLength, ChecksumSHA256 } = await this.#client.send(command, abortable(options))
      if (ContentLength !== bytes.length) throw objectExists(this.#where(name))
      // A checksum with '-' is one of parts; a server that keeps none is asked for the bytes.
      const hasChecksum = ChecksumSHA256 !== undefined && !ChecksumSHA256.includes('-')
      const isSame = hasChecksum
        ? ChecksumSHA256 === sha256.toString('base64')
        : Buffer.compare(await this.get(name, undefined, options), bytes) === 0
      if (!isSame) throw objectExists(this.#where(name))
      return true
    } catch (error) {
      const mapped = this.#mapped(error, 'read', name, options)
      if (isVaultError(mapped, 'object-missing')) return false
      throw mapped
    }
  }

  async #page(prefix: string, token: string | undefined, options: ListOptions): Promise<ListObjectsV2CommandOutput> {
    this.counts.list++
    const { startAfter } = options
    try {
      const command = new this.#sdk.ListObjectsV2Command({
        Bucket: this.#options.bucket,
        Prefix: this.#keyPrefix + prefix,
        ...(token === undefined ? {} : { ContinuationToken: token }),
        ...(startAfter === undefined || startAfter === '' ? {} : { StartAfter: this.#keyPrefix + startAfter }),
      })
      return await this.#client.send(command, abortable(options))
    } catch (error) {
      throw s3Error(error, 'list', `${this.location}/${prefix}`, options.signal)
    }
  }

  #info(name: ObjectName, sizeBytes: number | undefined, modified: Date | undefined): ObjectInfo {
    if (sizeBytes === undefined || modified === undefined) {
      throw new VaultError('storage-refused', `${this.#where(name)}: the server does not tell size and time`)
    }
    // HEAD has whole seconds, some servers' listings more: one object, one time.
    return { name, sizeBytes, modifiedMs: Math.floor(modified.getTime() / 1000) * 1000 }
  }

  #mapped(error: unknown, action: string, name: ObjectName, options: ReadOptions): unknown {
    return s3Error(error, action, this.#where(name), options.signal)
  }

  #target(name: ObjectName): { Bucket: string; Key: string } {
    return { Bucket: this.#options.bucket, Key: this.#keyPrefix + name }
  }

  #where(name: ObjectName): string {
    return `${this.location}/${name}`
  }
}

const abortable = ({ signal }: ReadOptions): { abortSignal?: AbortSignal } =>
  signal === undefined ? {} : { abortSignal: signal }

const rangeHeader = ({ offset, length }: ByteRange): string =>
  offset < 0 ? `bytes=${offset}` : `bytes=${offset}-${offset + length - 1}`

/** The length that the answer announces, checked against the range; a server that ignores ranges is refused. */
function lengthOf(answer: GetObjectCommandOutput, range: ByteRange | undefined, where: string): number {
  const lengthBytes = answer.ContentLength
  if (lengthBytes === undefined) throw new VaultError('storage-refused', `${where}: the server's answer has no length`)
  if (range === undefined || (range.offset < 0 && lengthBytes <= range.length)) return lengthBytes
  if (range.offset >= 0 && lengthBytes < range.length) throw rangeBeyondEnd(range, where)
  if (lengthBytes === range.length) return lengthBytes
  throw new VaultError('storage-refused', `${where}: the server answers a range with ${lengthBytes} bytes`)
}

function bodyOf(answer: GetObjectCommandOutput): AsyncIterable<Uint8Array> {
  const body: unknown = answer.Body
  if (typeof body === 'object' && body !== null && Symbol.asyncIterator in body) return body as AsyncIterable<Uint8Array>
  throw new VaultError('storage-refused', "the server's answer has no body")
}
