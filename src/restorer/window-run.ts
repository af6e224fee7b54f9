// One window from plan to disk: compare what exists, plan by pack, make files, fetch and write, mend from other copies,
// finish, read back; then what the walk left for afterwards (links, attributes of directories).
import { closeSync, ftruncateSync, unlinkSync } from 'node:fs'
import { TaskGroup } from '../async/task-group.ts'
import { assert } from '../errors/assert.ts'
import type { VaultError } from '../errors/vault-error.ts'
import type { BlobId } from '../ids/ids.ts'
import { childPath } from '../posix/directories.ts'
import type { IndexRenewal } from '../repository/index-renewal.ts'
import type { BlobLoader } from '../tree/node.ts'
import { compareParts } from './comparing.ts'
import { planElsewhere, planFetch, type BlobPlaces, type FetchPlan, type PlannedPiece, type PlannedRange } from './fetch-plan.ts'
import type { FileWork, Window } from './file-work.ts'
import { isDamage } from './link-records.ts'
import { createFile, openForWriting, zeroAt } from './positioned-writing.ts'
import { stopIfInterrupted, type RangeFetcher } from './range-fetching.ts'
import type { ByteSpan } from './report.ts'
import type { OpenDirectories } from './target-directory.ts'
import type { Tally } from './tally.ts'
import type { FailedBlob, WorkerLink } from './worker-link.ts'

export interface WindowTools {
  readonly places: BlobPlaces
  readonly renewal: IndexRenewal | undefined
  readonly loader: BlobLoader
  readonly fetcher: RangeFetcher
  readonly workers: WorkerLink
  readonly directories: OpenDirectories
  readonly tally: Tally
  readonly isDryRun: boolean
  readonly verifies: boolean
  readonly signal: AbortSignal | undefined
  readonly onPlan: ((plan: FetchPlan) => void) | undefined
}

/** Files whose attributes go in one message. */
const FINISH_BATCH = 256
/** Blobs of up to 64 MiB each, though mostly of 1. */
const MENDED_AT_ONCE = 4

export async function runWindow(window: Window, tools: WindowTools): Promise<void> {
  const run = new WindowRun(window, tools)
  try {
    await run.run()
  } finally {
    for (const directory of window.pinned) tools.directories.unpin(directory)
  }
}

class WindowRun {
  readonly #window: Window
  readonly #tools: WindowTools
  readonly #files: ReadonlySet<FileWork>
  /** Files that this window completes. */
  readonly #finishing: ReadonlySet<FileWork>

  constructor(window: Window, tools: WindowTools) {
    this.#window = window
    this.#tools = tools
    this.#files = new Set(window.parts.map(({ file }) => file))
    this.#finishing = new Set(window.parts.filter(({ isLast }) => isLast).map(({ file }) => file))
  }

  async run(): Promise<void> {
    const { isDryRun, onPlan, verifies } = this.#tools
    await this.#compare()
    const plan = await this.#plan()
    onPlan?.(plan)
    if (isDryRun) this.#countOnly(plan)
    else {
      this.#makeFiles(plan)
      this.#punch(plan)
      await this.#write(plan)
      await this.#finish()
      if (verifies) await this.#verify()
    }
    for (const step of this.#window.after) step()
  }

  async #compare(): Promise<void> {
    const { workers, directories, signal, isDryRun, tally } = this.#tools
    const parts = this.#window.parts.filter(({ file }) => file.intent !== 'create' && file.intent !== 'attributes')
    await compareParts(parts, { workers, directories, signal })
    for (const part of parts) {
      const { file, differs } = part
      if (file.intent !== 'compare-then-replace' || !differs?.includes(1)) continue
      // Other names of this inode keep what they have: nothing is written through.
      file.intent = 'create'
      file.isMade = false
      delete part.differs
      if (!isDryRun) this.#guarded(file, () => unlinkSync(childPath(directories.fdOf(file.directory), file.name)))
      tally.progress()
    }
    for (const part of this.#window.parts) {
      if (part.file.intent === 'attributes') part.differs = new Uint8Array(part.items.length)
    }
  }

  async #plan(): Promise<FetchPlan> {
    const { places, fetcher, renewal } = this.#tools
    const parts = this.#window.parts.filter(({ file }) => !file.hasFailed)
    const version = renewal?.version ?? 0
    let plan = planFetch(parts, places, fetcher.rangeBytesMax)
    if (plan.lost.length > 0 && (await renewal?.renew([], version))) plan = planFetch(parts, places, fetcher.rangeBytesMax)
    for (const piece of plannedPieces(plan)) {
      piece.file.piecesLeft++
      piece.file.isTouched = true
    }
    for (const { file } of plan.holes) file.isTouched = true
    for (const { file, items, differs } of parts) {
      // What is right already counts as readable content of the file.
      if (differs && items.length > 0 && differs.includes(0)) file.piecesDone++
      if (file.intent === 'create' || (file.intent === 'compare' && file.existing?.sizeBytes !== file.inode.size)) file.isTouched = true
    }
    return plan
  }

  #countOnly(plan: FetchPlan): void {
    const { tally } = this.#tools
    tally.report.bytesFetched += plan.fetchBytes
    tally.report.bytesWritten += plan.writeBytes
    for (const { length, pieces } of plan.lost) {
      for (const { file, offset } of pieces) noteMissing(file, { offset, length }, NOT_INDEXED)
    }
    for (const file of this.#finishing) {
      if (file.missing.length > 0) this.#reportMissing(file)
      this.#count(file)
    }
    tally.progress()
  }

  /** A file that more than one unit writes into, or that an earlier copy of a blob failed for, is made beforehand. */
  #makeFiles(plan: Pick<FetchPlan, 'ranges'>): void {
    const units = new Map<FileWork, unknown>()
    for (const range of plan.ranges) {
      for (const unit of range.units) {
        for (const { pieces } of unit.blobs) {
          for (const { file } of pieces) {
            const known = units.get(file)
            if (known === undefined) units.set(file, unit)
            else if (known !== unit) units.set(file, 'several')
          }
        }
      }
    }
    for (const [file, unit] of units) {
      if (unit === 'several' || !this.#finishing.has(file)) this.#make(file)
    }
  }

  #make(file: FileWork): void {
    if (file.isMade || file.hasFailed) return
    this.#guarded(file, () => {
      const fd = createFile(this.#tools.directories.fdOf(file.directory), file.name)
      file.isMade = true
      try {
        ftruncateSync(fd, file.inode.size)
      } finally {
        closeSync(fd)
      }
    })
  }

  #punch({ holes }: FetchPlan): void {
    for (const { file, offset, length } of holes) {
      this.#guarded(file, () => {
        const fd = openForWriting(this.#tools.directories.fdOf(file.directory), file.name)
        try {
          zeroAt(fd, offset, length)
        } finally {
          closeSync(fd)
        }
      })
    }
  }

  async #write(plan: FetchPlan): Promise<void> {
    const failed: FailedBlob[] = []
    await this.#fetch(plan, failed)
    const mending = new TaskGroup(MENDED_AT_ONCE)
    try {
      for (const blob of failed) await mending.add(() => this.#mend(blob))
    } finally {
      await mending.finish()
    }
  }

  /** Fetches and writes. Where a pack is gone the blobs may have moved: they are planned anew once the index is renewed. */
  async #fetch(first: FetchPlan, failed: FailedBlob[]): Promise<void> {
    const { fetcher, workers, tally, renewal, places } = this.#tools
    for (let plan: Pick<FetchPlan, 'ranges' | 'lost'> = first; ;) {
      const version = renewal?.version ?? 0
      const gone: { range: PlannedRange; error: VaultError }[] = []
      failed.push(...plan.lost.map((lost) => ({ ...lost, message: NOT_INDEXED })))
      await fetcher.fetchAll(plan.ranges, {
        unit: async (unit, bytes, start) => {
          failed.push(...(await workers.writeUnit(unit, bytes, start, this.#finishing)))
        },
        lost: (range, error) => {
          if (error.code === 'object-missing') gone.push({ range, error })
          else failed.push(...blobsOf(range, error))
        },
        fetched: (bytes) => {
          tally.report.bytesFetched += bytes
          tally.report.rangesFetched++
        },
      })
      if (gone.length === 0) return
      if (!(await renewal?.renew(gone.map(({ range }) => range.pack), version))) {
        for (const { range, error } of gone) failed.push(...blobsOf(range, error))
        return
      }
      plan = planElsewhere(gone.map(({ range }) => range), places, fetcher.rangeBytesMax)
      this.#makeFiles(plan)
    }
  }

  /** Another copy of the blob, from whichever pack has one; else the files that need it are damaged. */
  async #mend(blob: FailedBlob): Promise<void> {
    const { loader, workers, signal } = this.#tools
    stopIfInterrupted(signal)
    let plain: Uint8Array
    try {
      plain = await loader.load('data', blob.id)
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#lose(blob, error.message)
      return
    }
    if (plain.length !== blob.length) return this.#lose(blob, 'the file names a blob of another length')
    for (const { file } of blob.pieces) this.#make(file)
    await workers.writePlain({ id: blob.id, pieces: blob.pieces.filter(({ file }) => !file.hasFailed) }, plain)
  }

  #lose({ pieces, length }: FailedBlob, message: string): void {
    for (const { file, offset } of pieces) {
      file.piecesLeft--
      noteMissing(file, { offset, length }, message)
    }
  }

  async #finish(): Promise<void> {
    const { workers } = this.#tools
    const due: FileWork[] = []
    for (const file of this.#finishing) {
      if (file.isFinished || file.hasFailed) continue
      assert(file.piecesLeft === 0, 'all pieces of a file are accounted for')
      if (file.missing.length > 0 && !this.#keepDamaged(file)) continue
      due.push(file)
    }
    const batches: Promise<void>[] = []
    for (let i = 0; i < due.length; i += FINISH_BATCH) batches.push(workers.finish(due.slice(i, i + FINISH_BATCH)))
    for (const result of await Promise.allSettled(batches)) if (result.status === 'rejected') throw result.reason
    for (const file of this.#finishing) if (file.isFinished) this.#count(file)
  }

  /** Reports it; false when nothing of it could be read, and so nothing of it is left. */
  #keepDamaged(file: FileWork): boolean {
    this.#reportMissing(file)
    if (file.piecesDone > 0 || file.intent !== 'create') return true
    if (file.isMade) {
      this.#guarded(file, () => unlinkSync(childPath(this.#tools.directories.fdOf(file.directory), file.name)))
    }
    return false
  }

  #reportMissing(file: FileWork): void {
    const spans = mergeSpans(file.missing)
    const bytes = spans.reduce((sum, { length }) => sum + length, 0)
    const left = file.intent !== 'create' ? 'what stood there before is left' : 'zeros stand there'
    const whole = file.piecesDone === 0 && file.intent === 'create'
    const message = whole
      ? `not restored: nothing of its content can be read (${file.missingReason})`
      : `damaged: ${bytes} of ${file.inode.size} bytes cannot be read, ${left} (${file.missingReason})`
    this.#tools.tally.problem(file.path(), 'vault-damaged', message, spans)
  }

  #count(file: FileWork): void {
    const { report } = this.#tools.tally
    if (file.intent === 'create') report.filesRestored++
    else if (file.intent === 'compare' && file.isTouched) report.filesUpdated++
    else report.filesUnchanged++
  }

  async #verify(): Promise<void> {
    const { workers, directories, signal, tally } = this.#tools
    // What was compared and left alone has just been read.
    const parts = this.#window.parts.filter(({ file }) =>
      !file.hasFailed && file.missing.length === 0 && (file.isTouched || file.intent === 'attributes'))
    const checked = parts.map((part) => ({ ...part }))
    await compareParts(checked, { workers, directories, signal })
    for (const { file, differs } of checked) {
      if (!differs?.includes(1) || file.hasFailed) continue
      file.hasFailed = true
      tally.problem(file.path(), 'target-unwritable', 'its content, read back, is not the snapshot\'s')
    }
    for (const file of this.#files) if (file.isFinished && file.missing.length === 0 && !file.hasFailed) tally.report.filesVerified++
  }

  #guarded(file: FileWork, step: () => void): void {
    if (file.hasFailed) return
    try {
      step()
    } catch (error) {
      file.hasFailed = true
      this.#tools.tally.failure(file.path(), error)
    }
  }
}

const NOT_INDEXED = 'its content is in no indexed pack'

function* plannedPieces(plan: FetchPlan): Generator<PlannedPiece> {
  for (const { units } of plan.ranges) for (const { blobs } of units) for (const { pieces } of blobs) yield* pieces
  for (const { pieces } of plan.lost) yield* pieces
}

function* blobsOf(range: PlannedRange, error: VaultError): Generator<{ id: BlobId; length: number; pieces: readonly PlannedPiece[]; message: string }> {
  for (const { blobs } of range.units) {
    for (const { id, length, pieces } of blobs) yield { id, length, pieces, message: error.message }
  }
}

/** The first reason stands for all: most often it is one pack that is lost. */
function noteMissing(file: FileWork, span: ByteSpan, reason: string): void {
  file.missing.push(span)
  if (file.missingReason === '') file.missingReason = reason
}

function mergeSpans(spans: readonly ByteSpan[]): ByteSpan[] {
  const merged: { offset: number; length: number }[] = []
  for (const { offset, length } of [...spans].sort((a, b) => a.offset - b.offset)) {
    const last = merged.at(-1)
    if (last && last.offset + last.length >= offset) last.length = Math.max(last.length, offset + length - last.offset)
    else merged.push({ offset, length })
  }
  return merged
}
