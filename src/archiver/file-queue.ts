// Hands files to the readers in batches and bounds how many are under way.
import { ByteReader } from '../bytes/reader.ts'
import type { TaskPool } from '../executor/task-pool.ts'
import { encodeRequests, readReply, type FileReply, type FileRequest, type ReaderCounts } from './file-batch.ts'
import type { ReaderReply, ReaderRequest } from './reader-task.ts'

const BATCH_FILES_MAX = 128
const BATCH_BYTES_MAX = 4 * 1024 * 1024
/** Files under way at once: about 1 KiB of memory each. */
const FILES_MAX = 4096

interface Waiting {
  readonly request: FileRequest
  readonly resolve: (reply: FileReply) => void
  readonly reject: (error: unknown) => void
}

export class FileQueue {
  readonly #pool: TaskPool<ReaderRequest, ReaderReply>
  readonly #onFailure: (error: unknown) => void
  #batch: Waiting[] = []
  #batchBytes = 0
  #underWay = 0
  #roomWaiter: (() => void) | undefined
  #flushPlanned = false

  /** `onFailure` hears at once what ends the run: the walk may be far from waiting for that file. */
  constructor(pool: TaskPool<ReaderRequest, ReaderReply>, onFailure: (error: unknown) => void) {
    this.#pool = pool
    this.#onFailure = onFailure
  }

  /** Waits until another file may be added. */
  async room(): Promise<void> {
    while (this.#underWay >= FILES_MAX) {
      this.flush() // what fills the room may lie in the batch itself
      await new Promise<void>((resolve) => (this.#roomWaiter = resolve))
    }
  }

  add(request: FileRequest, sizeBytes: number): Promise<FileReply> {
    return new Promise((resolve, reject) => {
      this.#underWay++
      this.#batch.push({ request, resolve, reject })
      this.#batchBytes += sizeBytes
      if (this.#batch.length >= BATCH_FILES_MAX || this.#batchBytes >= BATCH_BYTES_MAX) this.flush()
      else this.#planFlush()
    })
  }

  /** A batch that nobody fills goes out at the next turn of the event loop: its files may be all that others wait for. */
  #planFlush(): void {
    if (this.#flushPlanned) return
    this.#flushPlanned = true
    setImmediate(() => {
      this.#flushPlanned = false
      this.flush()
    })
  }

  /** Sends what has gathered. */
  flush(): void {
    const batch = this.#batch
    this.#batch = []
    this.#batchBytes = 0
    if (batch.length === 0) return
    const bytes = encodeRequests(batch.map(({ request }) => request))
    this.#pool.run({ read: bytes })
      .then(({ replies }) => {
        const reader = new ByteReader(replies, 'read reply')
        for (const { resolve } of batch) resolve(readReply(reader))
      })
      .catch((error: unknown) => {
        this.#onFailure(error)
        for (const { reject } of batch) reject(error)
      })
      .finally(() => this.#done(batch.length))
  }

  #done(count: number): void {
    this.#underWay -= count
    this.#roomWaiter?.()
    this.#roomWaiter = undefined
  }

  /** Makes every reader hand out its open packs; returns each reader's totals. */
  async finish(): Promise<ReaderCounts[]> {
    return (await this.#pool.broadcast({ flush: true })).map(({ counts }) => counts)
  }
}
