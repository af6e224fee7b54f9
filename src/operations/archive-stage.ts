// The part of a backup that reads: readers, archiver, progress, and what must go on beside a long walk or a long file:
// uploads, checkpoints, the file cache.
import { statSync } from 'node:fs'
import { Archiver, newArchiveCounts, type ArchiveCounts, type ArchiveResult } from '../archiver/archiver.ts'
import type { ReaderCounts } from '../archiver/file-batch.ts'
import { FileQueue } from '../archiver/file-queue.ts'
import type { Readers } from '../archiver/reader-pool.ts'
import { RunControl } from '../archiver/run-control.ts'
import type { KnownFiles } from '../cache/known-files.ts'
import { DEFAULT_COMPRESSION } from '../compress/codec.ts'
import { BlobWriter } from '../content/blob-writer.ts'
import type { PackRecord } from '../index/vault-index.ts'
import { METADATA_PACK_TARGET_BYTES } from '../limits/limits.ts'
import type { SealedPack } from '../pack/pack-writer.ts'
import type { PackStore } from '../repository/pack-store.ts'
import type { Repository } from '../repository/repository.ts'
import { pathText } from '../snapshot/path-text.ts'
import type { BackupTask } from './backup-run.ts'
import type { BackupSurroundings } from './backup-surroundings.ts'
import { readingBudget } from './reading-budget.ts'
import { estimateSource, type SourceTotals } from './source-estimate.ts'

const CHECKPOINT_MS = 5 * 60_000
const UPKEEP_MS = 2000
const PROGRESS_MS = 100
/** A walk over unchanged files is synchronous: this often it lets messages and timers have their turn. */
const TURN_MS = 50

export interface ArchiveStageParts {
  readonly task: BackupTask
  readonly repository: Repository
  readonly around: BackupSurroundings
  /** Absent: nothing is stored (dry run). */
  readonly store: PackStore | undefined
  readonly uploadedBytes: () => number
}

export interface Archived {
  readonly result: ArchiveResult
  /** Totals of each reader. */
  readonly readers: readonly ReaderCounts[]
  readonly metadata: BlobWriter
  readonly known: KnownFiles
}

export class ArchiveStage {
  readonly counts: ArchiveCounts = newArchiveCounts()
  readonly control = new RunControl()
  /** Packs that could not be read when something in them was looked for. */
  readonly unreadablePacks = new Set<PackRecord>()
  readonly #parts: ArchiveStageParts
  readonly #accepting = new Set<Promise<void>>()
  readonly #ended = new AbortController()
  #failure: { error: unknown } | undefined
  #lastTurnMs = performance.now()
  #lastCheckpointMs: number

  constructor(parts: ArchiveStageParts) {
    this.#parts = parts
    this.#lastCheckpointMs = parts.around.clock.elapsedMs()
  }

  /** Stops the run: readers at their next chunk, the walk at its next entry. The first error counts. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.control.stop()
  }

  /** Something is wrong with one item: the run goes on, its exit code says so. */
  warn(item: string, message: string): void {
    this.counts.errors++
    this.#parts.task.events({ type: 'warning', item, message })
  }

  /** Reads the source into packs and trees; all packs are handed to the store when it returns. Throws what `fail` was given. */
  async run(): Promise<Archived> {
    const { task, around } = this.#parts
    const known = around.knownFiles(task.host, task.paths.map(pathText), task.mode)
    const readers = this.#startReaders()
    const stopUpkeep = this.#startUpkeep(known)
    const stopProgress = this.#startProgress()
    try {
      return await this.#archive(readers, known)
    } catch (error) {
      known.close()
      throw this.#failure ? this.#failure.error : error
    } finally {
      this.#ended.abort()
      stopUpkeep()
      stopProgress()
      await readers.close()
    }
  }

  #startReaders(): Readers {
    const { task, repository, around } = this.#parts
    const { keys, index, config, backend } = repository
    return around.startReaders({
      init: {
        material: keys.material, index: index.shared, chunker: config.chunker, compression: DEFAULT_COMPRESSION,
        dataPackTargetBytes: config.dataPackTargetBytes, control: this.control.shared,
      },
      ...readingBudget({ packBytes: config.dataPackTargetBytes, isRemote: backend.isRemote, threadsWanted: task.threads }),
      onPack: (pack, release) => this.#accept(pack, release),
    })
  }

  #accept(pack: SealedPack, release?: () => void): void {
    const { store } = this.#parts
    if (!store) return release?.()
    const accepted = store.accept(pack, release).catch((error: unknown) => this.fail(error))
    this.#accepting.add(accepted)
    void accepted.finally(() => this.#accepting.delete(accepted))
  }

  async #archive(readers: Readers, known: KnownFiles): Promise<Archived> {
    const { task, repository, around } = this.#parts
    const { keys, index, reader } = repository
    const metadata = new BlobWriter('metadata', {
      keys, random: around.random, table: index.table, states: index.states, compression: DEFAULT_COMPRESSION,
      targetBytes: METADATA_PACK_TARGET_BYTES,
      outlet: { buffer: () => new Uint8Array(METADATA_PACK_TARGET_BYTES), emit: (pack) => this.#accept(pack) },
    })
    const files = new FileQueue(readers.pool, (error) => this.fail(error))
    const archiver = new Archiver({
      source: around.source, files, saver: metadata, loader: reader, known,
      stored: { use: (id) => index.use(id), lose: (id) => this.#lose(id) }, inodeKey: keys.inodeKey(),
      selection: task.selection, reading: task.reading, ownDirectories: this.#ownDirectories(), progress: this.counts,
      onWarning: (path, message) => {
        // A run that ends early closes directories under its readers: that files cannot be read then says nothing of them.
        if (!this.#failure) task.events({ type: 'warning', item: pathText(path), message })
      },
      onNotice: (path, message) => task.events({ type: 'notice', message: `${pathText(path)}: ${message}` }),
      onPause: () => this.#pause(),
    })
    const result = await archiver.archive(task.paths)
    const counts = await files.finish()
    metadata.flush()
    await readers.received(counts.map(({ packsEmitted }) => packsEmitted))
    await Promise.all(this.#accepting)
    if (this.#failure) throw this.#failure.error
    if (known.problem !== undefined) task.events({ type: 'notice', message: `the file cache is not kept: ${known.problem}` })
    return { result, readers: counts, metadata, known }
  }

  /** None of the places of this blob can be read: they count as absent from now on, so that it is stored again. */
  #lose(id: Uint8Array): void {
    const { index } = this.#parts.repository
    for (const { pack } of index.locate(id)) {
      if (index.isCondemned(pack.id)) continue
      index.condemn([pack.id])
      this.unreadablePacks.add(pack)
    }
  }

  /** Called between entries: stops a failed run, and lets uploads and messages catch up. */
  #pause(): Promise<void> | undefined {
    if (this.#failure) throw this.#failure.error
    const nowMs = performance.now()
    if (nowMs - this.#lastTurnMs < TURN_MS) return undefined
    return (async () => {
      await new Promise((resolve) => setImmediate(resolve))
      if (this.#accepting.size > this.#parts.repository.backend.connectionsMax * 2) await Promise.race(this.#accepting)
      this.#lastTurnMs = performance.now()
    })()
  }

  /** Keeps the file cache and writes checkpoints, also while one file is read for hours. */
  #startUpkeep(known: KnownFiles): () => void {
    const { store, around } = this.#parts
    const timer = setInterval(() => {
      known.checkpoint()
      if (!store || around.clock.elapsedMs() - this.#lastCheckpointMs < CHECKPOINT_MS) return
      this.#lastCheckpointMs = around.clock.elapsedMs()
      store.writeSegment().catch((error: unknown) => this.fail(error))
    }, UPKEEP_MS)
    return () => clearInterval(timer)
  }

  /** The vault itself and the caches must not be backed up into the vault. */
  #ownDirectories(): Set<string> {
    const own = new Set<string>()
    for (const path of this.#parts.task.ownDirectories) {
      const { dev, ino } = statSync(path, { bigint: true })
      own.add(`${dev}:${ino}`)
    }
    return own
  }

  #startProgress(): () => void {
    const { events, paths, selection, totals: wanted } = this.#parts.task
    const totals: SourceTotals = { files: 0, bytes: 0, isComplete: false }
    if (wanted === 'scan') {
      estimateSource(paths, selection, totals, this.#ended.signal).catch((error: unknown) => this.fail(error))
    }
    const timer = setInterval(() => {
      const { files, bytes, errors, current } = this.counts
      events({
        type: 'progress', phase: 'backup', itemsDone: files, bytesDone: Math.max(bytes, this.control.bytesRead),
        bytesTransferred: this.#parts.uploadedBytes(), errors, current: pathText(current),
        ...(totals.isComplete ? { itemsTotal: totals.files, bytesTotal: totals.bytes } : {}),
      })
    }, PROGRESS_MS)
    return () => clearInterval(timer)
  }
}
