// One mount's conversation with the kernel: takes requests as bytes, runs operations, some of which wait for others, and
// sends replies. All of it in one thread; nothing here blocks.
import { errno, FileSystemError, type FileSystem, type Operation } from './file-system.ts'
import { HANDLERS, type Answer, type Call, type Handler } from './handlers.ts'
import { negotiate, type InitWishes, type Negotiated } from './initialization.ts'
import { OPCODES, opcodeName } from './opcodes.ts'
import { StructReader } from './struct-reader.ts'
import { StructWriter } from './struct-writer.ts'

/** struct fuse_out_header. */
const OUT_HEADER_BYTES = 16
const SHORT_REPLY_BYTES = 512

export interface ReplyChannel {
  /** One whole message. False: nobody waits for it any more (the request was interrupted or the mount is gone). */
  send(parts: readonly Uint8Array[]): boolean
}

export interface SessionOptions extends InitWishes {
  readonly fileSystem: FileSystem
  readonly channel: ReplyChannel
  /** True when the thread is about to be killed, so that its request may end with EINTR. */
  readonly isDying: (pid: number) => boolean
  /** Hears of errors that are more than an answer to a caller: damage, and our own bugs. The caller gets EIO. */
  readonly onFailure: (operation: string, error: unknown) => void
}

interface Running {
  readonly call: Call
  readonly steps: Operation<Answer>
  /** Somebody wants its caller to stop waiting. */
  isInterrupted: boolean
}

export class Session {
  readonly #options: SessionOptions
  readonly #waiting = new Map<number, Running>()
  readonly #writer = new StructWriter(SHORT_REPLY_BYTES)
  readonly #header = new StructWriter(OUT_HEADER_BYTES)
  readonly #reader: StructReader
  #negotiated: Negotiated | undefined
  #isDestroyed = false

  /** `buffer` is where requests lie when `handle` is called. */
  constructor(buffer: Uint8Array, options: SessionOptions) {
    this.#options = options
    this.#reader = new StructReader(buffer)
  }

  /** The kernel has said DESTROY: nothing comes any more. */
  get isDestroyed(): boolean {
    return this.#isDestroyed
  }

  /** Requests that wait for something. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Takes the request in the first `lengthBytes` of the buffer. Throws `mount-failed` when the kernel is too old. */
  handle(lengthBytes: number): void {
    const reader = this.#reader
    reader.reset(0, lengthBytes)
    reader.skip(4)
    const opcode = reader.u32()
    const unique = reader.u64()
    const node = reader.u64()
    const caller = { uid: reader.u32(), gid: reader.u32(), pid: reader.u32() }
    reader.skip(4)
    const call: Call = { opcode, unique, node, caller }
    switch (opcode) {
      case OPCODES.INIT: return this.#initialize(call)
      case OPCODES.FORGET: return this.#options.fileSystem.forget(node, reader.u64())
      case OPCODES.BATCH_FORGET: return this.#forgetMany()
      case OPCODES.INTERRUPT: return this.#interrupt(reader.u64())
      case OPCODES.NOTIFY_REPLY: return undefined // an answer to what is never asked
      case OPCODES.DESTROY: return this.#destroy(call)
      default: return this.#start(call)
    }
  }

  /** Ends the waits of callers that are being killed. To be called now and then while `hasInterrupted`. */
  reviewInterrupted(): void {
    for (const running of this.#waiting.values()) {
      if (running.isInterrupted && this.#options.isDying(running.call.caller.pid)) this.#cancel(running)
    }
  }

  get hasInterrupted(): boolean {
    if (this.#waiting.size === 0) return false
    for (const { isInterrupted } of this.#waiting.values()) if (isInterrupted) return true
    return false
  }

  #initialize(call: Call): void {
    const negotiated = negotiate(this.#reader, this.#writer.reset(), this.#options)
    this.#negotiated = negotiated
    this.#send(call, 0, [this.#writer.view()])
  }

  #forgetMany(): void {
    const reader = this.#reader
    const count = reader.u32()
    reader.skip(4)
    for (let i = 0; i < count; i++) {
      const node = reader.u64()
      this.#options.fileSystem.forget(node, reader.u64())
    }
  }

  #destroy(call: Call): void {
    this.#isDestroyed = true
    this.#send(call, 0, [])
  }

  #start(call: Call): void {
    const handler: Handler | undefined = HANDLERS.get(call.opcode)
    if (handler === undefined) return void this.#send(call, errno.ENOSYS, [])
    const context = {
      fileSystem: this.#options.fileSystem, arguments: this.#reader, writer: this.#writer,
      canSkipOpen: this.#negotiated?.canSkipOpen ?? false,
    }
    this.#advance({ call, steps: handler(context, call), isInterrupted: false })
  }

  #advance(running: Running): void {
    const { call, steps } = running
    try {
      const step = steps.next()
      if (!step.done) {
        this.#waiting.set(call.unique, running)
        step.value(() => {
          if (this.#waiting.delete(call.unique)) this.#advance(running)
        })
        return
      }
      this.#answer(call, step.value)
    } catch (error) {
      this.#send(call, this.#errnoOf(call, error), [])
    }
  }

  #answer(call: Call, { parts, references }: Answer): void {
    if (this.#send(call, 0, parts)) return
    for (const node of references ?? []) this.#options.fileSystem.forget(node, 1)
  }

  #errnoOf(call: Call, error: unknown): number {
    if (error instanceof FileSystemError) return error.errno
    this.#options.onFailure(opcodeName(call.opcode), error)
    return errno.EIO
  }

  #send(call: Call, code: number, parts: readonly Uint8Array[]): boolean {
    let length = OUT_HEADER_BYTES
    for (const part of parts) length += part.length
    const header = this.#header.reset().u32(length).i32(-code).u64(call.unique)
    return this.#options.channel.send([header.view(), ...parts])
  }

  /**
   * A signal came for a caller that waits. Most signals are no reason to fail a read (Go sends SIGURG all the time, and few
   * programs expect EINTR of a file), so only a caller that dies is let go; nothing else could end its wait.
   */
  #interrupt(unique: number): void {
    const running = this.#waiting.get(unique)
    if (running === undefined) return
    running.isInterrupted = true
    if (this.#options.isDying(running.call.caller.pid)) this.#cancel(running)
  }

  #cancel({ call, steps }: Running): void {
    this.#waiting.delete(call.unique)
    try {
      steps.return({ parts: [] })
    } catch (error) {
      this.#options.onFailure(`end of ${opcodeName(call.opcode)}`, error)
    }
    this.#send(call, errno.EINTR, [])
  }
}
