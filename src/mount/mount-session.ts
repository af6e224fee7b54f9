// mount: a file system in use. The main thread's side: starts the mount thread, brings it what it asks for, follows the
// list of snapshots, and takes the mount down.
import { closeSync, write, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { MessageChannel, Worker } from 'node:worker_threads'
import { AssertionError } from '../errors/assert.ts'
import { describeError, errnoOf, VaultError } from '../errors/vault-error.ts'
import { makeWakeDescriptor } from '../fuse/event-loop.ts'
import { unmount } from '../fuse/kernel-mount.ts'
import type { StoredSnapshot } from '../snapshot/snapshot.ts'
import { BlobService } from './blob-service.ts'
import type { FromMountThread, MountThreadStart, ToMountThread } from './messages.ts'
import { shownSnapshots, type VaultView } from './vault-view.ts'

/** Who lists the snapshots waits no longer than this for a storage that does not answer; he gets the old list. */
const REFRESH_WAIT_MS = 2000
const WAKE = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0])
const writeAsync = promisify(write)
const YOUNG_GENERATION_MB = 16

export interface MountSessionOptions {
  readonly mountPoint: Uint8Array
  /** Open device of the mounted file system; the session closes it. */
  readonly device: number
  readonly view: VaultView
  /** Requests to storage at once. */
  readonly parallelMax: number
  readonly thread: Omit<MountThreadStart, 'device' | 'wake' | 'port'>
  /** How old the list of snapshots may be when it is looked at. Absent: it is never renewed. */
  readonly listAgeMsMax?: number
  readonly log: (message: string) => void
}

export class MountSession {
  readonly #options: MountSessionOptions
  readonly #wake = makeWakeDescriptor()
  readonly #channel = new MessageChannel()
  readonly #worker: Worker
  readonly #blobs: BlobService
  readonly #ended = Promise.withResolvers<void>()
  readonly #reported = new Set<string>()
  #listedMs = performance.now()
  #listing: Promise<void> | undefined
  #shownNames: string
  #notifying: Promise<void> = Promise.resolve()
  #isStopping = false
  #isClosed = false

  constructor(options: MountSessionOptions) {
    this.#options = options
    const { view, device, thread } = options
    this.#shownNames = thread.shown.kind === 'list' ? thread.shown.snapshots.map(({ name }) => name).join() : ''
    this.#blobs = new BlobService({
      load: (type, id) => view.load(type, id), parallelMax: options.parallelMax,
      onArrived: (number, bytes) => this.#tell({ kind: 'arrived', number, bytes }, [bytes.buffer]),
      onFailed: (number, message) => this.#tell({ kind: 'failed', number, message }),
      onProblem: (error) => this.#problem(describeError(error)),
    })
    const port = this.#channel.port1
    const start: MountThreadStart = { ...thread, device, wake: this.#wake, port }
    this.#channel.port2.on('message', (message: FromMountThread) => this.#take(message))
    this.#worker = new Worker(new URL('./mount-thread.js', import.meta.url), {
      workerData: start, transferList: [port], name: 's3vault-mount',
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    })
    this.#worker.on('error', (error: unknown) => this.#ended.reject(error))
    this.#worker.on('exit', (code) => {
      if (code === 0) this.#ended.resolve()
      else this.#ended.reject(new AssertionError(`the mount thread ended with code ${code}`))
    })
  }

  /**
   * Resolves when the file system was unmounted, by whomever, or after `signal` fired: then it is unmounted here, if need be
   * while programs still use it. Rejects with a bug.
   */
  async run(signal: AbortSignal | undefined): Promise<void> {
    const onAbort = (): void => this.#stop()
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) this.#stop()
    try {
      await this.#ended.promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
      await this.#close()
    }
  }

  #stop(): void {
    if (this.#isStopping) return
    this.#isStopping = true
    const { mountPoint, log } = this.#options
    for (const how of ['now', 'lazy'] as const) {
      try {
        unmount(mountPoint, how)
        break
      } catch (error) {
        if (!(error instanceof VaultError)) throw error
        log(how === 'now' ? `${error.message}: programs that still use it lose it` : error.message)
      }
    }
    // Not only by the end of the device: a lazy unmount goes on as long as it is used.
    this.#tell({ kind: 'stop' })
  }

  async #close(): Promise<void> {
    this.#isClosed = true
    this.#channel.port2.close()
    await this.#notifying
    await this.#worker.terminate()
    closeSync(this.#options.device)
    closeSync(this.#wake)
  }

  #tell(message: ToMountThread, transfer: ArrayBuffer[] = []): void {
    if (this.#isClosed) return // the descriptor may be another's by now
    this.#channel.port2.postMessage(message, transfer)
    writeSync(this.#wake, WAKE)
  }

  #take(message: FromMountThread): void {
    switch (message.kind) {
      case 'blob': return this.#blobs.request(message.request)
      case 'refresh': return void this.#refresh(message.number)
      case 'notification': return this.#notify(message.message)
      case 'problem': return this.#problem(message.cause === 'bug' ? `internal error, please report: ${message.message}` : message.message)
    }
  }

  /** One after another, in a thread of Node's own, which may have to wait for an answer of the mount thread. */
  #notify(message: Uint8Array): void {
    this.#notifying = this.#notifying.then(async () => {
      if (this.#isClosed) return
      await writeAsync(this.#options.device, message).catch((error: unknown) => {
        if (errnoOf(error) === undefined) throw error
      })
    })
  }

  /** Each problem once: a damaged blob that is read again and again must not fill the disk. */
  #problem(message: string): void {
    if (this.#reported.has(message)) return
    if (this.#reported.size > 10_000) this.#reported.clear()
    this.#reported.add(message)
    this.#options.log(message)
  }

  /** Never rejects. */
  async #refresh(number: number): Promise<void> {
    const { listAgeMsMax = Infinity } = this.#options
    if (performance.now() - this.#listedMs >= listAgeMsMax) {
      this.#listing ??= this.#list().finally(() => (this.#listing = undefined))
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, REFRESH_WAIT_MS)
      await Promise.race([this.#listing, promise])
      clearTimeout(timer)
    }
    this.#tell({ kind: 'refreshed', number })
  }

  async #list(): Promise<void> {
    try {
      const snapshots: StoredSnapshot[] = await this.#options.view.snapshots()
      const shown = shownSnapshots(snapshots)
      const names = shown.map(({ name }) => name).join()
      // Snapshots first, then the index: a snapshot implies its index.
      if (names !== this.#shownNames) await this.#options.view.extendIndex()
      this.#shownNames = names
      this.#listedMs = performance.now()
      this.#tell({ kind: 'snapshots', snapshots: shown })
    } catch (error) {
      this.#listedMs = performance.now() // not at once again
      this.#problem(`the list of snapshots cannot be renewed: ${describeError(error)}`)
    }
  }
}
