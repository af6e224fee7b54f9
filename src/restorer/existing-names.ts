import { listDirectory, selfPath } from '../posix/directories.ts'

/** The names that a target directory had when it was entered, walked side by side with the snapshot's, both ascending. */
export class ExistingNames {
  readonly #names: readonly Uint8Array[]
  #next = 0

  constructor(names: readonly Uint8Array[]) {
    this.#names = names
  }

  static of(fd: number): ExistingNames {
    return new ExistingNames(listDirectory(selfPath(fd)))
  }

  /** Moves to `name`: is it there, and which names before it does the snapshot not have? */
  advance(name: Uint8Array): { readonly exists: boolean; readonly extras: readonly Uint8Array[] } {
    const start = this.#next
    for (;;) {
      const candidate = this.#names[this.#next]
      const order = candidate === undefined ? 1 : Buffer.compare(candidate, name)
      if (order >= 0) {
        const extras = start === this.#next ? NONE : this.#names.slice(start, this.#next)
        if (order === 0) this.#next++
        return { exists: order === 0, extras }
      }
      this.#next++
    }
  }

  /** What follows the snapshot's last name. */
  rest(): readonly Uint8Array[] {
    const extras = this.#names.slice(this.#next)
    this.#next = this.#names.length
    return extras
  }
}

const NONE: readonly Uint8Array[] = []
