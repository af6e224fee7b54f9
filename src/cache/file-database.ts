// KnownFiles in a local SQLite database, one a series (host and paths) and vault. Keyed by directory, then name: a
// directory is one range read, in the order in which it is walked.
import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { KNOWN_PAGE_MAX, type DirectoryKey, type KnownFile, type KnownFiles } from './known-files.ts'
import { describeError, VaultError } from '../errors/vault-error.ts'

const SCHEMA_VERSION = 1
/** Every so many runs each file seen is confirmed, and what was not seen is dropped. */
const SWEEP_RUNS = 16

/** How long another backup of the same series may hold the database before this one goes on without remembering. */
const BUSY_MS = 3000

const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
  dir BLOB NOT NULL, name BLOB NOT NULL, run INTEGER NOT NULL, volatile BLOB NOT NULL, entry BLOB NOT NULL,
  PRIMARY KEY (dir, name)
) WITHOUT ROWID;
`

/** Sorts before every name. */
const NO_NAME = new Uint8Array(0)

interface FileRow {
  readonly name: Uint8Array
  readonly run: number
  readonly volatile: Uint8Array
  readonly entry: Uint8Array
}

function openDatabase(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(path)
  // WAL with synchronous=NORMAL: a power cut may lose the last transactions, never the database.
  database.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192;`)
  const version = database.prepare('PRAGMA user_version').get() as { user_version: number }
  if (version.user_version !== SCHEMA_VERSION && version.user_version !== 0) {
    database.close()
    throw new Error(`schema version ${version.user_version}`)
  }
  if (version.user_version === 0) database.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION};`)
  return database
}

/** SQLITE_BUSY: another backup of the same series is writing. */
const isBusy = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'errcode' in error && error.errcode === 5

/**
 * Opens the database; one that is damaged or of another version is made anew, since it is only a cache. One that another
 * process uses is neither.
 */
function openOrRenew(path: string): DatabaseSync {
  try {
    return openDatabase(path)
  } catch (error) {
    if (isBusy(error)) throw new VaultError('target-unwritable', `the file cache ${path} is in use`, { cause: error })
  }
  try {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
    return openDatabase(path)
  } catch (cause) {
    throw new VaultError('target-unwritable', `cannot keep the file cache ${path}: ${describeError(cause)}`, {
      hint: 'give a writable --cache-dir with some free space', cause,
    })
  }
}

export class FileDatabase implements KnownFiles {
  readonly lastRun: number
  readonly lastSnapshot: string | undefined
  readonly run: number
  readonly #database: DatabaseSync
  readonly #select: StatementSync
  readonly #insert: StatementSync
  readonly #touch: StatementSync
  readonly #delete: StatementSync
  readonly #setMeta: StatementSync
  /** True when it began empty: a first backup need not ask for each directory. */
  readonly #isNew: boolean
  #inTransaction = false
  #problem: string | undefined

  /** Throws `target-unwritable` when there can be no database at `path`. */
  constructor(path: string) {
    this.#database = openOrRenew(path)
    this.#select = this.#database.prepare(
      'SELECT name, run, volatile, entry FROM files WHERE dir = ? AND name > ? ORDER BY name LIMIT ?',
    )
    this.#insert = this.#database.prepare('INSERT OR REPLACE INTO files (dir, name, run, volatile, entry) VALUES (?, ?, ?, ?, ?)')
    this.#touch = this.#database.prepare('UPDATE files SET run = ? WHERE dir = ? AND name = ?')
    this.#delete = this.#database.prepare('DELETE FROM files WHERE dir = ? AND name = ?')
    this.#setMeta = this.#database.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)')
    const meta = new Map(
      (this.#database.prepare('SELECT key, value FROM meta').all() as { key: string; value: string | number }[])
        .map(({ key, value }) => [key, value]),
    )
    this.lastRun = Number(meta.get('lastRun') ?? 0)
    const last = meta.get('lastSnapshot')
    this.lastSnapshot = last === undefined ? undefined : String(last)
    this.run = Number(meta.get('run') ?? 0) + 1
    this.#attempt(() => this.#setMeta.run('run', this.run))
    this.#isNew = this.#database.prepare('SELECT 1 FROM files LIMIT 1').get() === undefined
  }

  /** Why it stopped remembering (a full disk, another backup of the series that is writing): the backup goes on without. */
  get problem(): string | undefined {
    return this.#problem
  }

  #attempt(work: () => void): void {
    if (this.#problem !== undefined) return
    try {
      work()
    } catch (error) {
      this.#problem = describeError(error)
    }
  }

  directory(key: DirectoryKey, after: Uint8Array = NO_NAME): readonly KnownFile[] {
    if (this.#isNew) return []
    try {
      return this.#select.all(key, after, KNOWN_PAGE_MAX) as unknown as FileRow[]
    } catch (error) {
      this.#problem ??= describeError(error)
      return []
    }
  }

  #begin(): void {
    if (this.#inTransaction) return
    this.#database.exec('BEGIN IMMEDIATE')
    this.#inTransaction = true
  }

  put(key: DirectoryKey, { name, volatile, entry }: Omit<KnownFile, 'run'>): void {
    this.#attempt(() => {
      this.#begin()
      this.#insert.run(key, name, this.run, volatile, entry)
    })
  }

  confirm(key: DirectoryKey, name: Uint8Array): void {
    this.#attempt(() => {
      this.#begin()
      this.#touch.run(this.run, key, name)
    })
  }

  /** True when this run confirms every file, so that the others can be dropped. */
  get isSweep(): boolean {
    return this.run % SWEEP_RUNS === 0
  }

  forget(key: DirectoryKey, name: Uint8Array): void {
    this.#attempt(() => {
      this.#begin()
      this.#delete.run(key, name)
    })
  }

  checkpoint(): void {
    if (!this.#inTransaction) return
    this.#inTransaction = false
    this.#attempt(() => this.#database.exec('COMMIT'))
  }

  complete(snapshot: string): void {
    this.#attempt(() => {
      this.#begin()
      this.#setMeta.run('lastRun', this.run)
      this.#setMeta.run('lastSnapshot', snapshot)
      if (this.isSweep) this.#database.prepare('DELETE FROM files WHERE run < ?').run(this.run)
    })
    this.checkpoint()
  }

  close(): void {
    this.checkpoint()
    this.#database.close()
  }
}
