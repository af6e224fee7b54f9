// Reading files: which blobs a range needs, and which will be wanted next.
import { VaultError } from '../errors/vault-error.ts'
import type { Operation } from '../fuse/file-system.ts'
import { toHex } from '../ids/ids.ts'
import type { BlobCache } from './blob-cache.ts'
import type { FileContent, Run } from './file-content.ts'

/** A reader in order may be this far off: the kernel reads ahead with several requests at once, which overtake each other. */
const SLACK_BYTES = 2 * 1024 * 1024
const AHEAD_BYTES_FIRST = 1024 * 1024
/** Who has read this much in order will go on. */
const IN_ORDER_BYTES_MIN = 512 * 1024
const ZEROS = new Uint8Array(1024 * 1024)

/** A file that is being read. */
export interface ReadFile {
  readonly content: FileContent
  /** Where reading in order began. */
  orderStart: number
  /** End of what was read last. */
  readEnd: number
  /** End of what was asked for ahead. */
  aheadEnd: number
  /** How far to read ahead: doubles while the file is read in order. */
  aheadBytes: number
}

export const newReadFile = (content: FileContent): ReadFile => ({ content, orderStart: 0, readEnd: 0, aheadEnd: 0, aheadBytes: 0 })

export class FileReading {
  readonly #blobs: BlobCache
  readonly #aheadBytesMax: number

  constructor(blobs: BlobCache, aheadBytesMax: number) {
    this.#blobs = blobs
    this.#aheadBytesMax = aheadBytesMax
  }

  /** Pieces of the range, up to the end of the file. Throws `vault-damaged`, and EIO when content cannot be had. */
  *read(file: ReadFile, offset: number, sizeBytes: number): Operation<Uint8Array[]> {
    using _borrowed = this.#blobs.borrow()
    const end = Math.min(offset + sizeBytes, file.content.sizeBytes)
    const runs: Run[] = []
    for (let at = offset; at < end;) {
      const run = yield* file.content.runAt(at)
      runs.push(run)
      at = run.start + run.length
    }
    for (const { id } of runs) if (id) this.#blobs.prepare(id)
    yield* this.#lookAhead(file, offset, end)
    const pieces: Uint8Array[] = []
    for (const run of runs) yield* this.#piece(run, offset, end, pieces)
    return pieces
  }

  *#piece(run: Run, offset: number, end: number, pieces: Uint8Array[]): Operation<void> {
    const from = Math.max(offset - run.start, 0)
    const to = Math.min(end - run.start, run.length)
    if (run.id === undefined) {
      for (let left = to - from; left > 0; left -= ZEROS.length) pieces.push(ZEROS.subarray(0, Math.min(left, ZEROS.length)))
      return
    }
    const bytes = yield* this.#blobs.load('data', run.id)
    if (bytes.length !== run.length) {
      throw new VaultError('vault-damaged', `blob ${toHex(run.id).slice(0, 16)} has ${bytes.length} bytes, the file's content says ${run.length}`)
    }
    pieces.push(bytes.subarray(from, to))
  }

  /** Asks for what a reader in order will want. Content lists on the way are waited for, which costs one blob in 256 MiB. */
  *#lookAhead(file: ReadFile, offset: number, end: number): Operation<void> {
    const isInOrder = Math.abs(offset - file.readEnd) <= SLACK_BYTES
    file.readEnd = isInOrder ? Math.max(file.readEnd, end) : end
    if (!isInOrder) {
      file.aheadBytes = 0
      file.aheadEnd = end
      file.orderStart = offset
      return
    }
    const { sizeBytes } = file.content
    file.aheadEnd = Math.max(file.aheadEnd, file.readEnd)
    if (file.readEnd - file.orderStart < IN_ORDER_BYTES_MIN) return
    if (file.aheadEnd >= sizeBytes || file.aheadEnd - file.readEnd > file.aheadBytes / 2) return
    file.aheadBytes = Math.min(Math.max(file.aheadBytes * 2, AHEAD_BYTES_FIRST), this.#aheadBytesMax)
    const target = Math.min(file.readEnd + file.aheadBytes, sizeBytes)
    while (file.aheadEnd < target) {
      const run = yield* file.content.runAt(file.aheadEnd)
      if (run.id && !this.#blobs.readAhead(run.id, run.length)) return
      file.aheadEnd = Math.max(file.aheadEnd, run.start + run.length)
    }
  }
}
