// How packs get from a reader thread to the main thread, and their buffers back. Each reader owns a few buffers of the
// pack's target size; when all are under way the reader waits, so that memory is bounded when storage is slower than the
// source. The reader is synchronous: it sleeps on a shared counter and then takes the buffer out of its port.
import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import { assert } from '../errors/assert.ts'
import { VaultError } from '../errors/vault-error.ts'
import { METADATA_PACK_TARGET_BYTES } from '../limits/limits.ts'
import type { PackOutlet } from '../content/blob-writer.ts'
import type { SealedPack } from '../pack/pack-writer.ts'
import type { RunControl } from './run-control.ts'

/** The reader's end: plain data for its start message; `port` is transferred. */
export interface ReaderEnd {
  readonly port: MessagePort
  readonly credits: SharedArrayBuffer
  readonly bufferBytes: number
}

const WAIT_MS = 500

/** The outlet of a reader thread. Throws `interrupted` when the run is stopped while it waits. */
export class ThreadOutlet implements PackOutlet {
  readonly #end: ReaderEnd
  readonly #credits: Int32Array
  readonly #control: RunControl

  constructor(end: ReaderEnd, control: RunControl) {
    this.#end = end
    this.#credits = new Int32Array(end.credits)
    this.#control = control
  }

  buffer(kind: SealedPack['kind']): Uint8Array {
    if (kind === 'metadata') return new Uint8Array(METADATA_PACK_TARGET_BYTES)
    while (Atomics.load(this.#credits, 0) === 0) {
      if (this.#control.isStopped) throw new VaultError('interrupted', 'interrupted')
      Atomics.wait(this.#credits, 0, 0, WAIT_MS)
    }
    Atomics.sub(this.#credits, 0, 1)
    const received = receiveMessageOnPort(this.#end.port)
    assert(received, 'a buffer comes before its credit')
    return new Uint8Array(received.message as ArrayBuffer)
  }

  emit(pack: SealedPack): void {
    const buffer = pack.bytes.buffer
    assert(buffer instanceof ArrayBuffer, 'packs lie in plain buffers')
    this.#end.port.postMessage(pack, [buffer])
  }
}

/** The main thread's end of one reader's channel. */
export class PackChannel {
  readonly readerEnd: ReaderEnd
  readonly #port: MessagePort
  readonly #credits: Int32Array
  readonly #bufferBytes: number
  #received = 0
  #waiting: { count: number; resolve: () => void } | undefined

  /** `onPack` is called for each pack in order; `release` gives its buffer back to the reader. */
  constructor(bufferBytes: number, bufferCount: number, onPack: (pack: SealedPack, release: () => void) => void) {
    const { port1, port2 } = new MessageChannel()
    const credits = new SharedArrayBuffer(4)
    this.#port = port1
    this.#credits = new Int32Array(credits)
    this.#bufferBytes = bufferBytes
    this.readerEnd = { port: port2, credits, bufferBytes }
    for (let i = 0; i < bufferCount; i++) this.#give(new ArrayBuffer(bufferBytes))
    port1.on('message', (pack: SealedPack) => {
      onPack(pack, () => this.#release(pack))
      this.#received++
      this.#settle()
    })
  }

  #release({ bytes, kind }: SealedPack): void {
    const { buffer } = bytes
    // A pack of one outsized blob, or of metadata, has a buffer of its own that is not part of the pool.
    if (kind === 'data' && buffer instanceof ArrayBuffer && buffer.byteLength === this.#bufferBytes) this.#give(buffer)
  }

  #give(buffer: ArrayBuffer): void {
    this.#port.postMessage(buffer, [buffer])
    Atomics.add(this.#credits, 0, 1)
    Atomics.notify(this.#credits, 0)
  }

  #settle(): void {
    if (this.#waiting && this.#received >= this.#waiting.count) {
      this.#waiting.resolve()
      this.#waiting = undefined
    }
  }

  /** Resolves when `count` packs have come in: replies and packs travel on different ports. */
  received(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = { count, resolve }
      this.#settle()
    })
  }

  close(): void {
    this.#port.close()
  }
}
