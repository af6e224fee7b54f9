// The worker's part of writing: opens blobs in the order they lie, puts them into files, and finishes every file whose last
// piece has come. A small file is made, filled, given its attributes and closed in one go.
import { closeSync, ftruncateSync } from 'node:fs'
import { decompress } from '../compress/codec.ts'
import type { BlobOpener } from '../crypto/data-key.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { describeError, errnoOf, isVaultError, VaultError } from '../errors/vault-error.ts'
import { toHex } from '../ids/ids.ts'
import { childPath } from '../posix/directories.ts'
import { newAttributeOutcome, setAttributes } from './attribute-setting.ts'
import { createFile, openForWriting, writeAt, writeSparseAt } from './positioned-writing.ts'
import type { TaskBlob, TaskFile, WriteOutcome, WriteTask } from './write-task.ts'

/** Files of one task that are open at once; beyond it the oldest is closed and opened again when needed. */
const OPEN_FILES_MAX = 64

interface FileState {
  readonly file: TaskFile
  readonly number: number
  left: number
  /** End of what was written of a new file, blocks left out not counted. */
  endWritten: number
  isMade: boolean
  /** A blob of it was lost or a system call failed: it gets no attributes here. */
  isSpoiled: boolean
  hasFailed: boolean
}

export class FileWriter {
  readonly #keys: Keyring
  readonly #opener: BlobOpener
  readonly #files: FileState[]
  readonly #open = new Map<FileState, number>()
  readonly outcome: WriteOutcome = {
    blobFailures: [], fileFailures: [], warnings: [], bytesWritten: 0, bytesDone: 0, ownersRefused: 0, xattrsRefused: 0,
  }

  constructor(keys: Keyring, opener: BlobOpener, files: readonly TaskFile[]) {
    this.#keys = keys
    this.#opener = opener
    this.#files = files.map((file, number) => ({
      file, number, left: file.pieceCount, endWritten: 0, isMade: file.opening !== 'create', isSpoiled: false, hasFailed: false,
    }))
  }

  /** Does a task; `bytes` hold its blobs. */
  static run(keys: Keyring, opener: BlobOpener, task: WriteTask, bytes: Uint8Array): WriteOutcome {
    const writer = new FileWriter(keys, opener, task.files)
    try {
      for (const [number, blob] of task.blobs.entries()) writer.#blob(blob, number, bytes)
      for (const state of writer.#files) if (state.file.pieceCount === 0) writer.#finish(state)
    } finally {
      for (const fd of writer.#open.values()) closeSync(fd)
    }
    return writer.outcome
  }

  #blob(blob: TaskBlob, number: number, bytes: Uint8Array): void {
    let plain: Uint8Array | undefined
    try {
      plain = this.#plain(blob, bytes)
    } catch (error) {
      if (!isVaultError(error)) throw error
      this.outcome.blobFailures.push({ blob: number, message: error.message })
    }
    for (const piece of blob.pieces) {
      const state = this.#files[piece.file]
      if (state === undefined) continue
      if (plain === undefined) state.isSpoiled = true
      else this.#guarded(state, (content) => this.#write(state, content, piece.offset), plain)
      if (--state.left === 0) this.#finish(state)
    }
  }

  #plain({ id, offset, length, codec, rawLength, key }: TaskBlob, bytes: Uint8Array): Uint8Array {
    const stored = bytes.subarray(offset, offset + length)
    if (key === undefined) return stored
    const plain = decompress(this.#opener.openBlob(key, 'data', id, stored), codec, rawLength)
    if (Buffer.compare(this.#keys.blobId('data', plain), id) !== 0) {
      throw new VaultError('vault-damaged', `blob ${toHex(id).slice(0, 16)}: content does not match its id`)
    }
    return plain
  }

  #write(state: FileState, plain: Uint8Array, offset: number): void {
    const fd = this.#fdOf(state)
    const { isSparse, punches } = state.file
    this.outcome.bytesDone += plain.length
    if (isSparse) {
      this.outcome.bytesWritten += writeSparseAt(fd, plain, offset, punches ? 'anything' : 'zeros')
      return
    }
    writeAt(fd, plain, offset)
    state.endWritten = Math.max(state.endWritten, offset + plain.length)
    this.outcome.bytesWritten += plain.length
  }

  #fdOf(state: FileState): number {
    const known = this.#open.get(state)
    if (known !== undefined) return known
    if (this.#open.size >= OPEN_FILES_MAX) {
      for (const [oldest] of this.#open) {
        this.#close(oldest)
        break
      }
    }
    const { directoryFd, name } = state.file
    const fd = state.isMade ? openForWriting(directoryFd, name) : createFile(directoryFd, name)
    state.isMade = true
    this.#open.set(state, fd)
    return fd
  }

  #finish(state: FileState): void {
    this.#guarded(state, () => {
      const { file } = state
      const isOpened = file.opening !== 'none' && (file.setsSize || !state.isMade)
      // A new file that was written to its end has its size: 12 µs less for each small file.
      const hasSize = file.opening === 'create' && state.endWritten === file.size && file.size > 0
      if (isOpened && !hasSize) ftruncateSync(this.#fdOf(state), file.size)
      if (file.wish === undefined || state.isSpoiled) return
      const outcome = newAttributeOutcome()
      setAttributes(this.#open.get(state) ?? childPath(file.directoryFd, file.name), file.wish, outcome)
      this.outcome.ownersRefused += outcome.ownersRefused
      this.outcome.xattrsRefused += outcome.xattrsRefused
      for (const message of outcome.warnings) this.outcome.warnings.push({ file: state.number, message })
    }, undefined)
    this.#close(state)
  }

  #close(state: FileState): void {
    const fd = this.#open.get(state)
    if (fd === undefined) return
    this.#open.delete(state)
    closeSync(fd)
  }

  /** A failed system call ends the work on that file only. */
  #guarded<Argument>(state: FileState, step: (argument: Argument) => void, argument: Argument): void {
    if (state.hasFailed) return
    try {
      step(argument)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === undefined) throw error
      state.hasFailed = true
      state.isSpoiled = true
      this.outcome.fileFailures.push({ file: state.number, errno, message: describeError(error) })
    }
  }
}
