// Who reads the files of a directory one after another, as tar, cp and grep do, finds the next small ones there already: each
// file that is not there costs two changes of threads, and from a bucket a round trip.
import type { Entry } from '../tree/entry.ts'
import type { BlobCache } from './blob-cache.ts'
import { BoundedCache } from './bounded-cache.ts'
import type { Position } from './node-table.ts'

/** Directories whose files are being read. */
const READERS_KEPT = 64
const FILES_AHEAD = 32
const SMALL_FILE_BYTES_MAX = 128 * 1024
/** Still in order: what lies between may be no file, or not wanted. */
const STEP_MAX = 4

interface Reader {
  readonly leaf: number
  /** Of the file that was read last. */
  readonly index: number
  /** Up to where files were asked for. */
  aheadEnd: number
}

export class SiblingReading {
  readonly #blobs: BlobCache
  /** By slot of the directory. */
  readonly #readers = new BoundedCache<number, Reader>(READERS_KEPT)

  constructor(blobs: BlobCache) {
    this.#blobs = blobs
  }

  forget(directory: number): void {
    this.#readers.delete(directory)
  }

  /** Notes that a file begins to be read. True when it is in order and its successors should be asked for. */
  wantsMore({ parent, leaf, index }: Position): boolean {
    const before = this.#readers.get(parent)
    const isInOrder = before !== undefined && before.leaf === leaf && index > before.index && index <= before.index + STEP_MAX
    const aheadEnd = isInOrder ? Math.max(before.aheadEnd, index + 1) : index + 1
    this.#readers.set(parent, { leaf, index, aheadEnd }, 1)
    // In batches: while one is read the next is on its way.
    return isInOrder && aheadEnd <= index + FILES_AHEAD / 2
  }

  /** Asks for the content of the files that follow in `entries`, the leaf that the file is in. */
  ask({ parent, index }: Position, entries: readonly Entry[]): void {
    const reader = this.#readers.get(parent)
    if (reader === undefined) return
    const end = Math.min(index + FILES_AHEAD, entries.length)
    for (; reader.aheadEnd < end; reader.aheadEnd++) {
      const entry = entries[reader.aheadEnd]
      if (entry && !this.#askFor(entry)) return
    }
  }

  /** False: not now. */
  #askFor(entry: Entry): boolean {
    if (!('inode' in entry) || entry.inode.kind !== 'file' || entry.inode.size > SMALL_FILE_BYTES_MAX) return true
    const { content } = entry.inode
    if ('list' in content) return true
    return content.items.every(({ id, length }) => id === undefined || this.#blobs.readAhead(id, length))
  }
}
