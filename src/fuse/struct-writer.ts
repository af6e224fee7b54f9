// Writing the kernel's structs into one buffer that is used again for each reply.
const TWO_32 = 2 ** 32

export class StructWriter {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #length = 0

  constructor(capacityBytes: number) {
    this.#bytes = new Uint8Array(capacityBytes)
    this.#view = new DataView(this.#bytes.buffer)
  }

  get length(): number {
    return this.#length
  }

  get room(): number {
    return this.#bytes.length - this.#length
  }

  reset(): this {
    this.#length = 0
    return this
  }

  /** What was written, as a view that the next reset gives away. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  u16(value: number): this {
    this.#view.setUint16(this.#length, value, true)
    this.#length += 2
    return this
  }

  u32(value: number): this {
    this.#view.setUint32(this.#length, value, true)
    this.#length += 4
    return this
  }

  i32(value: number): this {
    this.#view.setInt32(this.#length, value, true)
    this.#length += 4
    return this
  }

  /** A whole number, of seconds also negative. */
  u64(value: number): this {
    this.#view.setUint32(this.#length, value, true) // modulo 2^32
    this.#view.setInt32(this.#length + 4, Math.floor(value / TWO_32), true)
    this.#length += 8
    return this
  }

  bigU64(value: bigint): this {
    this.#view.setBigUint64(this.#length, value, true)
    this.#length += 8
    return this
  }

  raw(bytes: Uint8Array): this {
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  zeros(count: number): this {
    this.#bytes.fill(0, this.#length, this.#length + count)
    this.#length += count
    return this
  }
}
