// How packs get from a reader thread to the main thread: those in a shared buffer as its number, others by transfer.
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { PackOutlet } from '../content/blob-writer.ts'
import { assert } from '../errors/assert.ts'
import { METADATA_PACK_TARGET_BYTES } from '../limits/limits.ts'
import type { SealedPack } from '../pack/pack-writer.ts'
import { PackBuffers, type SharedPackBuffers } from './pack-buffers.ts'
import type { RunControl } from './run-control.ts'

/** The reader's end: plain data for its start message; `port` is transferred. */
export interface ReaderEnd {
  readonly port: MessagePort
  readonly buffers: SharedPackBuffers
}

/** A pack under way. In a shared buffer: its number and the pack's length in bytes. */
type PackMessage = Omit<SealedPack, 'bytes'> & {
  readonly content: Uint8Array | { readonly buffer: number; readonly length: number }
}

/** The outlet of a reader thread. Throws `interrupted` when the run is stopped while it waits for a buffer. */
export class ThreadOutlet implements PackOutlet {
  readonly #port: MessagePort
  readonly #buffers: PackBuffers
  readonly #control: RunControl

  constructor({ port, buffers }: ReaderEnd, control: RunControl) {
    this.#port = port
    this.#buffers = new PackBuffers(buffers)
    this.#control = control
  }

  buffer(kind: SealedPack['kind']): Uint8Array {
    return kind === 'metadata' ? new Uint8Array(METADATA_PACK_TARGET_BYTES) : this.#buffers.take(this.#control)
  }

  emit({ bytes, ...pack }: SealedPack): void {
    const number = this.#buffers.numberOf(bytes)
    if (number !== undefined) {
      this.#post({ ...pack, content: { buffer: number, length: bytes.length } }, [])
      return
    }
    const { buffer } = bytes
    assert(buffer instanceof ArrayBuffer, 'what is not shared can be transferred')
    this.#post({ ...pack, content: bytes }, [buffer])
  }

  #post(message: PackMessage, transfer: readonly ArrayBuffer[]): void {
    this.#port.postMessage(message, [...transfer])
  }
}

/** The main thread's end of one reader's channel. */
export class PackChannel {
  readonly readerEnd: ReaderEnd
  readonly #port: MessagePort
  #received = 0
  #waiting: { count: number; resolve: () => void } | undefined

  /** `onPack` is called for each pack in order; `release` frees its buffer. */
  constructor(buffers: PackBuffers, onPack: (pack: SealedPack, release: () => void) => void) {
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    this.readerEnd = { port: port2, buffers: buffers.shared }
    port1.on('message', ({ content, ...pack }: PackMessage) => {
      if (content instanceof Uint8Array) onPack({ ...pack, bytes: content }, () => undefined)
      else onPack({ ...pack, bytes: buffers.view(content.buffer, content.length) }, () => buffers.release(content.buffer))
      this.#received++
      this.#settle()
    })
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
