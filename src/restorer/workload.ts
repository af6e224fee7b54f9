import type { Summary } from '../tree/entry.ts'

/**
 * How much there is to do and how much of it is done: entries, and bytes of content that are compared or written. What turns
 * out to need neither leaves the totals: holes, existing files that are trusted or protected, what the selection skips. So
 * a sparse file of a terabyte neither races the counts nor stops them.
 */
export class Workload {
  #entriesTotal = 0
  #bytesTotal = 0
  #entriesPassed = 0
  #entriesPending = 0
  #bytesDone = 0
  /** Of the window that is being written: where it began and how much it can add. */
  #window = { start: 0, bytes: 0 }

  plan({ entries, bytes }: Pick<Summary, 'entries' | 'bytes'>): void {
    this.#entriesTotal += entries
    this.#bytesTotal += bytes
  }

  leaveOut({ entries, bytes }: { readonly entries?: number; readonly bytes?: number }): void {
    this.#entriesTotal -= entries ?? 0
    this.#bytesTotal -= bytes ?? 0
  }

  /** The walk has come by an entry. */
  pass(): void {
    this.#entriesPassed++
  }

  /** A file that was passed, whose content a window has yet to deal with. */
  queue(): void {
    this.#entriesPending++
  }

  /** `bytes`: content of the window, holes left out. */
  beginWindow(bytes: number): void {
    this.#window = { start: this.#bytesDone, bytes }
  }

  /** Content of the window was compared and is right, or was written. */
  done(bytes: number): void {
    const { start, bytes: most } = this.#window
    this.#bytesDone = Math.min(start + most, this.#bytesDone + bytes)
  }

  /** Also what failed is over and done with. */
  endWindow(files: number): void {
    this.#bytesDone = this.#window.start + this.#window.bytes
    this.#entriesPending -= files
  }

  get entriesDone(): number {
    return this.#entriesPassed - this.#entriesPending
  }

  get bytesDone(): number {
    return this.#bytesDone
  }

  /** Never less than what is done: a damaged vault may have stated less than it has. */
  get entriesTotal(): number {
    return Math.max(this.#entriesTotal, this.#entriesPassed)
  }

  get bytesTotal(): number {
    return Math.max(this.#bytesTotal, this.#bytesDone)
  }
}
