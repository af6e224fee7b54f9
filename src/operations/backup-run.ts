// A backup run: session, roots, index, archiver, packs, index segments, snapshot; in the order that FORMAT.md argues for.
import { statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { Archiver, newArchiveCounts, type ArchiveCounts, type ArchiveResult } from '../archiver/archiver.ts'
import type { ReaderCounts } from '../archiver/file-batch.ts'
import { FileQueue } from '../archiver/file-queue.ts'
import { RunControl } from '../archiver/run-control.ts'
import type { SourceSelection } from '../archiver/selection.ts'
import type { RequestCounts } from '../backend/backend.ts'
import type { KnownFiles } from '../cache/known-files.ts'
import type { AbandonedJournal } from '../cache/pack-journal.ts'
import { DEFAULT_COMPRESSION } from '../compress/codec.ts'
import { BlobWriter } from '../content/blob-writer.ts'
import { isVaultError, VaultError } from '../errors/vault-error.ts'
import { toHex } from '../ids/ids.ts'
import { encodePack } from '../index/segment.ts'
import { METADATA_PACK_TARGET_BYTES } from '../limits/limits.ts'
import { PackStore } from '../repository/pack-store.ts'
import { readPackDirectory, readUnindexedPacks } from '../repository/pack-adoption.ts'
import type { Repository } from '../repository/repository.ts'
import { rescuePacks } from '../repository/pack-rescue.ts'
import { WriterSession } from '../session/writer-session.ts'
import { pathText } from '../snapshot/path-text.ts'
import {
  currentSnapshotVersion, sealSnapshot, visibleDigest, type BackupSummary, type Snapshot, type StoredSnapshot,
} from '../snapshot/snapshot.ts'
import type { EventSink } from './events.ts'
import { PROGRAM } from './program.ts'
import { estimateSource, type SourceTotals } from './source-estimate.ts'
import type { BackupSurroundings, Journal } from './backup-surroundings.ts'

/** What is to be backed up, and how. */
export interface BackupTask {
  /** Absolute, raw bytes. */
  readonly paths: readonly Uint8Array[]
  readonly host: string
  readonly user: string
  readonly tags: readonly string[]
  readonly selection: SourceSelection
  /** `dry-run` reads everything that changed and stores nothing. */
  readonly mode: 'commit' | 'dry-run'
  /** `all` reads unchanged files too. */
  readonly reading: 'changed' | 'all'
  readonly events: EventSink
  /** `scan` counts the source beside the backup, for an ETA; it costs a second walk. */
  readonly totals?: 'scan' | 'unknown'
  /** Reader threads; default one a processor, at most 8. */
  readonly threads?: number
  /** Directories that are never walked: the vault's own and the caches'. */
  readonly ownDirectories: readonly string[]
  readonly signal?: AbortSignal
}

export interface BackupResult {
  readonly snapshot?: { readonly id: string; readonly time: string }
  readonly parent?: string
  readonly summary: BackupSummary
  /** Items that could not be backed up, or not as one state: the snapshot is there, without or with a doubt about them. */
  readonly warnings: number
  readonly requests: RequestCounts
}

const CHECKPOINT_MS = 5 * 60_000
const CACHE_COMMIT_MS = 2000
const PROGRESS_MS = 100
const THREADS_MAX = 8
/** Memory for pack buffers, shared by the readers. */
const BUFFER_BYTES_BUDGET = 160 * 1024 * 1024

export class BackupRun {
  readonly #task: BackupTask
  readonly #repository: Repository
  readonly #around: BackupSurroundings
  readonly #control = new RunControl()
  readonly #counts: ArchiveCounts = newArchiveCounts()
  readonly #startMs = performance.now()
  readonly #ended = new AbortController()
  #uploaded = 0
  #isCommitting = false
  #failure: { error: unknown } | undefined
  #lastCheckpointMs: number
  #lastCacheCommitMs = performance.now()

  constructor(task: BackupTask, repository: Repository, around: BackupSurroundings) {
    this.#task = task
    this.#repository = repository
    this.#around = around
    this.#lastCheckpointMs = around.clock.elapsedMs()
  }

  async run(): Promise<BackupResult> {
    const { signal } = this.#task
    const onAbort = (): void => this.#fail(signal?.reason ?? new VaultError('interrupted', 'interrupted'))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return this.#task.mode === 'dry-run' ? await this.#dryRun() : await this.#commitRun()
    } finally {
      this.#ended.abort()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#control.stop()
  }

  /** Rules 6 to 14 of the gc protocol stand behind this order. */
  async #commitRun(): Promise<BackupResult> {
    const { backend, keys } = this.#repository
    const { clock, random } = this.#around
    const session = await WriterSession.begin({ backend, keys, clock, random })
    const alive = session.keepAlive(this.#ended.signal)
    alive.catch((error: unknown) => this.#fail(error))
    try {
      return await this.#withSession(session)
    } catch (error) {
      // Nothing is committed, so nobody need wait for the lease; when that fails too, the lease simply expires.
      if (!this.#isCommitting) await session.abandon().catch(() => undefined)
      throw error
    }
  }

  async #withSession(session: WriterSession): Promise<BackupResult> {
    const { backend, keys } = this.#repository
    const { random } = this.#around
    const { snapshots } = await this.#repository.snapshots()
    const { damaged } = await this.#repository.loadIndex({ condemned: session.condemned, onDamage: 'report' })
    const parent = this.#parent(snapshots)
    await this.#lookForGone(snapshots)
    const journal = this.#around.journal(session.id)
    const store = this.#packStore(journal)
    const { index } = this.#repository
    session.attach({
      condemn: (packs) => index.condemn(packs),
      *usedPacks() {
        for (const { id } of index.usedPacks()) yield id
      },
      orphanedTrees: async () => (parent && !(await this.#isListed(parent)) ? [parent.tree] : []),
      rescue: (packs) => rescuePacks(this.#repository, store, random, packs),
    })
    const journals = await this.#adopt(store)
    if (damaged.length > 0) await this.#mendIndex(store, damaged.map(({ error }) => error.message))
    const done = await this.#archive(store, snapshots, parent)
    await store.drain()
    await store.writeSegment()
    for (const abandoned of journals) this.#around.removeJournal(abandoned)
    const summary = this.#summary(done.readers, done.metadata, store.bytesStored)
    const sealed = sealSnapshot(keys, random, this.#snapshot(done.result, snapshots, parent, summary), await backend.serverTimeMs())
    this.#isCommitting = true
    await session.commit({ name: sealed.stored.name, bytes: sealed.bytes })
    journal.remove()
    done.known.complete(sealed.stored.id)
    this.#around.seen.remember([...snapshots, sealed.stored])
    done.known.close()
    return this.#result(summary, parent, sealed.stored)
  }

  /** The newest snapshot that this machine knows of the series must be there, or be recorded as forgotten. */
  async #lookForGone(snapshots: readonly StoredSnapshot[]): Promise<void> {
    const series = this.#series()
    const seen = this.#around.seen.read().find(
      ({ host, paths }) => host === this.#task.host && JSON.stringify([...paths].sort()) === series,
    )
    if (!seen || snapshots.some(({ id }) => id === seen.id)) return
    // `snapshots/`: there and damaged; `forgotten/`: recorded.
    for (const prefix of ['snapshots/', 'forgotten/']) {
      for await (const { name } of this.#repository.backend.list(prefix)) if (name.includes(seen.id)) return
    }
    this.#counts.errors++
    this.#task.events({
      type: 'warning', item: `snapshot ${seen.id.slice(0, 8)}`,
      message: `made ${seen.time}, is gone, and nobody has recorded a forget: deleted from outside, or the vault was put back`,
    })
  }

  async #dryRun(): Promise<BackupResult> {
    const { snapshots } = await this.#repository.snapshots()
    await this.#repository.loadIndex()
    const parent = this.#parent(snapshots)
    const done = await this.#archive(undefined, snapshots, parent)
    done.known.close()
    return this.#result(this.#summary(done.readers, done.metadata, 0), parent, undefined)
  }

  #packStore(journal: Journal): PackStore {
    const { backend, keys, index } = this.#repository
    return new PackStore({
      backend, keys, random: this.#around.random, index,
      onStoring: (pack) => journal.storing(pack),
      onUploaded: (bytes) => (this.#uploaded += bytes),
    })
  }

  #parent(snapshots: readonly StoredSnapshot[]): StoredSnapshot | undefined {
    const series = this.#series()
    return snapshots.findLast(({ host, paths }) => host === this.#task.host && JSON.stringify([...paths].sort()) === series)
  }

  #series(): string {
    return JSON.stringify(this.#task.paths.map(pathText).sort())
  }

  async #isListed(snapshot: StoredSnapshot): Promise<boolean> {
    for await (const { name } of this.#repository.backend.list(snapshot.name)) if (name === snapshot.name) return true
    return false
  }

  /** Packs that an interrupted run of this machine stored and did not index. Returns the journals to remove once they are. */
  async #adopt(store: PackStore): Promise<AbandonedJournal[]> {
    const { backend, keys, index } = this.#repository
    const journals = [...this.#around.abandonedJournals()]
    for (const { packs } of journals) {
      for (const { kind, id } of packs) {
        if (index.numberOf(id) !== undefined || index.isCondemned(id)) continue
        try {
          store.admit(encodePack(await readPackDirectory(backend, keys, kind, id)))
        } catch (error) {
          if (!isVaultError(error, 'object-missing', 'vault-damaged')) throw error
        }
      }
    }
    return journals
  }

  /** What damaged segments named is named again by this run's: read from the packs themselves. */
  async #mendIndex(store: PackStore, problems: readonly string[]): Promise<void> {
    const { backend, keys, index } = this.#repository
    for (const message of problems) {
      this.#counts.errors++
      this.#task.events({ type: 'warning', item: 'index', message: `${message}; read from the packs instead` })
    }
    for await (const pack of readUnindexedPacks(backend, keys, index)) {
      if (!index.isCondemned(pack.id)) store.admit(encodePack(pack))
    }
  }

  async #archive(
    store: PackStore | undefined, snapshots: readonly StoredSnapshot[], parent: StoredSnapshot | undefined,
  ): Promise<{ result: ArchiveResult; readers: ReaderCounts[]; metadata: BlobWriter; known: KnownFiles }> {
    const { host, paths, reading, selection, events } = this.#task
    const { keys, index, config, reader } = this.#repository
    const known = this.#around.knownFiles(host, paths.map(pathText))
    const isTrusted = parent !== undefined && snapshots.some(({ id }) => id === known.lastSnapshot)
    const threads = this.#task.threads ?? Math.min(availableParallelism(), THREADS_MAX)
    const buffersPerThread = Math.max(2, Math.floor(BUFFER_BYTES_BUDGET / config.dataPackTargetBytes / threads))
    const accepting = new Set<Promise<void>>()
    const accept = (pack: Parameters<PackStore['accept']>[0], release?: () => void): void => {
      if (!store) return release?.()
      const accepted = store.accept(pack, release).catch((error: unknown) => this.#fail(error))
      accepting.add(accepted)
      void accepted.finally(() => accepting.delete(accepted))
    }
    const readers = this.#around.startReaders({
      init: {
        material: keys.material, index: index.shared, chunker: config.chunker, compression: DEFAULT_COMPRESSION,
        dataPackTargetBytes: config.dataPackTargetBytes, control: this.#control.shared,
      },
      threads, buffersPerThread, onPack: accept,
    })
    const metadata = new BlobWriter('metadata', {
      keys, random: this.#around.random, table: index.table, states: index.states, compression: DEFAULT_COMPRESSION,
      targetBytes: METADATA_PACK_TARGET_BYTES,
      outlet: { buffer: () => new Uint8Array(METADATA_PACK_TARGET_BYTES), emit: (pack) => accept(pack) },
    })
    const files = new FileQueue(readers.pool)
    const stopProgress = this.#startProgress()
    try {
      const archiver = new Archiver({
        source: this.#around.source, files, saver: metadata, loader: reader, stored: index, known,
        inodeKey: keys.inodeKey(), selection, reading, trustedRun: trusted ? known.lastRun : undefined,
        ownDirectories: this.#ownDirectories(), progress: this.#counts,
        onWarning: (path, message) => {
          // A run that ends early closes directories under its readers: that files cannot be read then says nothing of them.
          if (!this.#failure) events({ type: 'warning', item: pathText(path), message })
        },
        onPause: () => this.#pause(store, known, accepting),
      })
      const result = await archiver.archive(paths).catch((error: unknown) => {
        throw this.#failure ? this.#failure.error : error
      })
      const counts = await files.finish()
      metadata.flush()
      await readers.received(counts.map(({ packsEmitted }) => packsEmitted))
      await Promise.all(accepting)
      if (this.#failure) throw this.#failure.error
      if (known.problem !== undefined) events({ type: 'notice', message: `the file cache is not kept: ${known.problem}` })
      return { result, readers: counts, metadata, known }
    } catch (error) {
      known.close()
      throw error
    } finally {
      stopProgress()
      await readers.close()
    }
  }

  /** Called between entries: stops a failed run, lets uploads catch up, keeps the cache and writes checkpoints. */
  #pause(store: PackStore | undefined, known: KnownFiles, accepting: Set<Promise<void>>): Promise<void> | undefined {
    if (this.#failure) throw this.#failure.error
    const nowMs = performance.now()
    if (nowMs - this.#lastCacheCommitMs < CACHE_COMMIT_MS) return undefined
    this.#lastCacheCommitMs = nowMs
    known.checkpoint()
    return (async () => {
      await new Promise((resolve) => setImmediate(resolve)) // messages and timers get their turn in a long unchanged walk
      if (accepting.size > this.#repository.backend.connectionsMax * 2) await Promise.race(accepting)
      if (!store || this.#around.clock.elapsedMs() - this.#lastCheckpointMs < CHECKPOINT_MS) return
      this.#lastCheckpointMs = this.#around.clock.elapsedMs()
      await store.writeSegment()
    })()
  }

  /** The vault itself and the caches must not be backed up into the vault. */
  #ownDirectories(): Set<string> {
    const own = new Set<string>()
    for (const path of this.#task.ownDirectories) {
      const { dev, ino } = statSync(path, { bigint: true })
      own.add(`${dev}:${ino}`)
    }
    return own
  }

  #startProgress(): () => void {
    const { events, paths, selection, totals: wanted } = this.#task
    const totals: SourceTotals = { files: 0, bytes: 0, isComplete: false }
    if (wanted === 'scan') estimateSource(paths, selection, totals, this.#ended.signal).catch((error: unknown) => this.#fail(error))
    const timer = setInterval(() => {
      const { files, bytes, errors, current } = this.#counts
      events({
        type: 'progress', phase: 'backup', itemsDone: files, bytesDone: Math.max(bytes, this.#control.bytesRead),
        bytesTransferred: this.#uploaded, errors, current: pathText(current),
        ...(totals.isComplete ? { itemsTotal: totals.files, bytesTotal: totals.bytes } : {}),
      })
    }, PROGRESS_MS)
    return () => clearInterval(timer)
  }

  #summary(readers: readonly ReaderCounts[], metadata: BlobWriter, bytesStored: number): BackupSummary {
    const { files, directories, others, bytes, filesNew, filesChanged, filesUnmodified, errors } = this.#counts
    const sum = (of: (counts: ReaderCounts) => number): number => readers.reduce((total, counts) => total + of(counts), 0)
    return {
      files, directories, others, bytes, filesNew, filesChanged, filesUnmodified,
      bytesRead: this.#control.bytesRead,
      dataBlobsAdded: sum((counts) => counts.dataBlobsAdded),
      metadataBlobsAdded: sum((counts) => counts.metadataBlobsAdded) + metadata.counts.blobsAdded,
      bytesAdded: sum((counts) => counts.bytesAdded) + metadata.counts.bytesAdded,
      bytesStored: bytesStored > 0 ? bytesStored : sum((counts) => counts.bytesStored) + metadata.counts.bytesStored,
      errors, durationMs: Math.round(performance.now() - this.#startMs),
    }
  }

  #snapshot(
    result: ArchiveResult, snapshots: readonly StoredSnapshot[], parent: StoredSnapshot | undefined, summary: BackupSummary,
  ): Snapshot {
    const { host, user, paths, tags } = this.#task
    return {
      version: currentSnapshotVersion, time: new Date().toISOString(), host, user, paths: paths.map(pathText), tags,
      program: PROGRAM, tree: toHex(result.tree),
      ...(result.links ? { links: toHex(result.links) } : {}),
      ...(parent ? { previous: parent.id } : {}),
      visible: visibleDigest(snapshots.map(({ id }) => id)),
      summary,
    }
  }

  #result(summary: BackupSummary, parent: StoredSnapshot | undefined, stored: StoredSnapshot | undefined): BackupResult {
    return {
      ...(stored ? { snapshot: { id: stored.id, time: stored.time } } : {}),
      ...(parent ? { parent: parent.id } : {}),
      summary, warnings: this.#counts.errors, requests: { ...this.#repository.backend.counts },
    }
  }
}
