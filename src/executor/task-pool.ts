// Work that runs beside the main thread: a request goes in, a reply comes out, both plain data. Threads on a real machine,
// inline in a simulation; the engines know only this interface and keep their messages coarse (batches of files, whole
// packs), since a message costs about 20 µs.

export interface TaskPool<Request, Reply> {
  /** How many requests are worked on at once. */
  readonly parallelism: number
  /** Runs one request; `transfer` lists buffers that the caller gives away. Rejects with what the handler threw. */
  run(request: Request, transfer?: readonly ArrayBuffer[]): Promise<Reply>
  /** Runs one request on every thread that ever had work, after what that thread was given before. */
  broadcast(request: Request): Promise<Reply[]>
  /** Ends the threads. Requests under way are rejected. */
  close(): Promise<void>
}

export interface TaskReply<Reply> {
  readonly reply: Reply
  readonly transfer?: readonly ArrayBuffer[]
}

/** Does one request, synchronously. */
export type TaskHandler<Request, Reply> = (request: Request) => TaskReply<Reply>

/** Runs requests in the calling thread, one after another, each in a turn of its own. */
export class InlinePool<Request, Reply> implements TaskPool<Request, Reply> {
  readonly parallelism = 1
  readonly #handler: TaskHandler<Request, Reply>

  constructor(handler: TaskHandler<Request, Reply>) {
    this.#handler = handler
  }

  async run(request: Request): Promise<Reply> {
    await Promise.resolve()
    return this.#handler(request).reply
  }

  async broadcast(request: Request): Promise<Reply[]> {
    return [await this.run(request)]
  }

  async close(): Promise<void> {}
}
