// Reads one file into blobs and a tree entry. Synchronous: it runs in a worker thread with a chunker and pack writers of
// its own, and meets others only at the shared index.
import type { Chunker } from '../chunker/chunker.ts'
import { READ_BYTES } from '../chunker/chunker.ts'
import type { BlobWriter } from '../content/blob-writer.ts'
import { AssertionError } from '../errors/assert.ts'
import { describeError, errnoOf, VaultError } from '../errors/vault-error.ts'
import type { FileStat } from '../posix/stat.ts'
import { saveContentList } from '../tree/content-list.ts'
import { encodeEntry, INLINE_ITEMS_MAX } from '../tree/entry-codec.ts'
import type { Content, ContentItem, Inode } from '../tree/entry.ts'
import type { FileReply, FileRequest } from './file-batch.ts'
import type { RunControl } from './run-control.ts'
import type { FileHandle, SourceFiles } from './source.ts'
import { isSettled, volatileOf } from './volatile.ts'

/** Holes shorter than this are read as zeros: a cut there would make more small chunks than it saves. */
const HOLE_BYTES_MIN = 256 * 1024

/** Lengths in a tree are doubled and must stay exact: 4 PiB. */
const FILE_BYTES_MAX = 2 ** 52

/** Files open at once: enough that a disk has its queue full, few enough that their first bytes stay in memory. */
const FILES_AHEAD = 8

type Opening = { readonly file: FileHandle; readonly failed?: never } | { readonly file?: never; readonly failed: unknown }

export interface FileReaderParts {
  readonly source: SourceFiles
  readonly chunker: Chunker
  readonly data: BlobWriter
  readonly metadata: BlobWriter
  readonly control: RunControl
  readonly nowMs: () => number
}

interface ReadContent {
  readonly items: ContentItem[]
  readonly size: number
}

export class FileReader {
  readonly #parts: FileReaderParts

  constructor(parts: FileReaderParts) {
    this.#parts = parts
  }

  /**
   * One reply a request, in order; what is wrong with a file itself is in its reply. The next files are open already, and
   * the disk or the file server is asked for their first bytes: small files are ruled by that wait.
   */
  *readAll(requests: readonly FileRequest[]): Generator<FileReply> {
    const ahead: Opening[] = []
    let next = 0
    try {
      for (const { name } of requests) {
        for (; ahead.length < FILES_AHEAD && next < requests.length; next++) ahead.push(this.#open(requests[next] as FileRequest))
        const { file, failed } = ahead.shift() as Opening
        yield file === undefined ? failure(failed) : this.#read(file, name)
      }
    } finally {
      for (const { file } of ahead) if (file !== undefined) this.#parts.source.closeFile(file)
    }
  }

  #open({ directoryFd, name }: FileRequest): Opening {
    const { source } = this.#parts
    let file: FileHandle
    try {
      file = source.openFile(directoryFd, name)
    } catch (failed) {
      return { failed }
    }
    source.readAhead(file, READ_BYTES)
    return { file }
  }

  #read(file: FileHandle, name: Uint8Array): FileReply {
    try {
      return this.#readOpen(file, name)
    } catch (error) {
      // An assertion: something about this file fits no entry. The run goes on without it.
      if (!(error instanceof AssertionError) && (error instanceof VaultError || errnoOf(error) === undefined)) throw error
      return failure(error)
    } finally {
      this.#parts.source.closeFile(file)
    }
  }

  #readOpen(file: FileHandle, name: Uint8Array): FileReply {
    const { source, metadata } = this.#parts
    const nowNs = BigInt(Math.floor(this.#parts.nowMs())) * 1_000_000n
    const before = source.statFile(file)
    if (before.type !== 'file') return { status: 'failed', message: `became a ${before.type} while it was backed up` }
    if (before.sizeBytes >= FILE_BYTES_MAX) return { status: 'failed', message: `its size of ${before.sizeBytes} bytes is beyond all bounds` }
    const { items, size } = this.#content(file, before)
    const after = source.statFile(file)
    const isSame = size === after.sizeBytes && before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs &&
      before.sizeBytes === after.sizeBytes
    const content: Content = items.length > INLINE_ITEMS_MAX
      ? { list: saveContentList(metadata, items) }
      : { items }
    const isSparse = after.blocks512 * 512 < after.sizeBytes
    let warning = isSame ? '' : 'changed while it was read'
    const warn = (problem: unknown): void => {
      warning = typeof problem === 'string' ? problem : describeError(problem)
    }
    const inode: Inode = {
      ...source.attributesOfFile(file, after, metadata, warn), kind: 'file', size, isSparse, content,
    }
    return {
      status: 'read',
      warning,
      volatile: volatileOf(after),
      isSettled: warning === '' && isSettled(after, nowNs),
      size,
      entry: encodeEntry({ name, isLocked: false, inode }),
    }
  }

  #content(file: FileHandle, stat: FileStat): ReadContent {
    if (stat.blocks512 * 512 >= stat.sizeBytes) return this.#stream(file, 0, Number.MAX_SAFE_INTEGER, stat.sizeBytes)
    const items: ContentItem[] = []
    let end = 0
    for (const range of longRanges(this.#parts.source.ranges(file, stat.sizeBytes))) {
      if (range.offset > end) items.push({ length: range.offset - end })
      const part = this.#stream(file, range.offset, range.length, range.offset + range.length)
      for (const item of part.items) items.push(item)
      end = range.offset + part.size
      if (part.size < range.length) return { items, size: end } // cut short meanwhile
    }
    if (stat.sizeBytes > end) items.push({ length: stat.sizeBytes - end })
    return { items, size: stat.sizeBytes }
  }

  /**
   * Chunks `lengthMax` bytes from `offset`, or to the end of the file. `expected` is where the end should be: a read that
   * stops short there need not be repeated to see that it was the last.
   */
  #stream(file: FileHandle, offset: number, lengthMax: number, expected: number): ReadContent {
    const { source, chunker, data, control } = this.#parts
    const items: ContentItem[] = []
    let size = 0
    chunker.begin()
    for (let isOpen = true; isOpen; ) {
      if (control.isStopped) throw new VaultError('interrupted', 'interrupted')
      const wanted = Math.min(chunker.makeRoom(), READ_BYTES, lengthMax - size)
      const count = wanted > 0 ? source.read(file, chunker.buffer, chunker.fillOffset, wanted, offset + size) : 0
      size += count
      if (count > 0) {
        chunker.filled(count)
        control.addRead(count)
      }
      if (count === 0 || (count < wanted && offset + size === expected)) {
        chunker.end()
        isOpen = false
      }
      for (let chunk = chunker.next(); chunk; chunk = chunker.next()) {
        items.push({ length: chunk.length, id: data.save('data', chunk) })
      }
    }
    return { items, size }
  }
}

/** Joins data ranges over holes that are too short to be kept. */
function* longRanges(
  ranges: Iterable<{ offset: number; length: number }>,
): Generator<{ offset: number; length: number }> {
  let open: { offset: number; length: number } | undefined
  for (const range of ranges) {
    if (open && range.offset - (open.offset + open.length) < HOLE_BYTES_MIN) {
      open = { offset: open.offset, length: range.offset + range.length - open.offset }
      continue
    }
    if (open) yield open
    open = range
  }
  if (open) yield open
}

function failure(error: unknown): FileReply {
  const vanished = errnoOf(error) === 'ENOENT'
  return { status: vanished ? 'vanished' : 'failed', message: describeError(error) }
}
