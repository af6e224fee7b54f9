// Blobs as the file system sees them: there, or to be waited for. Another thread fetches them; each is asked for once,
// however many wait. Content (data blobs) is kept in memory up to a limit; what trees are made of is kept decoded elsewhere.
import type { BlobType } from '../crypto/keyring.ts'
import { errno, FileSystemError, type Operation } from '../fuse/file-system.ts'
import type { BlobId } from '../ids/ids.ts'
import { BoundedCache } from './bounded-cache.ts'

export interface BlobRequest {
  /** Comes back with the answer. */
  readonly number: number
  readonly type: BlobType
  readonly id: Uint8Array
  /** Somebody waits for it; else it is read ahead. */
  readonly isUrgent: boolean
}

interface Fetching {
  readonly number: number
  readonly key: string
  readonly type: BlobType
  readonly id: BlobId
  readonly waiters: (() => void)[]
  readonly expectedBytes: number
  isUrgent: boolean
  result: { readonly bytes: Uint8Array } | { readonly failure: string } | undefined
}

export const blobKey = (type: BlobType, id: Uint8Array): string =>
  `${type} ${Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1')}`

export class BlobCache {
  readonly #request: (request: BlobRequest) => void
  readonly #kept: BoundedCache<string, Uint8Array>
  readonly #byKey = new Map<string, Fetching>()
  readonly #byNumber = new Map<number, Fetching>()
  readonly #aheadBytesMax: number
  readonly #evicted: Uint8Array[] = []
  #borrowers = 0
  #fetchingBytes = 0
  #nextNumber = 1

  /** `request` sends for a blob; `arrived` or `failed` is called with its number later. */
  constructor(memoryBytes: number, request: (request: BlobRequest) => void) {
    this.#kept = new BoundedCache(memoryBytes, (bytes) => this.#evicted.push(bytes))
    this.#aheadBytesMax = memoryBytes / 2
    this.#request = request
  }

  /** Throws EIO when the blob cannot be had; whoever fetches has reported why. */
  *load(type: BlobType, id: BlobId): Operation<Uint8Array> {
    const key = blobKey(type, id)
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept
    const fetching = this.#fetch(key, type, id)
    while (fetching.result === undefined) {
      yield (resume) => fetching.waiters.push(resume)
    }
    if ('bytes' in fetching.result) return fetching.result.bytes
    throw new FileSystemError(errno.EIO, fetching.result.failure)
  }

  /** Asks for content that will be waited for, so that several blobs come at once. */
  prepare(id: BlobId): void {
    const key = blobKey('data', id)
    if (!this.#kept.has(key)) this.#fetch(key, 'data', id)
  }

  /** Asks for content that may be wanted; not when much is under way already. False: not now. */
  readAhead(id: BlobId, expectedBytes: number): boolean {
    const key = blobKey('data', id)
    if (this.#kept.has(key) || this.#byKey.has(key)) return true
    if (this.#fetchingBytes + expectedBytes > this.#aheadBytesMax) return false
    this.#start(key, 'data', id, expectedBytes, false)
    return true
  }

  /** Until it is given back, what `load` returned stays as it is; afterwards until the end of the turn. */
  borrow(): Disposable {
    this.#borrowers++
    return { [Symbol.dispose]: () => void this.#borrowers-- }
  }

  /** Takes a blob that was requested, and wakes who waits for it. Not to be called from within an operation. */
  arrived(number: number, bytes: Uint8Array): void {
    this.#releaseEvicted()
    const fetching = this.#finish(number)
    if (fetching === undefined) return
    if (fetching.type === 'data') this.#kept.set(fetching.key, bytes, bytes.length)
    fetching.result = { bytes }
    for (const resume of fetching.waiters) resume()
  }

  failed(number: number, failure: string): void {
    const fetching = this.#finish(number)
    if (fetching === undefined) return
    fetching.result = { failure }
    for (const resume of fetching.waiters) resume()
  }

  /** Gives memory back now: a thread that allocates little else may not collect garbage for a long time. */
  #releaseEvicted(): void {
    if (this.#borrowers > 0) return
    for (const bytes of this.#evicted.splice(0)) {
      if (bytes.buffer instanceof ArrayBuffer) bytes.buffer.transfer(0)
    }
  }

  /** Somebody waits for it: what was read ahead is asked for again, which moves it to the front. */
  #fetch(key: string, type: BlobType, id: BlobId): Fetching {
    const fetching = this.#byKey.get(key)
    if (fetching === undefined) return this.#start(key, type, id, 0, true)
    if (!fetching.isUrgent) {
      fetching.isUrgent = true
      this.#request({ number: fetching.number, type, id: Uint8Array.from(id), isUrgent: true })
    }
    return fetching
  }

  #start(key: string, type: BlobType, id: BlobId, expectedBytes: number, isUrgent: boolean): Fetching {
    const number = this.#nextNumber++
    const fetching: Fetching = { number, key, type, id, waiters: [], expectedBytes, isUrgent, result: undefined }
    this.#byKey.set(key, fetching)
    this.#byNumber.set(number, fetching)
    this.#fetchingBytes += expectedBytes
    this.#request({ number, type, id: Uint8Array.from(id), isUrgent })
    return fetching
  }

  #finish(number: number): Fetching | undefined {
    const fetching = this.#byNumber.get(number)
    if (fetching === undefined) return undefined
    this.#byNumber.delete(number)
    this.#byKey.delete(fetching.key)
    this.#fetchingBytes -= fetching.expectedBytes
    return fetching
  }
}
