import { VaultError } from '../../src/errors/vault-error.ts'
import type { ByteRange, PutOptions, ReadOptions } from '../../src/backend/backend.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import type { ObjectName } from '../../src/ids/ids.ts'
import type { EventClock } from './event-clock.ts'

export interface LineOptions {
  readonly clock: EventClock
  /** Of all transfers together. */
  bytesPerSecond: number
  /** Of one transfer, as a TCP window over a long way gives it. */
  readonly transferBytesPerSecond: number
  /** Before and between the answers. */
  readonly latencyMs: number
  /** More at once are refused with SlowDown. */
  readonly transfersAllowed?: number
}

/** A storage behind a line, in virtual time. It keeps nothing: every object has the bytes that were put last. */
export class SimulatedLine extends MemoryBackend {
  readonly line: LineOptions
  #bytes: Uint8Array = new Uint8Array(0)
  underWay = 0
  underWayMax = 0
  refused = 0

  constructor(line: LineOptions) {
    super({ isRemote: true })
    this.line = line
  }

  override async put(_name: ObjectName, bytes: Uint8Array, options: PutOptions = {}): Promise<void> {
    await this.#transfer(bytes.length, options)
    this.#bytes = bytes
  }

  override async get(_name: ObjectName, _range?: ByteRange, options: ReadOptions = {}): Promise<Uint8Array> {
    await this.#transfer(this.#bytes.length, options)
    return this.#bytes
  }

  async #transfer(sizeBytes: number, { pace }: ReadOptions): Promise<void> {
    const { clock, latencyMs, transfersAllowed = Infinity } = this.line
    this.underWayMax = Math.max(this.underWayMax, ++this.underWay)
    try {
      await clock.sleep(latencyMs)
      if (this.underWay > transfersAllowed) {
        this.refused++
        throw new VaultError('storage-unreachable', 'SlowDown', { retry: 'later' })
      }
      const pieceBytes = pace?.pieceBytes ?? sizeBytes
      for (let left = sizeBytes; left > 0; left -= pieceBytes) {
        const piece = Math.min(left, pieceBytes)
        await pace?.pass(piece)
        const rate = Math.min(this.line.transferBytesPerSecond, this.line.bytesPerSecond / this.underWay)
        await clock.sleep((piece / rate) * 1000)
      }
    } finally {
      this.underWay--
    }
  }
}
