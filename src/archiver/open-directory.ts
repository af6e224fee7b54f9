// A directory that is being archived: entries are added in order, some of them promises of files that are still being
// read, and go into the tree as soon as all before them are there.
import { DirectoryBuilder } from '../tree/directory.ts'
import type { Summary } from '../tree/entry.ts'
import type { BlobSaver } from '../tree/node.ts'
import type { BlobId } from '../ids/ids.ts'

/** An entry in its encoded form, ready for the directory's tree. */
export interface ReadyEntry {
  readonly name: Uint8Array
  readonly encoded: Uint8Array
  readonly summary: Summary
}

interface Slot {
  /** Undefined while it is being read; null when it is left out. */
  ready: ReadyEntry | null | undefined
  readonly promise: Promise<void>
}

const DONE = Promise.resolve()

export class OpenDirectory {
  readonly #builder: DirectoryBuilder
  readonly #slots: Slot[] = []
  #failure: { error: unknown } | undefined

  constructor(saver: BlobSaver) {
    this.#builder = new DirectoryBuilder(saver)
  }

  add(entry: ReadyEntry): void {
    if (this.#slots.length === 0) this.#builder.add(entry.name, entry.encoded, entry.summary)
    else this.#slots.push({ ready: entry, promise: DONE })
  }

  /** Adds an entry that comes later; undefined leaves it out. A rejection is thrown by `finish`. */
  addLater(entry: Promise<ReadyEntry | undefined>): void {
    const slot: Slot = {
      ready: undefined,
      promise: entry.then(
        (ready) => {
          slot.ready = ready ?? null
        },
        (error: unknown) => {
          this.#failure ??= { error }
          slot.ready = null
        },
      ),
    }
    this.#slots.push(slot)
  }

  /** Moves what is complete into the tree, so that a large directory does not pile up in memory. */
  settle(): void {
    let count = 0
    for (const { ready } of this.#slots) {
      if (ready === undefined) break
      if (ready) this.#builder.add(ready.name, ready.encoded, ready.summary)
      count++
    }
    if (count > 0) this.#slots.splice(0, count)
  }

  /** Entries that wait for one before them. */
  get waitingCount(): number {
    return this.#slots.length
  }

  /** Waits until the first of them is there. */
  async progress(): Promise<void> {
    await this.#slots[0]?.promise
    this.settle()
  }

  /** Waits for all entries. Throws what a promised one was rejected with. */
  async finish(): Promise<{ tree: BlobId; summary: Summary }> {
    for (;;) {
      this.settle()
      if (this.#failure) throw this.#failure.error
      const first = this.#slots[0]
      if (!first) return this.#builder.finish()
      await first.promise
    }
  }
}
