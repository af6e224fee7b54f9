// Bytes can break on their way from the storage. What comes wrong is fetched again before it is called damage: here for
// whole objects whose names tell their SHA-256, in `untilSound` for what only its reader can judge.
// Only for storage behind a network: what a local disk reads wrong it reads wrong again.
import { createHash } from 'node:crypto'
import { isVaultError } from '../errors/vault-error.ts'
import type { ObjectName } from '../ids/ids.ts'
import { digestInName } from '../ids/ids.ts'
import type { Archive, Backend, Billing, ByteRange, GetOptions, ListOptions, ObjectInfo, PutOptions, ReadOptions } from './backend.ts'

/** How often something is fetched again. */
const REREADS_MAX = 2

/**
 * Runs `read`, and again when it throws `vault-damaged` or `vault-newer`: `read` fetches and judges. Believed is what was
 * seen three times.
 */
export async function untilSound<T>(backend: Backend, read: () => Promise<T>): Promise<T> {
  for (let reread = 0; ; reread++) {
    try {
      return await read()
    } catch (error) {
      if (!backend.isRemote || reread >= REREADS_MAX || !isVaultError(error, 'vault-damaged', 'vault-newer')) throw error
      backend.counts.retries++
    }
  }
}

/** Gives bytes that do not fit their name only when they came twice alike, or wrong three times: the storage has them so. */
export class RereadingBackend implements Backend {
  readonly inner: Backend

  constructor(inner: Backend) {
    this.inner = inner
  }

  get location(): string {
    return this.inner.location
  }

  get isRemote(): boolean {
    return this.inner.isRemote
  }

  get connectionsMax(): number {
    return this.inner.connectionsMax
  }

  get counts(): Backend['counts'] {
    return this.inner.counts
  }

  get archive(): Archive | undefined {
    return this.inner.archive
  }

  get billing(): Billing | undefined {
    return this.inner.billing
  }

  async put(name: ObjectName, bytes: Uint8Array, options?: PutOptions): Promise<void> {
    await this.inner.put(name, bytes, options)
  }

  async get(name: ObjectName, range?: ByteRange, options?: GetOptions): Promise<Uint8Array> {
    const digest = range === undefined ? digestInName(name) : undefined
    let bytes = await this.inner.get(name, range, options)
    if (digest === undefined) return bytes
    for (let reread = 0; reread < REREADS_MAX && sha256Hex(bytes) !== digest; reread++) {
      this.counts.retries++
      const again = await this.inner.get(name, undefined, options)
      if (Buffer.compare(again, bytes) === 0) return bytes
      bytes = again
    }
    return bytes
  }

  async stat(name: ObjectName, options?: ReadOptions): Promise<ObjectInfo> {
    return await this.inner.stat(name, options)
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    return this.inner.list(prefix, options)
  }

  async delete(name: ObjectName, options?: ReadOptions): Promise<void> {
    await this.inner.delete(name, options)
  }

  async serverTimeMs(options?: ReadOptions): Promise<number> {
    return await this.inner.serverTimeMs(options)
  }

  async close(): Promise<void> {
    await this.inner.close()
  }
}

const sha256Hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
