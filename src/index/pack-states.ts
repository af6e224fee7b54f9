// What threads must know of each pack: may its blobs be used (rule 7 of the gc protocol), and did this session use them.
// One byte a pack in a growable SharedArrayBuffer.
const CAPACITY_MAX = 2 ** 27 // packs: 4 PiB of 32 MiB packs; address space, not memory
const CAPACITY_FIRST = 4096

/** `condemned`: named by a mark that is open, or dead; its blobs count as absent. */
export type PackState = 'usable' | 'condemned'

const CONDEMNED = 1
const USED = 2

export class PackStates {
  readonly shared: SharedArrayBuffer
  readonly #flags: Uint8Array

  constructor(shared?: SharedArrayBuffer) {
    this.shared = shared ?? new SharedArrayBuffer(CAPACITY_FIRST, { maxByteLength: CAPACITY_MAX })
    this.#flags = new Uint8Array(this.shared)
  }

  /** Makes room for a pack number. Main thread only. */
  admit(packNumber: number): void {
    if (packNumber >= this.shared.byteLength) this.shared.grow(Math.max(packNumber + 1, this.shared.byteLength * 2))
  }

  isUsable = (packNumber: number): boolean =>
    packNumber < this.#flags.length && (Atomics.load(this.#flags, packNumber) & CONDEMNED) === 0

  set(packNumber: number, state: PackState): void {
    if (state === 'condemned') Atomics.or(this.#flags, packNumber, CONDEMNED)
    else Atomics.and(this.#flags, packNumber, ~CONDEMNED & 0xff)
  }

  /**
   * Notes that something this session will commit lies in the pack; false when it was condemned meanwhile. The writer that
   * condemns sets its bit and then looks for USED, this sets USED and then looks at that bit: one of the two sees the other.
   */
  use(packNumber: number): boolean {
    return (Atomics.or(this.#flags, packNumber, USED) & CONDEMNED) === 0
  }

  isUsed(packNumber: number): boolean {
    return ((this.#flags[packNumber] ?? 0) & USED) !== 0
  }
}
