// Brings the planned ranges from the backend to the workers, with a bounded number of bytes on the way.
import { Semaphore } from '../async/semaphore.ts'
import { TaskGroup } from '../async/task-group.ts'
import type { Backend } from '../backend/backend.ts'
import { isVaultError, VaultError } from '../errors/vault-error.ts'
import { packName } from '../pack/layout.ts'
import type { PlannedRange, PlannedUnit } from './fetch-plan.ts'

/** Fetched bytes that workers have not yet written. A local disk needs no long pipe. */
export const BYTES_IN_FLIGHT_MAX = { local: 32 * 1024 * 1024, remote: 96 * 1024 * 1024 }
/** On a local disk a request costs nothing, and small ranges spread over the workers without being copied. */
export const RANGE_BYTES_MAX = { local: 4 * 1024 * 1024, remote: 32 * 1024 * 1024 }

export interface UnitSink {
  /** `bytes` start at offset `start` of the pack; the sink owns them. */
  unit(unit: PlannedUnit, bytes: Uint8Array<ArrayBuffer>, start: number): Promise<void>
  /** The range cannot be read: lost or damaged. */
  lost(range: PlannedRange, error: VaultError): void
  fetched(bytes: number): void
}

export class RangeFetcher {
  readonly #backend: Backend
  readonly #signal: AbortSignal | undefined
  readonly #bytes: Semaphore
  readonly #connections: Semaphore
  readonly #tasksMax: number
  /** Resolves when all ranges of the call before have room: they come first, or two windows would wait for each other. */
  #admitted: Promise<void> = Promise.resolve()

  constructor(backend: Backend, parallelism: number, signal: AbortSignal | undefined) {
    this.#backend = backend
    this.#signal = signal
    this.#bytes = new Semaphore(backend.isRemote ? BYTES_IN_FLIGHT_MAX.remote : BYTES_IN_FLIGHT_MAX.local)
    this.#connections = new Semaphore(backend.connectionsMax)
    this.#tasksMax = backend.connectionsMax + 2 * parallelism
  }

  get rangeBytesMax(): number {
    return this.#backend.isRemote ? RANGE_BYTES_MAX.remote : RANGE_BYTES_MAX.local
  }

  /** Throws what the backend throws, but for damage, and `interrupted`. Nothing is under way when it returns or throws. */
  async fetchAll(ranges: readonly PlannedRange[], sink: UnitSink): Promise<void> {
    const before = this.#admitted
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#admitted = promise
    const group = new TaskGroup(this.#tasksMax)
    let waiting = ranges.length
    const onAdmitted = (): void => {
      if (--waiting === 0) resolve()
    }
    try {
      await before
      for (const range of ranges) {
        stopIfInterrupted(this.#signal)
        await group.add(() => this.#fetch(range, sink, onAdmitted))
      }
    } finally {
      await group.finish().finally(resolve)
    }
  }

  async #fetch(range: PlannedRange, sink: UnitSink, onAdmitted: () => void): Promise<void> {
    const length = range.end - range.start
    await this.#bytes.with(async () => {
      onAdmitted()
      stopIfInterrupted(this.#signal)
      const bytes = await this.#get(range, sink)
      if (bytes === undefined) return
      sink.fetched(length)
      await sendUnits(range, bytes, sink)
    }, length)
  }

  async #get(range: PlannedRange, sink: UnitSink): Promise<Uint8Array | undefined> {
    const { pack, start, end } = range
    const options = this.#signal ? { signal: this.#signal } : {}
    try {
      const span = { offset: start, length: end - start }
      return await this.#connections.with(() => this.#backend.get(packName(pack.kind, pack.id), span, options))
    } catch (error) {
      if (!isVaultError(error, 'vault-damaged', 'object-missing')) throw error
      sink.lost(range, error)
      return undefined
    }
  }
}

async function sendUnits({ units, start }: PlannedRange, bytes: Uint8Array, sink: UnitSink): Promise<void> {
  const [only] = units
  if (units.length === 1 && only) return sink.unit(only, owned(bytes), start)
  await Promise.all(units.map((unit) => {
    const part = new Uint8Array(bytes.subarray(unit.start - start, unit.end - start))
    return sink.unit(unit, part, unit.start)
  }))
}

/** Bytes whose buffer holds nothing else, so that it can be given away. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes
  const isWhole = buffer instanceof ArrayBuffer && bytes.byteOffset === 0 && bytes.length === buffer.byteLength
  return isWhole ? new Uint8Array(buffer) : new Uint8Array(bytes)
}

export function stopIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new VaultError('interrupted', 'restore interrupted', { cause: signal.reason })
}
