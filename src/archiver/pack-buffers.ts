// Buffers in which reader threads make data packs, shared by all of them: memory is bounded when storage is slower than
// the source. Shared memory, so that a reader takes a free one by itself and never waits for the main thread to hand it
// over; a pack that is full goes to the main thread as the number of its buffer.
import { assert } from '../errors/assert.ts'
import { VaultError } from '../errors/vault-error.ts'
import type { RunControl } from './run-control.ts'

/** Plain data for a reader's start message. */
export interface SharedPackBuffers {
  readonly buffers: readonly SharedArrayBuffer[]
  /** A word that changes with each release, then one word a buffer: 0 free, 1 taken. */
  readonly states: SharedArrayBuffer
}

const RELEASES = 0
const FIRST = 1
const FREE = 0
const TAKEN = 1
const WAIT_MS = 500

export class PackBuffers {
  readonly shared: SharedPackBuffers
  readonly #states: Int32Array

  constructor(shared: SharedPackBuffers) {
    this.shared = shared
    this.#states = new Int32Array(shared.states)
  }

  /** At least as many as readers: each keeps one until the end of the run, and must not wait for another's. */
  static allocate(bufferBytes: number, count: number): PackBuffers {
    return new PackBuffers({
      buffers: Array.from({ length: count }, () => new SharedArrayBuffer(bufferBytes)),
      states: new SharedArrayBuffer(4 * (FIRST + count)),
    })
  }

  /** A free buffer; blocks the thread until there is one. Throws `interrupted` when the run is stopped meanwhile. */
  take(control: RunControl): Uint8Array {
    for (;;) {
      const releases = Atomics.load(this.#states, RELEASES)
      const taken = this.shared.buffers.find((_, index) =>
        Atomics.compareExchange(this.#states, FIRST + index, FREE, TAKEN) === FREE)
      if (taken) return new Uint8Array(taken)
      if (control.isStopped) throw new VaultError('interrupted', 'interrupted')
      Atomics.wait(this.#states, RELEASES, releases, WAIT_MS)
    }
  }

  /** The number of the buffer that `bytes` lies in; undefined when it is none of these. */
  numberOf(bytes: Uint8Array): number | undefined {
    const number = this.shared.buffers.findIndex((buffer) => buffer === bytes.buffer)
    return number < 0 ? undefined : number
  }

  view(number: number, length: number): Uint8Array {
    const buffer = this.shared.buffers[number]
    assert(buffer, 'a pack names one of the buffers')
    return new Uint8Array(buffer, 0, length)
  }

  release(number: number): void {
    const before = Atomics.exchange(this.#states, FIRST + number, FREE)
    assert(before === TAKEN, 'a buffer is released once')
    Atomics.add(this.#states, RELEASES, 1)
    Atomics.notify(this.#states, RELEASES)
  }
}
