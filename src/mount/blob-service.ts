// Fetches what the mount thread asks for: what somebody waits for first, what is read ahead after it.
import type { BlobType } from '../crypto/keyring.ts'
import { describeError, isVaultError } from '../errors/vault-error.ts'
import { blobId, toHex, type BlobId } from '../ids/ids.ts'
import type { BlobRequest } from '../vfs/blob-cache.ts'

export interface BlobServiceOptions {
  /** Loads and verifies one blob. Rejects with a VaultError when it cannot be had. */
  readonly load: (type: BlobType, id: BlobId) => Promise<Uint8Array>
  /** Requests at once. */
  readonly parallelMax: number
  readonly onArrived: (number: number, bytes: Uint8Array<ArrayBuffer>) => void
  readonly onFailed: (number: number, message: string) => void
  /** Hears of each failure, for the log. */
  readonly onProblem: (error: unknown) => void
}

/** Of the requests at once, those that reading ahead may not take. */
const RESERVED = 1

export class BlobService {
  readonly #options: BlobServiceOptions
  readonly #urgent = new Map<number, BlobRequest>()
  readonly #ahead = new Map<number, BlobRequest>()
  readonly #underWay = new Set<number>()

  constructor(options: BlobServiceOptions) {
    this.#options = options
  }

  /** Asks for a blob; asking again, urgently, for one that is not under way yet moves it to the front. */
  request(request: BlobRequest): void {
    const { number, isUrgent } = request
    if (isUrgent) {
      const wasQueued = this.#ahead.delete(number)
      if (!wasQueued && this.#underWay.has(number)) return
      this.#urgent.set(number, request)
    } else {
      this.#ahead.set(number, request)
    }
    this.#dispatch()
  }

  #dispatch(): void {
    for (;;) {
      const request = this.#next()
      if (request === undefined) return
      void this.#serve(request)
    }
  }

  #next(): BlobRequest | undefined {
    const { parallelMax } = this.#options
    const queue = this.#urgent.size > 0 ? this.#urgent : this.#ahead
    const allowed = queue === this.#urgent ? parallelMax : Math.max(1, parallelMax - RESERVED)
    if (this.#underWay.size >= allowed) return undefined
    for (const [number, request] of queue) {
      queue.delete(number)
      return request
    }
    return undefined
  }

  /** Never rejects. */
  async #serve({ number, type, id }: BlobRequest): Promise<void> {
    this.#underWay.add(number)
    try {
      this.#options.onArrived(number, owned(await this.#options.load(type, blobId(id))))
    } catch (error) {
      this.#options.onProblem(error)
      this.#options.onFailed(number, isVaultError(error) ? describeError(error) : `blob ${toHex(id).slice(0, 16)} cannot be read`)
    } finally {
      this.#underWay.delete(number)
      this.#dispatch()
    }
  }
}

/** Bytes whose buffer holds nothing else, so that it can be given away. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes
  const isWhole = buffer instanceof ArrayBuffer && bytes.byteOffset === 0 && bytes.length === buffer.byteLength
  return isWhole ? new Uint8Array(buffer) : new Uint8Array(bytes)
}
