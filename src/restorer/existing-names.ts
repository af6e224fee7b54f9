import { directoryNames, selfPath } from '../posix/directories.ts'

/** The names that a target directory had when it was entered, walked side by side with the snapshot's, both ascending. */
export class ExistingNames {
  readonly #names: Iterator<Uint8Array>
  /** The first name not passed yet. */
  #next: Uint8Array | undefined

  constructor(names: Iterable<Uint8Array>) {
    this.#names = names[Symbol.iterator]()
    this.#step()
  }

  static of(fd: number): ExistingNames {
    return new ExistingNames(directoryNames(selfPath(fd)))
  }

  #step(): void {
    const { done, value } = this.#names.next()
    this.#next = done === true ? undefined : value
  }

  /** Moves to `name`: is it there, and which names before it does the snapshot not have? */
  advance(name: Uint8Array): { readonly exists: boolean; readonly extras: readonly Uint8Array[] } {
    let extras: Uint8Array[] | undefined
    for (;;) {
      const order = this.#next === undefined ? 1 : Buffer.compare(this.#next, name)
      if (order > 0) return { exists: false, extras: extras ?? NONE }
      const passed = this.#next
      this.#step()
      if (order === 0) return { exists: true, extras: extras ?? NONE }
      if (passed) (extras ??= []).push(passed)
    }
  }

  /** What follows the snapshot's last name. */
  rest(): readonly Uint8Array[] {
    const extras: Uint8Array[] = []
    for (; this.#next !== undefined; this.#step()) extras.push(this.#next)
    return extras
  }
}

const NONE: readonly Uint8Array[] = []
