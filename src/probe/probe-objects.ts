// The objects that probes write: small, below `doctor/` in the vault's prefix, removed at the end as far as the storage
// lets us. Every PUT is made as a backup makes it, condition included: a policy may refuse any other.
import { createHash } from 'node:crypto'
import type { PutObjectCommandInput, PutObjectCommandOutput } from '@aws-sdk/client-s3'
import { setPayloadHash } from '../backend/s3/request-hooks.ts'
import type { Answer, ProbedBucket } from './probed-bucket.ts'

export interface ProbePut {
  readonly bytes: Uint8Array
  /** The body that really goes out; default `bytes`, which all digests describe. */
  readonly sent?: Uint8Array
  /** Default all: the checksum header alone describes `bytes`, the signature what is sent. */
  readonly digests?: 'all' | 'checksum'
  /** `none`: as a program does that means to overwrite. Default `*`, while the server knows it. */
  readonly condition?: '*' | 'none'
  readonly extra?: Partial<PutObjectCommandInput>
}

interface Written {
  readonly key: string
  readonly versionId: string | undefined
}

export class ProbeObjects {
  readonly #bucket: ProbedBucket
  readonly folder: string
  #isConditional = true
  #written: Written[] = []
  /** Keys that were taken when we came. */
  readonly #earlier = new Set<string>()

  /** `folder` ends in a slash. */
  constructor(bucket: ProbedBucket, folder: string) {
    this.#bucket = bucket
    this.folder = folder
  }

  key(name: string): string {
    return this.#bucket.key(this.folder + name)
  }

  target(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket.bucket, Key: this.key(name) }
  }

  /** False once the server has refused the condition itself. */
  get isConditional(): boolean {
    return this.#isConditional
  }

  /** A server that does not know the condition must not be asked for it again. */
  giveUpCondition(): void {
    this.#isConditional = false
  }

  hasWritten(name: string): boolean {
    return this.#written.some(({ key }) => key === this.key(name))
  }

  /** Of the last object of that name that was stored here; undefined without versioning, or when it was there before. */
  versionOf(name: string): string | undefined {
    return this.#written.findLast(({ key }) => key === this.key(name))?.versionId
  }

  /** The PUT of a backup, not sent yet. */
  command(name: string, put: ProbePut): InstanceType<ProbedBucket['sdk']['PutObjectCommand']> {
    const body = Buffer.from(put.sent ?? put.bytes)
    const sha256 = createHash('sha256').update(put.bytes).digest()
    const command = new this.#bucket.sdk.PutObjectCommand({
      ...this.target(name),
      Body: body,
      ContentLength: body.length,
      ChecksumAlgorithm: 'SHA256',
      ChecksumSHA256: sha256.toString('base64'),
      ...(this.#isConditional && put.condition !== 'none' ? { IfNoneMatch: '*' } : {}),
      ...put.extra,
    })
    setPayloadHash(command, put.digests === 'checksum' ? createHash('sha256').update(body).digest() : sha256)
    return command
  }

  async put(name: string, put: ProbePut): Promise<Answer<PutObjectCommandOutput>> {
    return this.send(name, this.command(name, put))
  }

  /** Sends a command of `command`, and keeps in mind what it made. */
  async send(name: string, command: ReturnType<ProbeObjects['command']>): Promise<Answer<PutObjectCommandOutput>> {
    const answer = await this.#bucket.ask((options) => this.#bucket.client.send(command, options))
    const key = this.key(name)
    if (answer.kind === 'done') {
      this.#written.push({ key, versionId: answer.output.VersionId })
      this.#earlier.delete(key) // a loser of a race may have heard first
    } else if (answer.status === 412 && !this.#written.some((written) => written.key === key)) {
      this.#earlier.add(key)
    }
    return answer
  }

  /** Made by something else than a PUT of ours, a delete marker say. */
  alsoWritten(name: string, versionId: string | undefined): void {
    this.#written.push({ key: this.key(name), versionId })
  }

  /** It was deleted already. */
  forget(name: string): void {
    this.#earlier.delete(this.key(name))
    this.#written = this.#written.filter(({ key }) => key !== this.key(name))
  }

  /**
   * Deletes what was written, version by version: a plain DELETE in a versioned bucket would only add to it. Returns the
   * keys of what stays: what the storage would not delete, and what an earlier probe could not delete.
   */
  async discard(): Promise<string[]> {
    const left = new Set<string>(this.#earlier)
    for (const { key, versionId } of this.#distinct()) {
      const command = new this.#bucket.sdk.DeleteObjectCommand({
        Bucket: this.#bucket.bucket, Key: key, ...(versionId === undefined ? {} : { VersionId: versionId }),
      })
      const answer = await this.#bucket.ask((options) => this.#bucket.client.send(command, options))
      if (answer.kind === 'refused' && answer.status !== 404) left.add(key)
    }
    this.#written = []
    return [...left]
  }

  /** Newest first, each version once. */
  #distinct(): readonly Written[] {
    return [...new Map(this.#written.map((written) => [`${written.key}\0${written.versionId ?? ''}`, written])).values()].reverse()
  }
}
