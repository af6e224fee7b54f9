// Cuts a stream of bytes into chunks whose ends depend on nothing but the content since the last cut: the same bytes
// give the same chunks however they were read, and after an insertion the old cuts come back within a chunk or two.
// Not known here: files, hashes of chunks, keys other than the gear table.
//
// One Chunker serves one thread for any number of streams, one after another. The caller reads straight into its
// buffer and gets views of it back:
//
//     chunker.begin()
//     for (let count = 1; count > 0; ) {
//       const roomBytes = chunker.makeRoom()
//       count = readSync(fd, chunker.buffer, chunker.fillOffset, Math.min(roomBytes, READ_BYTES), null)
//       if (count > 0) chunker.filled(count)
//       else chunker.end()
//       for (let chunk = chunker.next(); chunk; chunk = chunker.next()) store(chunk)
//     }
import { assert } from '../errors/assert.ts'
import type { GearTable } from './gear.ts'
import type { ChunkerParameters } from './parameters.ts'
import { createScanner, scanModule, type Scanner } from './scan-module.ts'

/** A good size of one read: it still lies in the processor's cache when it is scanned, hashed and compressed. */
export const READ_BYTES = 1024 * 1024

export class Chunker {
  readonly parameters: ChunkerParameters
  /** Stream bytes go here, at `fillOffset`; at least twice the largest chunk. */
  readonly buffer: Uint8Array<ArrayBuffer>
  readonly #scanner: Scanner
  #chunkOffset = 0 // start of the chunk that next() will give
  #fillOffset = 0 // end of the stream bytes in the buffer
  #scannedBytes = 0 // of that chunk; 0 when its scan has not begun
  #ended = false

  /** Takes about twice the largest chunk of memory, of which only what is used becomes resident. */
  constructor(parameters: ChunkerParameters, gear: GearTable, wasmModule: WebAssembly.Module = scanModule()) {
    this.parameters = parameters
    this.#scanner = createScanner(wasmModule, parameters, gear, 2 * parameters.maxBytes)
    this.buffer = this.#scanner.stream
  }

  /** Starts a stream and forgets the one before, finished or not. Chunks given before are overwritten from now on. */
  begin(): void {
    this.#chunkOffset = 0
    this.#fillOffset = 0
    this.#scannedBytes = 0
    this.#ended = false
  }

  /** Where in `buffer` the next bytes of the stream go; makeRoom() may move it. */
  get fillOffset(): number {
    return this.#fillOffset
  }

  /**
   * Gives the number of bytes that may be put at `fillOffset`: at least the largest chunk, provided that next() was
   * called until it had none. Chunks given before are overwritten from now on.
   */
  makeRoom(): number {
    const pendingBytes = this.#fillOffset - this.#chunkOffset
    if (pendingBytes === 0) {
      this.#chunkOffset = 0
      this.#fillOffset = 0
    } else if (this.buffer.length - this.#fillOffset < this.parameters.maxBytes) {
      this.buffer.copyWithin(0, this.#chunkOffset, this.#fillOffset)
      this.#chunkOffset = 0
      this.#fillOffset = pendingBytes
    }
    const roomBytes = this.buffer.length - this.#fillOffset
    // A read of no bytes would look like the end of the file.
    assert(roomBytes > 0, 'next() is called until it has no chunk before more is read')
    return roomBytes
  }

  /** `countBytes` of the stream were put at `fillOffset`. */
  filled(countBytes: number): void {
    assert(!this.#ended, 'bytes after the end of the stream')
    assert(countBytes >= 0 && countBytes <= this.buffer.length - this.#fillOffset, `${countBytes} bytes do not fit`)
    this.#fillOffset += countBytes
  }

  /** The stream has no more bytes: next() gives what is left. */
  end(): void {
    this.#ended = true
  }

  /**
   * The next chunk, a view of `buffer` that stays as it is until makeRoom() or begin(); undefined when more bytes are
   * needed, or when the stream has ended and all was given. A stream of no bytes has no chunk.
   */
  next(): Uint8Array<ArrayBuffer> | undefined {
    const { minBytes, maxBytes } = this.parameters
    const pendingBytes = this.#fillOffset - this.#chunkOffset
    if (pendingBytes <= minBytes) return this.#ended && pendingBytes > 0 ? this.#take(pendingBytes) : undefined
    const limitBytes = Math.min(pendingBytes, maxBytes)
    const endBytes = limitBytes - (limitBytes % 2)
    const fromBytes = this.#scannedBytes === 0 ? minBytes : this.#scannedBytes
    const cutBytes = this.#scanner.scan(this.#chunkOffset, fromBytes, endBytes)
    if (cutBytes > 0) return this.#take(cutBytes)
    if (this.#ended || limitBytes === maxBytes) return this.#take(limitBytes)
    this.#scannedBytes = endBytes
    return undefined
  }

  #take(lengthBytes: number): Uint8Array<ArrayBuffer> {
    const start = this.#chunkOffset
    this.#chunkOffset = start + lengthBytes
    this.#scannedBytes = 0
    return this.buffer.subarray(start, this.#chunkOffset)
  }
}
