// Bounded reading of bytes that may be hostile. Every length is checked before anything is allocated or sliced;
// every failure is a VaultError `vault-damaged` that names the structure.
import { VaultError } from '../errors/vault-error.ts'

const VARINT_BYTES_MAX = 8 // 2^53 needs 8 bytes of 7 bits

export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #title: string
  #offset = 0

  /** `title` names the structure in messages. */
  constructor(bytes: Uint8Array, title: string) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#title = title
  }

  get offset(): number {
    return this.#offset
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  fail(problem: string): never {
    throw new VaultError('vault-damaged', `${this.#title}: ${problem} at byte ${this.#offset}`)
  }

  #advance(count: number): number {
    if (count > this.remaining) this.fail(`needs ${count} more bytes, has ${this.remaining}`)
    const start = this.#offset
    this.#offset += count
    return start
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true)
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true)
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true)
  }

  /** Unsigned LEB128 up to 2^53-1, shortest form only, at most `max`. */
  varint(max: number = Number.MAX_SAFE_INTEGER): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < VARINT_BYTES_MAX; count++) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (byte === 0 && count > 0) this.fail('number not in shortest form')
        if (value > max) this.fail(`number ${value} above its limit ${max}`)
        return value
      }
      scale *= 128
    }
    return this.fail('number too long')
  }

  /** Zigzag varint: -2^52 .. 2^52-1. */
  svarint(): number {
    const raw = this.varint()
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
  }

  /** A view (no copy) of the next `count` bytes. */
  raw(count: number): Uint8Array {
    const start = this.#advance(count)
    return this.#bytes.subarray(start, start + count)
  }

  /** Varint length, then that many bytes (no copy); length at most `max`. */
  bytes(max: number): Uint8Array {
    return this.raw(this.varint(max))
  }

  /** The whole must have been read. */
  end(): void {
    if (this.remaining !== 0) this.fail(`${this.remaining} bytes too many`)
  }
}
