// Reading the kernel's structs: host byte order (little-endian on x86_64 and arm64), fixed offsets.
import { assert } from '../errors/assert.ts'

const TWO_32 = 2 ** 32

/** Fields are read in order. The bytes come from the kernel, so a short struct is a protocol we do not know: an assertion. */
export class StructReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #offset = 0
  #end = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** Starts over, with bytes `start` to `end` of the buffer. */
  reset(start: number, end: number): void {
    this.#offset = start
    this.#end = end
  }

  get remaining(): number {
    return this.#end - this.#offset
  }

  #advance(count: number): number {
    assert(count <= this.remaining, `FUSE request needs ${count} more bytes, has ${this.remaining}`)
    const start = this.#offset
    this.#offset += count
    return start
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true)
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true)
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4), true)
  }

  /** As a number: node ids, handles, sizes and offsets of ours stay below 2^53; what does not comes out rounded. */
  u64(): number {
    const at = this.#advance(8)
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * TWO_32
  }

  bigU64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true)
  }

  skip(count: number): void {
    this.#advance(count)
  }

  /** A copy of the bytes up to a NUL, which is passed over. */
  name(): Uint8Array {
    const end = this.#bytes.indexOf(0, this.#offset)
    assert(end >= 0 && end < this.#end, 'FUSE request: a name without its end')
    const name = this.#bytes.slice(this.#offset, end)
    this.#offset = end + 1
    return name
  }
}
