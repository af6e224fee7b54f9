// Keeps immutable metadata of a remote vault on the local disk: index segments, snapshots and metadata packs, as they lie
// in storage (sealed). Their names end in the SHA-256 of their bytes, so a damaged cached copy is noticed and fetched again.
// Data packs, key slots and everything that tells who is there now are never cached.
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Backend, ByteRange, GetOptions, ListOptions, ObjectInfo, PutOptions, ReadOptions, RequestCounts } from '../backend/backend.ts'
import { errnoOf } from '../errors/vault-error.ts'
import type { ObjectName } from '../ids/ids.ts'

const CACHED = /^(?:index\/|snapshots\/|packs\/m\/)(?:.*[/-])?([0-9a-f]{64})$/

export class CachedBackend implements Backend {
  readonly location: string
  readonly isRemote: boolean
  readonly connectionsMax: number
  readonly counts: RequestCounts
  readonly #inner: Backend
  readonly #directory: string

  constructor(inner: Backend, directory: string) {
    this.#inner = inner
    this.#directory = directory
    this.location = inner.location
    this.isRemote = inner.isRemote
    this.connectionsMax = inner.connectionsMax
    this.counts = inner.counts
  }

  async put(name: ObjectName, bytes: Uint8Array, options?: PutOptions): Promise<void> {
    await this.#inner.put(name, bytes, options)
    const digest = digestIn(name)
    if (digest !== undefined) await this.#keep(digest, bytes)
  }

  async get(name: ObjectName, range?: ByteRange, options?: GetOptions): Promise<Uint8Array> {
    const digest = digestIn(name)
    if (digest === undefined || range !== undefined) return this.#inner.get(name, range, options)
    const kept = await this.#kept(digest)
    if (kept) return kept
    const bytes = await this.#inner.get(name, undefined, options)
    if (createHash('sha256').update(bytes).digest('hex') === digest) await this.#keep(digest, bytes)
    return bytes
  }

  #path(digest: string): string {
    return join(this.#directory, digest.slice(0, 2), digest)
  }

  async #kept(digest: string): Promise<Uint8Array | undefined> {
    try {
      const bytes = await readFile(this.#path(digest))
      if (createHash('sha256').update(bytes).digest('hex') === digest) return bytes
      await rm(this.#path(digest), { force: true })
    } catch (error) {
      if (errnoOf(error) === undefined) throw error // absent or unreadable: storage has it
    }
    return undefined
  }

  /** Best effort: a full disk costs speed only. */
  async #keep(digest: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(digest)
    const temporary = `${path}.${randomBytes(6).toString('hex')}`
    try {
      await mkdir(join(this.#directory, digest.slice(0, 2)), { recursive: true, mode: 0o700 })
      await writeFile(temporary, bytes, { mode: 0o600, flag: 'wx' })
      await rename(temporary, path)
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
      await rm(temporary, { force: true }).catch(() => undefined) // nothing was written where even that fails
    }
  }

  stat(name: ObjectName, options?: ReadOptions): Promise<ObjectInfo> {
    return this.#inner.stat(name, options)
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    return this.#inner.list(prefix, options)
  }

  async delete(name: ObjectName, options?: ReadOptions): Promise<void> {
    await this.#inner.delete(name, options)
    const digest = digestIn(name)
    if (digest !== undefined) await rm(this.#path(digest), { force: true })
  }

  serverTimeMs(options?: ReadOptions): Promise<number> {
    return this.#inner.serverTimeMs(options)
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}

const digestIn = (name: ObjectName): string | undefined => CACHED.exec(name)?.[1]
