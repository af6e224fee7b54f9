// The product's backup run on memory alone: in-memory source and backend, one inline reader, a clock and random source from
// the test. What it remembers between runs stays in the object, as a machine's cache directory would.
import { InlineReaders } from '../../src/archiver/reader-pool.ts'
import type { Clock } from '../../src/async/clock.ts'
import type { RandomSource } from '../../src/async/random.ts'
import type { Backend } from '../../src/backend/backend.ts'
import { KNOWN_PAGE_MAX, NoKnownFiles, type KnownFile, type KnownFiles } from '../../src/cache/known-files.ts'
import type { AbandonedJournal, JournaledPack } from '../../src/cache/pack-journal.ts'
import { BackupRun, type BackupResult, type BackupTask } from '../../src/operations/backup-run.ts'
import type { BackupSurroundings } from '../../src/operations/backup-surroundings.ts'
import { readContentList } from '../../src/tree/content-list.ts'
import { readDirectoryTree } from '../../src/tree/directory.ts'
import { parseChunkerParameters } from '../../src/chunker/parameters.ts'
import { systemKdf } from '../../src/crypto/kdf.ts'
import type { BlobId } from '../../src/ids/ids.ts'
import { initVault, newSecret } from '../../src/repository/init.ts'
import { Repository } from '../../src/repository/repository.ts'
import type { UnlockedVault } from '../../src/repository/unlock.ts'
import { linksOf, treeOf, type StoredSnapshot } from '../../src/snapshot/snapshot.ts'
import { inodeOf } from '../../src/tree/tree-path.ts'
import type { MemorySource } from './memory-source.ts'

/** Seconds pass when asked; what waits for an abort (renewals) waits. */
export class TestClock implements Clock {
  timeMs = 1_800_000_000_000
  nowMs = (): number => this.timeMs
  elapsedMs = (): number => this.timeMs

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (!signal) {
      this.timeMs += ms
      return
    }
    await new Promise<void>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
  }
}

/** A vault with the smallest packs and chunks, so that a megabyte is many of them. */
export async function newSimulatedVault(backend: Backend, random: RandomSource): Promise<UnlockedVault> {
  const made = await initVault({
    backend, password: newSecret(), kdf: systemKdf, random, now: new Date(0), dataPackTargetBytes: 1 << 20,
    chunker: parseChunkerParameters({ minBytes: 16384, avgBytes: 65536, maxBytes: 262144, normalization: 2 }, 'usage'),
  })
  return { config: made.config, keys: made.keys }
}

interface Memory {
  readonly files: Map<string, Map<string, KnownFile>>
  run: number
}

class MemoryKnownFiles implements KnownFiles {
  readonly #memory: Memory
  readonly run: number
  readonly isSweep = false
  readonly problem = undefined

  constructor(memory: Memory) {
    this.#memory = memory
    this.run = ++memory.run
  }

  #rows(key: Uint8Array): Map<string, KnownFile> {
    const name = Buffer.from(key).toString('hex')
    const rows = this.#memory.files.get(name) ?? new Map<string, KnownFile>()
    this.#memory.files.set(name, rows)
    return rows
  }

  directory(key: Uint8Array, after: Uint8Array = new Uint8Array(0)): readonly KnownFile[] {
    return [...this.#rows(key).values()]
      .filter(({ name }) => Buffer.compare(name, after) > 0)
      .sort((a, b) => Buffer.compare(a.name, b.name))
      .slice(0, KNOWN_PAGE_MAX)
  }

  put(key: Uint8Array, file: Omit<KnownFile, 'run'>): void {
    this.#rows(key).set(Buffer.from(file.name).toString('hex'), {
      name: Buffer.from(file.name), volatile: Buffer.from(file.volatile), entry: Buffer.from(file.entry), run: this.run,
    })
  }

  confirm(key: Uint8Array, name: Uint8Array): void {
    const row = this.#rows(key).get(Buffer.from(name).toString('hex'))
    if (row) this.put(key, row)
  }

  forget(key: Uint8Array, name: Uint8Array): void {
    this.#rows(key).delete(Buffer.from(name).toString('hex'))
  }

  checkpoint(): void {}

  complete(): void {}

  close(): void {}
}

export interface SimulatedHostParts {
  readonly vault: UnlockedVault
  readonly clock: Clock
  readonly random: RandomSource
  readonly source: MemorySource
  readonly host: string
}

/** One machine that backs up `/` of its source. */
export class SimulatedHost {
  readonly #parts: SimulatedHostParts
  readonly #memory: Memory = { files: new Map(), run: 0 }
  readonly #journals = new Map<string, JournaledPack[]>()
  readonly warnings: string[] = []
  #seen: StoredSnapshot[] = []

  constructor(parts: SimulatedHostParts) {
    this.#parts = parts
  }

  /** Loses what the machine remembers. */
  forgetEverything(): void {
    this.#memory.files.clear()
    this.#journals.clear()
    this.#seen = []
  }

  /** `process`: clock and random source of this run, where machines are many processes in turn. */
  async backup(
    backend: Backend, task: Partial<BackupTask> = {}, process: Pick<SimulatedHostParts, 'clock' | 'random'> = this.#parts,
  ): Promise<BackupResult> {
    const { vault, host } = this.#parts
    const run = new BackupRun(
      {
        paths: [Buffer.from('/')], host, user: 'root', tags: [], mode: 'commit', reading: 'changed', ownDirectories: [],
        selection: { excludes: [], excludeCaches: false, oneFileSystem: false },
        events: (event) => {
          if (event.type === 'warning') this.warnings.push(`${event.item}: ${event.message}`)
        },
        ...task,
      },
      new Repository(backend, vault),
      this.#surroundings(process),
    )
    return run.run()
  }

  #surroundings({ clock, random }: Pick<SimulatedHostParts, 'clock' | 'random'>): BackupSurroundings {
    const { source, host } = this.#parts
    const running = new Map<string, JournaledPack[]>()
    return {
      clock, random, source,
      startReaders: (options) => new InlineReaders(options, { source, random, nowMs: () => clock.nowMs() }),
      seen: {
        read: () => this.#seen,
        remember: (snapshots) => {
          const last = snapshots.findLast((snapshot) => snapshot.host === host)
          if (last) this.#seen = [last]
        },
      },
      knownFiles: (_host, _paths, mode) => (mode === 'dry-run' ? new NoKnownFiles() : new MemoryKnownFiles(this.#memory)),
      journal: (session) => {
        running.set(session, [])
        return {
          storing: (pack) => {
            this.#journals.set(session, [...(this.#journals.get(session) ?? []), pack])
          },
          remove: () => this.#journals.delete(session),
        }
      },
      abandonedJournals: () =>
        [...this.#journals].filter(([path]) => !running.has(path)).map(([path, packs]): AbandonedJournal => ({ path, packs })),
      removeJournal: ({ path }) => this.#journals.delete(path),
    }
  }
}

/** Path -> content of all files of a snapshot, read back through the vault. */
export async function readSnapshotFiles(repository: Repository, snapshot: StoredSnapshot): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  const root = { tree: treeOf(snapshot), links: linksOf(snapshot) }
  const walk = async (tree: BlobId, path: string): Promise<void> => {
    for await (const entry of readDirectoryTree(repository.reader, tree)) {
      const inode = await inodeOf(repository.reader, root, entry)
      const name = `${path}/${Buffer.from(entry.name).toString('utf8')}`
      if (inode.kind === 'directory') await walk(inode.tree, name)
      if (inode.kind !== 'file') continue
      const parts: Uint8Array[] = []
      const items = 'items' in inode.content ? inode.content.items : readContentList(repository.reader, inode.content.list)
      for await (const item of items) {
        parts.push(item.id ? await repository.reader.load('data', item.id) : new Uint8Array(item.length))
      }
      files.set(name, Buffer.concat(parts))
    }
  }
  await walk(root.tree, '')
  return files
}

/** All snapshots with their files, oldest first. Throws when one is damaged. */
export async function restoreAll(backend: Backend, vault: UnlockedVault): Promise<Map<string, Buffer>[]> {
  const repository = new Repository(backend, vault)
  const { snapshots, damaged } = await repository.snapshots()
  if (damaged[0]) throw damaged[0].error
  await repository.loadIndex()
  return Promise.all(snapshots.map((snapshot) => readSnapshotFiles(repository, snapshot)))
}
