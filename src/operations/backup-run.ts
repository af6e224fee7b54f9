// A backup run: session, roots, index, archiver, packs, index segments, snapshot; in the order that FORMAT.md argues for.
import type { ArchiveResult } from '../archiver/archiver.ts'
import type { ReaderCounts } from '../archiver/file-batch.ts'
import type { SourceSelection } from '../archiver/selection.ts'
import { assert } from '../errors/assert.ts'
import { VaultError } from '../errors/vault-error.ts'
import { toHex, type PackId } from '../ids/ids.ts'
import { PackStore } from '../repository/pack-store.ts'
import type { Repository } from '../repository/repository.ts'
import { VaultUser } from '../repository/vault-user.ts'
import { readLostPacks } from '../session/damage.ts'
import { WriterSession } from '../session/writer-session.ts'
import { pathText } from '../snapshot/path-text.ts'
import {
  currentSnapshotVersion, sealSnapshot, SNAPSHOT_PREFIX, visibleDigest, type BackupSummary, type Snapshot, type StoredSnapshot,
} from '../snapshot/snapshot.ts'
import { ArchiveStage, type Archived } from './archive-stage.ts'
import type { PackTally } from './backup-estimate.ts'
import type { BackupSurroundings, Journal } from './backup-surroundings.ts'
import type { EventSink } from './events.ts'
import { adoptAbandoned, condemnLost, condemnRecorded, isLost, mendIndex } from './index-mending.ts'
import { PROGRAM } from './program.ts'

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
  /** Of a dry run: what it would have stored. */
  readonly unstored?: PackTally
}

export class BackupRun {
  readonly #task: BackupTask
  readonly #repository: Repository
  readonly #around: BackupSurroundings
  readonly #startMs = performance.now()
  readonly #ended = new AbortController()
  #stage: ArchiveStage | undefined
  #uploaded = 0
  #isCommitting = false

  constructor(task: BackupTask, repository: Repository, around: BackupSurroundings) {
    this.#task = task
    this.#repository = repository
    this.#around = around
  }

  /** Throws `source-unreadable`, `disk-full`, `interrupted`, and what the storage throws. */
  async run(): Promise<BackupResult> {
    const { signal } = this.#task
    const onAbort = (): void => this.#stage?.fail(signal?.reason ?? new VaultError('interrupted', 'interrupted'))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return this.#task.mode === 'dry-run' ? await this.#dryRun() : await this.#commitRun()
    } finally {
      this.#ended.abort()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #newStage(store: PackStore | undefined): ArchiveStage {
    this.#task.signal?.throwIfAborted()
    this.#stage = new ArchiveStage({
      task: this.#task, repository: this.#repository, around: this.#around, store, uploadedBytes: () => this.#uploaded,
    })
    return this.#stage
  }

  /** Rules 6 to 14 of the gc protocol stand behind this order. */
  async #commitRun(): Promise<BackupResult> {
    const { backend, keys } = this.#repository
    const { clock, random } = this.#around
    const session = await WriterSession.begin({ backend, keys, clock, random })
    const alive = session.keepAlive(this.#ended.signal)
    alive.catch((error: unknown) => this.#stage?.fail(error))
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
    const { index } = this.#repository
    const parent = this.#parent(snapshots)
    const journal = this.#around.journal(session.id)
    const store = this.#packStore(journal)
    const stage = this.#newStage(store)
    session.attach(new VaultUser(this.#repository, store, random))
    await this.#lookForGone(stage, snapshots)
    const abandoned = this.#around.abandonedJournals()
    await adoptAbandoned(this.#repository, store, abandoned)
    for (const { error } of damaged) stage.warn('index', `${error.message}; read from the packs instead`)
    if (damaged.length > 0) await mendIndex(this.#repository, store)
    const recorded = await readLostPacks(backend, keys)
    await this.#lookForLost(stage, session, recorded)
    const archived = await stage.run()
    await this.#recordMissed(stage, session, recorded)
    await store.drain()
    await store.writeSegment()
    for (const one of abandoned) this.#around.removeJournal(one)
    assert(index.table.pendingCount() === 0, 'every blob that was claimed is in a stored pack')
    const summary = this.#summary(stage, archived, store.bytesStored)
    const snapshot = this.#snapshot(archived.result, snapshots, parent, summary)
    const sealed = sealSnapshot(keys, random, snapshot, await backend.serverTimeMs())
    this.#isCommitting = true
    await session.commit({ name: sealed.stored.name, bytes: sealed.bytes })
    journal.remove()
    archived.known.complete()
    archived.known.close()
    this.#around.seen.remember([...snapshots, sealed.stored])
    return this.#result(summary, parent, sealed.stored)
  }

  /** The newest snapshot that this machine knows of the series must be there, or be recorded as forgotten. */
  async #lookForGone(stage: ArchiveStage, snapshots: readonly StoredSnapshot[]): Promise<void> {
    const series = this.#series()
    const seen = this.#around.seen.read().find(
      ({ host, paths }) => host === this.#task.host && JSON.stringify([...paths].sort()) === series,
    )
    if (!seen || snapshots.some(({ id }) => id === seen.id)) return
    // `snapshots/`: there and damaged; `forgotten/`: recorded.
    for (const prefix of [SNAPSHOT_PREFIX, 'forgotten/']) {
      for await (const { name } of this.#repository.backend.list(prefix)) if (name.includes(seen.id)) return
    }
    stage.warn(
      `snapshot ${seen.id.slice(0, 8)}`,
      `made ${seen.time}, is gone, and nobody has recorded a forget: deleted from outside, or the vault was put back`,
    )
  }

  /**
   * Healing: in a directory a look costs nothing; in a bucket it is taken when everything is read anyway (--force), else only
   * at what is recorded as lost. What is found is recorded, so that backups of other hosts heal too.
   */
  async #lookForLost(stage: ArchiveStage, session: WriterSession, recorded: ReadonlySet<PackId>): Promise<void> {
    const isThorough = !this.#repository.backend.isRemote || this.#task.reading === 'all'
    const lost = isThorough ? await condemnLost(this.#repository) : await condemnRecorded(this.#repository, recorded)
    for (const id of lost) {
      stage.warn(`pack ${id.slice(0, 16)}`, 'is gone or cut short: what the source still has of it is stored again')
    }
    await this.#record(session, lost.filter((id) => !recorded.has(id)))
  }

  /**
   * Packs that turned out to be lost while the source was walked: what was found stored in them before is not stored again.
   * Where one is lost others may be: now a look at all of them is worth its listing.
   */
  async #recordMissed(stage: ArchiveStage, session: WriterSession, recorded: ReadonlySet<PackId>): Promise<void> {
    if (stage.unreadablePacks.size === 0) return
    const lost = await condemnLost(this.#repository)
    for (const id of lost) stage.warn(`pack ${id.slice(0, 16)}`, 'is gone or cut short: the next backup stores again what the source still has')
    for (const pack of stage.unreadablePacks) {
      stage.warn(`pack ${pack.id.slice(0, 16)}`, 'cannot be read: the next backup stores again what the source still has of it')
      if (await isLost(this.#repository.backend, pack)) lost.push(pack.id)
    }
    await this.#record(session, lost.filter((id) => !recorded.has(id)))
  }

  async #record(session: WriterSession, packs: readonly PackId[]): Promise<void> {
    if (packs.length > 0) await session.recordDamage({ packs, roots: [] })
  }

  async #dryRun(): Promise<BackupResult> {
    const { snapshots } = await this.#repository.snapshots()
    await this.#repository.loadIndexForReading('listed')
    const parent = this.#parent(snapshots)
    const stage = this.#newStage(undefined)
    const archived = await stage.run()
    archived.known.close()
    return { ...this.#result(this.#summary(stage, archived, 0), parent, undefined), unstored: stage.unstored.tally }
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

  #summary({ counts, control }: ArchiveStage, { readers, metadata }: Archived, bytesStored: number): BackupSummary {
    const { files, directories, others, bytes, filesNew, filesChanged, filesUnmodified, errors } = counts
    const sum = (of: (counts: ReaderCounts) => number): number => readers.reduce((total, reader) => total + of(reader), 0)
    return {
      files, directories, others, bytes, filesNew, filesChanged, filesUnmodified,
      bytesRead: control.bytesRead,
      dataBlobsAdded: sum((reader) => reader.dataBlobsAdded),
      metadataBlobsAdded: sum((reader) => reader.metadataBlobsAdded) + metadata.counts.blobsAdded,
      bytesAdded: sum((reader) => reader.bytesAdded) + metadata.counts.bytesAdded,
      bytesStored: bytesStored > 0 ? bytesStored : sum((reader) => reader.bytesStored) + metadata.counts.bytesStored,
      errors, durationMs: Math.round(performance.now() - this.#startMs),
    }
  }

  #snapshot(
    result: ArchiveResult, snapshots: readonly StoredSnapshot[], parent: StoredSnapshot | undefined, summary: BackupSummary,
  ): Snapshot {
    const { host, user, paths, tags } = this.#task
    return {
      version: currentSnapshotVersion, time: new Date(this.#around.clock.nowMs()).toISOString(), host, user, paths: paths.map(pathText), tags,
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
      summary, warnings: summary.errors,
    }
  }
}
