// Shared between the main thread and the readers: a stop flag, and the bytes read so far for progress within huge files.
const STOP = 0
const READ_BYTES = 1 // index into 64-bit words

export class RunControl {
  readonly shared: SharedArrayBuffer
  readonly #flags: Int32Array
  readonly #counts: BigInt64Array

  constructor(shared?: SharedArrayBuffer) {
    this.shared = shared ?? new SharedArrayBuffer(16)
    this.#flags = new Int32Array(this.shared)
    this.#counts = new BigInt64Array(this.shared)
  }

  stop(): void {
    Atomics.store(this.#flags, STOP, 1)
  }

  get isStopped(): boolean {
    return Atomics.load(this.#flags, STOP) !== 0
  }

  addRead(bytes: number): void {
    Atomics.add(this.#counts, READ_BYTES, BigInt(bytes))
  }

  get bytesRead(): number {
    return Number(Atomics.load(this.#counts, READ_BYTES))
  }
}
