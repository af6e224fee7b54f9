// What a backup run takes from the world: all of it can be replaced, so that a simulation drives the very code that runs
// on real machines, thousands of times a second.
import { ThreadReaders, type ReaderPoolOptions, type Readers } from '../archiver/reader-pool.ts'
import { PosixSource, type Source } from '../archiver/source.ts'
import { systemClock, type Clock } from '../async/clock.ts'
import { SystemRandom, type RandomSource } from '../async/random.ts'
import { FileDatabase } from '../cache/file-database.ts'
import type { KnownFiles } from '../cache/known-files.ts'
import type { LocalState } from '../cache/local-state.ts'
import { abandonedJournals, PackJournal, removeJournal, type AbandonedJournal, type JournaledPack } from '../cache/pack-journal.ts'
import { SeenSnapshots } from '../cache/seen-snapshots.ts'
import type { SessionId } from '../ids/ids.ts'

export interface Journal {
  storing(pack: JournaledPack): void
  remove(): void
}

export interface BackupSurroundings {
  readonly clock: Clock
  readonly random: RandomSource
  readonly source: Source
  startReaders(options: ReaderPoolOptions): Readers
  /** What was remembered of this series; a dry run remembers nothing new. */
  knownFiles(host: string, paths: readonly string[], mode: 'commit' | 'dry-run'): KnownFiles
  readonly seen: Pick<SeenSnapshots, 'read' | 'remember'>
  journal(session: SessionId): Journal
  abandonedJournals(): readonly AbandonedJournal[]
  removeJournal(journal: AbandonedJournal): void
}

/** The machine itself: threads, disk, system clock. */
export function systemSurroundings(local: LocalState): BackupSurroundings {
  return {
    clock: systemClock,
    random: new SystemRandom(),
    source: new PosixSource(),
    startReaders: (options) => new ThreadReaders(options),
    knownFiles: (host, paths, mode) =>
      new FileDatabase(local.fileDatabase(host, paths), { access: mode === 'dry-run' ? 'look' : 'remember' }),
    seen: new SeenSnapshots(local.directory),
    journal: (session) => new PackJournal(local.journalDirectory, session),
    abandonedJournals: () => abandonedJournals(local.journalDirectory),
    removeJournal: ({ path }) => removeJournal(path),
  }
}

