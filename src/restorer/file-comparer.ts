// The worker's part of comparing: existing content against the ids it should have.
import { closeSync, readSync } from 'node:fs'
import type { Keyring } from '../crypto/keyring.ts'
import { describeError, errnoOf } from '../errors/vault-error.ts'
import { childPath } from '../posix/directories.ts'
import { openFileForRead } from '../posix/files.ts'
import { nextData, nextHole } from '../posix/holes.ts'
import type { CompareFile, CompareItem, CompareOutcome } from './compare-task.ts'

const BUFFER_BYTES_FIRST = 1024 * 1024
const ZEROS = Buffer.alloc(65536)

export class FileComparer {
  readonly #keys: Keyring
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES_FIRST)

  constructor(keys: Keyring) {
    this.#keys = keys
  }

  run(files: readonly CompareFile[]): CompareOutcome {
    const differs = new Uint8Array(files.reduce((sum, { items }) => sum + items.length, 0)).fill(1)
    const failures: CompareOutcome['failures'] = []
    let start = 0
    for (const [number, file] of files.entries()) {
      try {
        this.#file(file, differs.subarray(start, start + file.items.length))
      } catch (error) {
        const errno = errnoOf(error)
        if (errno === undefined) throw error
        failures.push({ file: number, errno, message: describeError(error) })
      }
      start += file.items.length
    }
    return { differs, failures }
  }

  #file({ directoryFd, name, items }: CompareFile, differs: Uint8Array): void {
    const fd = openFileForRead(childPath(directoryFd, name))
    try {
      for (const [i, item] of items.entries()) {
        const isSame = item.id === undefined ? this.#isZero(fd, item) : this.#hasId(fd, item, item.id)
        if (isSame) differs[i] = 0
      }
    } finally {
      closeSync(fd)
    }
  }

  #hasId(fd: number, { offset, length }: CompareItem, id: Uint8Array): boolean {
    if (length > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(length)
    const bytes = this.#buffer.subarray(0, length)
    return readAt(fd, bytes, offset) && Buffer.compare(this.#keys.blobId('data', bytes), id) === 0
  }

  #isZero(fd: number, { offset, length }: CompareItem): boolean {
    const end = offset + length
    for (let at = nextData(fd, offset); at !== undefined && at < end; at = nextData(fd, at)) {
      const dataEnd = Math.min(nextHole(fd, at) ?? end, end)
      if (!this.#readsZero(fd, at, dataEnd)) return false
      at = dataEnd
    }
    return true
  }

  #readsZero(fd: number, start: number, end: number): boolean {
    for (let at = start; at < end; ) {
      const piece = this.#buffer.subarray(0, Math.min(ZEROS.length, end - at))
      if (!readAt(fd, piece, at) || ZEROS.compare(piece, 0, piece.length, 0, piece.length) !== 0) return false
      at += piece.length
    }
    return true
  }
}

/** False when the file ends before. */
function readAt(fd: number, bytes: Uint8Array, offset: number): boolean {
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(fd, bytes, done, bytes.length - done, offset + done)
    if (count === 0) return false
    done += count
  }
  return true
}
