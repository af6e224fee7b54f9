import { Worker } from 'node:worker_threads'
import type { TaskPool } from './task-pool.ts'
import { unpackError, type FromWorker, type ToWorker } from './thread-message.ts'
import { AssertionError } from '../errors/assert.ts'

/**
 * V8 lets the young generation of each thread grow to 96 MB, though a worker's garbage is views and small buffers. Two readers
 * bounded to 24 MB brought a backup of 30,000 small files from 511 to 455 MiB, one run each on a busy machine, where the time
 * it costs could not be told from noise.
 */
const YOUNG_GENERATION_MB = 16

/** Requests that lie ready in a worker, so that it never waits for the main thread. */
const DEPTH_MAX = 2

export interface ThreadPoolOptions<Init> {
  /** Module that calls serveTasks (thread-server.ts). */
  readonly module: URL
  readonly threads: number
  /** Start data of thread `index`, and what of it is given away. */
  readonly init: (index: number) => { readonly data: Init; readonly transfer?: readonly (ArrayBuffer | MessagePort)[] }
}

interface Pending<Reply> {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
}

interface Thread<Reply> {
  readonly worker: Worker
  readonly pending: Map<number, Pending<Reply>>
}

interface Queued<Request, Reply> extends Pending<Reply> {
  readonly request: Request
  readonly transfer: readonly ArrayBuffer[]
}

/**
 * A pool of worker threads; requests queue in the caller's memory, so callers bound how many they start. A thread is started
 * when there is work that no other is free for: an unchanged backup needs none, and starting two takes 0.2 s.
 */
export class ThreadPool<Init, Request, Reply> implements TaskPool<Request, Reply> {
  readonly parallelism: number
  readonly #options: ThreadPoolOptions<Init>
  readonly #threads: Thread<Reply>[] = []
  readonly #queue: Queued<Request, Reply>[] = []
  #nextId = 1
  #failure: Error | undefined

  constructor(options: ThreadPoolOptions<Init>) {
    this.parallelism = options.threads
    this.#options = options
  }

  #start(): Thread<Reply> {
    const index = this.#threads.length
    const { data, transfer } = this.#options.init(index)
    const worker = new Worker(this.#options.module, {
      workerData: data, transferList: [...(transfer ?? [])], name: `s3vault-${index}`,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    })
    const thread: Thread<Reply> = { worker, pending: new Map() }
    worker.on('message', (message: FromWorker<Reply>) => this.#receive(thread, message))
    worker.on('error', (error: unknown) => this.#fail(error instanceof Error ? error : new AssertionError(String(error))))
    worker.on('exit', () => this.#fail(new AssertionError('a worker thread ended')))
    this.#threads.push(thread)
    return thread
  }

  run(request: Request, transfer: readonly ArrayBuffer[] = []): Promise<Reply> {
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, transfer, resolve, reject })
      this.#dispatch()
    })
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const thread = this.#freest()
      if (thread.pending.size >= DEPTH_MAX) return
      const task = this.#queue.shift()
      if (!task) return
      this.#post(thread, task)
    }
  }

  #freest(): Thread<Reply> {
    let best: Thread<Reply> | undefined
    for (const thread of this.#threads) if (!best || thread.pending.size < best.pending.size) best = thread
    const isIdle = best !== undefined && best.pending.size === 0
    return best && (isIdle || this.#threads.length >= this.parallelism) ? best : this.#start()
  }

  #post(thread: Thread<Reply>, task: Queued<Request, Reply>): void {
    const id = this.#nextId++
    thread.pending.set(id, task)
    const message: ToWorker<Request> = { id, request: task.request }
    thread.worker.postMessage(message, [...task.transfer])
  }

  /** Replies of the threads that were started, in that order. */
  broadcast(request: Request): Promise<Reply[]> {
    const failure = this.#failure
    if (failure) return Promise.reject(failure)
    const toThread = (thread: Thread<Reply>): Promise<Reply> =>
      new Promise((resolve, reject) => this.#post(thread, { request, transfer: [], resolve, reject }))
    return Promise.all(this.#threads.map(toThread))
  }

  #receive(thread: Thread<Reply>, message: FromWorker<Reply>): void {
    if ('ready' in message) return
    const task = thread.pending.get(message.id)
    thread.pending.delete(message.id)
    this.#dispatch()
    if ('error' in message) task?.reject(unpackError(message.error))
    else task?.resolve(message.reply)
  }

  #fail(error: Error): void {
    this.#failure ??= error
    for (const { pending } of this.#threads) {
      for (const task of pending.values()) task.reject(this.#failure)
      pending.clear()
    }
    for (const task of this.#queue.splice(0)) task.reject(this.#failure)
  }

  async close(): Promise<void> {
    this.#failure ??= new AssertionError('the thread pool is closed')
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }
}
