// What a bill rests on and a listing of objects does not show: the server's name, old versions, unfinished uploads.
import type { ListMultipartUploadsCommandOutput, ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3'
import { VaultError } from '../../errors/vault-error.ts'
import type { Billing, ReadOptions, StoredVersion } from '../backend.ts'
import { throwIfInterrupted } from '../failures.ts'
import type { S3Access } from './access.ts'
import { s3Error } from './s3-errors.ts'

export class S3Billing implements Billing {
  readonly #access: S3Access
  readonly #puts = new Map<string, number>()
  #host: string | undefined

  constructor(access: S3Access) {
    this.#access = access
    access.client.middlewareStack.add(
      (next) => (args) => {
        const request: unknown = args.request
        if (typeof request === 'object' && request !== null && 'hostname' in request) this.#host = String(request.hostname)
        return next(args)
      },
      { step: 'build', name: 's3vaultObserveHost' },
    )
  }

  get putsByClass(): ReadonlyMap<string, number> {
    return this.#puts
  }

  countPut(storageClass: string): void {
    this.#puts.set(storageClass, (this.#puts.get(storageClass) ?? 0) + 1)
  }

  async place(): Promise<{ host: string; region: string }> {
    return { host: this.#host ?? '', region: await this.#access.client.config.region() }
  }

  async noncurrentVersions({ signal }: ReadOptions = {}): Promise<readonly StoredVersion[]> {
    const { sdk, client, bucket, keyPrefix } = this.#access
    const versions: StoredVersion[] = []
    let marker: Pick<ListObjectVersionsCommandOutput, 'NextKeyMarker' | 'NextVersionIdMarker'> = {}
    do {
      const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = marker
      const command = new sdk.ListObjectVersionsCommand({
        Bucket: bucket, Prefix: keyPrefix,
        ...(KeyMarker === undefined ? {} : { KeyMarker }), ...(VersionIdMarker === undefined ? {} : { VersionIdMarker }),
      })
      const send = (): Promise<ListObjectVersionsCommandOutput> => client.send(command, signal ? { abortSignal: signal } : {})
      const page = await this.#page('list the versions of', send, signal)
      for (const { IsLatest, Size: sizeBytes = 0, LastModified, StorageClass: storageClass = 'STANDARD' } of page.Versions ?? []) {
        if (IsLatest === false) versions.push({ sizeBytes, modifiedMs: LastModified?.getTime() ?? 0, storageClass })
      }
      marker = page.IsTruncated ? this.#progress(KeyMarker, VersionIdMarker, page) : {}
    } while (marker.NextKeyMarker !== undefined)
    return versions
  }

  /** A server that repeats its pages must not hold us forever. */
  #progress(
    keyMarker: string | undefined, versionIdMarker: string | undefined, page: ListObjectVersionsCommandOutput,
  ): ListObjectVersionsCommandOutput {
    if (page.NextKeyMarker !== keyMarker || page.NextVersionIdMarker !== versionIdMarker) return page
    throw new VaultError('storage-refused', `${this.#access.location}: the server's listing of versions does not go on`)
  }

  /** Looks at a thousand: whoever has more knows. */
  async unfinishedUploads({ signal }: ReadOptions = {}): Promise<number> {
    const { sdk, client, bucket, keyPrefix } = this.#access
    const command = new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: keyPrefix })
    const send = (): Promise<ListMultipartUploadsCommandOutput> => client.send(command, signal ? { abortSignal: signal } : {})
    const { Uploads } = await this.#page('list the unfinished uploads of', send, signal)
    return Uploads?.filter(({ Key }) => Key?.startsWith(keyPrefix)).length ?? 0
  }

  async #page<T>(action: string, send: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    throwIfInterrupted(signal)
    this.#access.counts.list++
    try {
      return await send()
    } catch (error) {
      throw s3Error(error, action, this.#access.location, signal)
    }
  }
}
