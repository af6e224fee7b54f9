// The main thread's end of the line to the workers: files and blobs in, tasks out; outcomes in, file states and counts out.
import type { TaskPool } from '../executor/task-pool.ts'
import { assert } from '../errors/assert.ts'
import type { BlobId } from '../ids/ids.ts'
import type { CompareFile, CompareOutcome } from './compare-task.ts'
import { encodeCompareTask } from './compare-task.ts'
import type { PlannedPiece, PlannedUnit } from './fetch-plan.ts'
import type { FileWork } from './file-work.ts'
import type { OpenDirectories } from './target-directory.ts'
import type { Tally } from './tally.ts'
import { encodeWriteTask, type TaskBlob, type TaskFile, type TaskPiece, type WriteOutcome } from './write-task.ts'
import type { RestoreReply, RestoreRequest } from './worker.ts'

export type RestorePool = TaskPool<RestoreRequest, RestoreReply>

export interface FailedBlob {
  readonly id: BlobId
  readonly length: number
  readonly pieces: readonly PlannedPiece[]
  readonly message: string
}

export class WorkerLink {
  readonly #pool: RestorePool
  readonly #directories: OpenDirectories
  readonly #tally: Tally

  constructor(pool: RestorePool, directories: OpenDirectories, tally: Tally) {
    this.#pool = pool
    this.#directories = directories
    this.#tally = tally
  }

  /**
   * Writes the blobs of a unit; `bytes` hold them from the pack's offset `start` on and are given away. A file that gets all
   * it needs from this unit and is in `finishing` is made and finished by it. Returns the blobs that could not be opened.
   */
  async writeUnit(
    unit: PlannedUnit, bytes: Uint8Array<ArrayBuffer>, start: number, finishing: ReadonlySet<FileWork>,
  ): Promise<FailedBlob[]> {
    const { files, numbers } = numbered(unit.blobs)
    const blobs = unit.blobs.map(({ id, location, pieces }): TaskBlob => ({
      id, offset: location.offset - start, length: location.length, codec: location.codec, rawLength: location.rawLength,
      key: location.key, pieces: taskPieces(pieces, numbers),
    }))
    const taskFiles = files.map(({ file, pieceCount }) => {
      const isComplete = finishing.has(file) && file.piecesLeft === pieceCount && file.missing.length === 0
      return this.#taskFile(file, pieceCount, isComplete)
    })
    const outcome = await this.#write(blobs, taskFiles, bytes)
    const failed = outcome.blobFailures.flatMap(({ blob, message }) => {
      const planned = unit.blobs[blob]
      return planned ? [{ id: planned.id, length: planned.length, pieces: planned.pieces, message }] : []
    })
    this.#settle(files.map(({ file }) => file), taskFiles, outcome, failed)
    countPieces(unit.blobs.flatMap(({ pieces }) => pieces), failed.flatMap(({ pieces }) => pieces))
    return failed
  }

  /** Writes a blob that was loaded and verified in another way; its files exist. */
  async writePlain(blob: { id: BlobId; pieces: readonly PlannedPiece[] }, plain: Uint8Array): Promise<void> {
    const { files, numbers } = numbered([blob])
    const bytes = new Uint8Array(plain)
    const { length } = bytes
    const pieces = taskPieces(blob.pieces, numbers)
    const taskFiles = files.map(({ file, pieceCount }) => this.#taskFile(file, pieceCount, false))
    const outcome = await this.#write([{ id: blob.id, offset: 0, length, codec: 0, rawLength: length, pieces }], taskFiles, bytes)
    this.#settle(files.map(({ file }) => file), taskFiles, outcome, [])
    countPieces(blob.pieces, [])
  }

  /** Makes and sizes files as far as that is due, and sets their attributes. */
  async finish(files: readonly FileWork[]): Promise<void> {
    const taskFiles = files.map((file) => this.#taskFile(file, 0, true))
    this.#settle(files, taskFiles, await this.#write([], taskFiles, new Uint8Array(0)), [])
  }

  async compare(files: readonly CompareFile[]): Promise<CompareOutcome> {
    const reply = await this.#pool.run({ kind: 'compare', task: encodeCompareTask(files) })
    assert(reply.kind === 'compare', 'reply of its kind')
    return reply.outcome
  }

  async #write(blobs: TaskBlob[], files: TaskFile[], bytes: Uint8Array<ArrayBuffer>): Promise<WriteOutcome> {
    const task = encodeWriteTask({ blobs, files })
    const reply = await this.#pool.run({ kind: 'write', task, bytes }, [bytes.buffer, task.buffer])
    assert(reply.kind === 'write', 'reply of its kind')
    return reply.outcome
  }

  #taskFile(file: FileWork, pieceCount: number, isLastTask: boolean): TaskFile {
    const { directory, name, inode, existing, attributes } = file
    const isExisting = file.intent !== 'create'
    const setsSize = isLastTask && (isExisting ? existing?.sizeBytes !== inode.size && file.intent === 'compare' : !file.isMade)
    const isOpened = pieceCount > 0 || setsSize
    return {
      directoryFd: this.#directories.fdOf(directory), name,
      opening: isOpened ? (file.isMade ? 'write' : 'create') : 'none',
      isSparse: inode.isSparse, punches: isExisting, size: inode.size, setsSize, pieceCount,
      ...(isLastTask ? { wish: { attributes, isSymlink: false, mayHaveXattrs: file.mayHaveXattrs, extent: extentOf(file) } } : {}),
    }
  }

  #settle(
    files: readonly FileWork[], tasks: readonly TaskFile[], outcome: WriteOutcome, failed: readonly FailedBlob[],
  ): void {
    const { report } = this.#tally
    report.bytesWritten += outcome.bytesWritten
    report.ownersRefused += outcome.ownersRefused
    report.xattrsRefused += outcome.xattrsRefused
    this.#tally.work.done(outcome.bytesDone)
    for (const { file, errno, message } of outcome.fileFailures) {
      const work = files[file]
      if (!work || work.hasFailed) continue
      work.hasFailed = true
      this.#tally.refusal(work.path(), errno, message)
    }
    for (const { file, message } of outcome.warnings) {
      const work = files[file]
      if (work) this.#tally.warning(message, work.path())
    }
    const spoiled = new Set(failed.flatMap(({ pieces }) => pieces.map(({ file }) => file)))
    for (const [number, file] of files.entries()) {
      const task = tasks[number]
      if (task === undefined || file.hasFailed) continue
      if (task.opening === 'create') file.isMade = true
      if (task.wish !== undefined && !spoiled.has(file)) file.isFinished = true
    }
    this.#tally.progress()
  }
}

function extentOf(file: FileWork): 'all' | 'xattrs' | 'content-lost' {
  if (file.missing.length > 0) return 'content-lost'
  return file.statIsRight && !file.isTouched && file.intent !== 'create' ? 'xattrs' : 'all'
}

/** The files that `blobs` go to, each once, with the number of their pieces. */
function numbered(blobs: readonly { readonly pieces: readonly PlannedPiece[] }[]): {
  files: { file: FileWork; pieceCount: number }[]; numbers: Map<FileWork, number>
} {
  const files: { file: FileWork; pieceCount: number }[] = []
  const numbers = new Map<FileWork, number>()
  for (const { pieces } of blobs) {
    for (const { file } of pieces) {
      const known = files[numbers.get(file) ?? files.length]
      if (known) known.pieceCount++
      else numbers.set(file, files.push({ file, pieceCount: 1 }) - 1)
    }
  }
  return { files, numbers }
}

const taskPieces = (pieces: readonly PlannedPiece[], numbers: ReadonlyMap<FileWork, number>): TaskPiece[] =>
  pieces.map(({ file, offset }) => ({ file: numbers.get(file) ?? 0, offset }))

function countPieces(pieces: readonly PlannedPiece[], failed: readonly PlannedPiece[]): void {
  for (const { file } of pieces) {
    file.piecesLeft--
    file.piecesDone++
  }
  // Not lost yet: another copy may be readable.
  for (const { file } of failed) {
    file.piecesLeft++
    file.piecesDone--
  }
}

