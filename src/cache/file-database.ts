// KnownFiles in a local SQLite database, one a series (host and paths) and vault. Keyed by directory, then name: a
// directory is one range read, in the order in which it is walked.
import { hash } from 'node:crypto'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { KNOWN_PAGE_MAX, type DirectoryKey, type KnownFile, type KnownFiles } from './known-files.ts'
import { describeError, VaultError } from '../errors/vault-error.ts'

const SCHEMA_VERSION = 2
/** Every so many runs each file seen is confirmed, and what was not seen is dropped. */
const SWEEP_RUNS = 16

/** How long another backup of the same series may hold the database before this one goes on without remembering. */
const BUSY_MS = 3000

const SCHEMA = `
DROP TABLE IF EXISTS meta;
DROP TABLE IF EXISTS files;
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE files (
  dir BLOB NOT NULL, name BLOB NOT NULL, run INTEGER NOT NULL, volatile BLOB NOT NULL, entry BLOB NOT NULL, sum TEXT NOT NULL,
  PRIMARY KEY (dir, name)
) WITHOUT ROWID;
PRAGMA user_version = ${SCHEMA_VERSION};
`

/** Sorts before every name. */
const NO_NAME = new Uint8Array(0)

const SUM_DIGITS = 16

interface FileRow {
  readonly name: Uint8Array
  readonly run: number
  readonly volatile: Uint8Array
  readonly entry: Uint8Array
  readonly sum: string
}

const isBytes = (column: unknown): boolean => column instanceof Uint8Array

let scratch = Buffer.alloc(4096)

/**
 * SQLite does not notice a flipped bit in a row. First 8 bytes of SHA-256 over the columns, each after its length (u32); in
 * hex, since 30,000 sums cost 0.03 s as strings and 0.09 s as buffers.
 */
function sumOf(...columns: readonly [dir: Uint8Array, name: Uint8Array, volatile: Uint8Array, entry: Uint8Array]): string {
  const sizeBytes = columns.reduce((total, column) => total + 4 + column.length, 0)
  if (sizeBytes > scratch.length) scratch = Buffer.alloc(2 * sizeBytes)
  let at = 0
  for (const column of columns) {
    at = scratch.writeUInt32LE(column.length, at)
    scratch.set(column, at)
    at += column.length
  }
  return hash('sha256', scratch.subarray(0, at), 'hex').slice(0, SUM_DIGITS)
}

/** A damaged column may also have got another type. */
function isWhole(dir: Uint8Array, { name, volatile, entry, sum }: FileRow): boolean {
  return isBytes(name) && isBytes(volatile) && isBytes(entry) && sum === sumOf(dir, name, volatile, entry)
}

const versionOf = (database: DatabaseSync): number =>
  (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version

/** Reads what the constructor will: damage there means another database, not an error. */
function probe(database: DatabaseSync): void {
  database.prepare('SELECT key, value FROM meta').all()
  database.prepare('SELECT sum FROM files LIMIT 1').get()
}

function openDatabase(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(path)
  try {
    // WAL with synchronous=NORMAL: a power cut may lose the last transactions, never the database.
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -4096;`)
    if (versionOf(database) !== SCHEMA_VERSION) {
      database.exec('BEGIN IMMEDIATE')
      // Asked again: another backup of the series may have made it meanwhile.
      if (versionOf(database) !== SCHEMA_VERSION) database.exec(SCHEMA)
      database.exec('COMMIT')
    }
    probe(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Opens what is there for reading; one that is missing, damaged or of another version is empty and left as it is. */
function openToLook(path: string): DatabaseSync {
  if (existsSync(path)) {
    // Without `immutable` SQLite makes a -wal and a -shm file even for a reader. With a -wal there both exist already, and
    // what is in it belongs to the database.
    const url = pathToFileURL(path)
    if (!existsSync(`${path}-wal`)) url.searchParams.set('immutable', '1')
    let database: DatabaseSync | undefined
    try {
      database = new DatabaseSync(url, { readOnly: true })
      if (versionOf(database) === SCHEMA_VERSION) {
        probe(database)
        return database
      }
    } catch (error) {
      if (!isSqliteError(error)) throw error
    }
    database?.close()
  }
  const empty = new DatabaseSync(':memory:')
  empty.exec(SCHEMA)
  return empty
}

const isSqliteError = (error: unknown): error is { errcode: number } =>
  typeof error === 'object' && error !== null && 'errcode' in error

/** SQLITE_BUSY or an extended code of it (the low byte is the primary one): another backup of the same series is writing. */
const isBusy = (error: unknown): boolean => isSqliteError(error) && (error.errcode & 0xff) === 5

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

export interface FileDatabaseOptions {
  /** `look` reads what is there and writes nothing; default `remember`. */
  readonly access?: 'remember' | 'look'
}

export class FileDatabase implements KnownFiles {
  readonly run: number
  readonly #database: DatabaseSync
  readonly #select: StatementSync
  readonly #insert: StatementSync
  readonly #touch: StatementSync
  readonly #delete: StatementSync
  /** True when it began empty: a first backup need not ask for each directory. */
  readonly #isNew: boolean
  readonly #isLooking: boolean
  #inTransaction = false
  #problem: string | undefined

  /** Throws `target-unwritable` when there can be no database at `path`; with `look` never. */
  constructor(path: string, { access = 'remember' }: FileDatabaseOptions = {}) {
    this.#isLooking = access === 'look'
    this.#database = this.#isLooking ? openToLook(path) : openOrRenew(path)
    this.#select = this.#database.prepare(
      'SELECT name, run, volatile, entry, sum FROM files WHERE dir = ? AND name > ? ORDER BY name LIMIT ?',
    )
    this.#insert = this.#database.prepare(
      'INSERT OR REPLACE INTO files (dir, name, run, volatile, entry, sum) VALUES (?, ?, ?, ?, ?, ?)',
    )
    this.#touch = this.#database.prepare('UPDATE files SET run = ? WHERE dir = ? AND name = ?')
    this.#delete = this.#database.prepare('DELETE FROM files WHERE dir = ? AND name = ?')
    const last = this.#database.prepare("SELECT value FROM meta WHERE key = 'run'").get() as { value: number } | undefined
    let run = Number(last?.value ?? 0) + 1
    // One statement: two backups that start together must not get the same number.
    this.#attempt(() => {
      const row = this.#database.prepare(
        "INSERT INTO meta (key, value) VALUES ('run', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1 RETURNING value",
      ).get() as { value: number }
      run = row.value
    })
    this.run = run
    this.#isNew = this.#database.prepare('SELECT 1 FROM files LIMIT 1').get() === undefined
  }

  /** Why it stopped remembering (a full disk, another backup of the series that is writing): the backup goes on without. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Every change goes through here. */
  #attempt(change: () => void): void {
    if (this.#isLooking || this.#problem !== undefined) return
    try {
      change()
    } catch (error) {
      this.#problem = describeError(error)
    }
  }

  directory(key: DirectoryKey, after: Uint8Array = NO_NAME): readonly KnownFile[] {
    if (this.#isNew) return []
    try {
      return this.#wholeRows(key, after)
    } catch (error) {
      this.#problem ??= describeError(error)
      return []
    }
  }

  /** A full page also when rows are passed over: a short one says that there are no more. */
  #wholeRows(key: DirectoryKey, after: Uint8Array): FileRow[] {
    const whole: FileRow[] = []
    for (let from = after; ;) {
      const rowsMax = KNOWN_PAGE_MAX - whole.length
      const rows = this.#select.all(key, from, rowsMax) as unknown as FileRow[]
      whole.push(...rows.filter((row) => isWhole(key, row)))
      const next = rows.at(-1)?.name
      if (rows.length < rowsMax || whole.length === KNOWN_PAGE_MAX) return whole
      // A damaged name need not be above the one before it.
      if (!(next instanceof Uint8Array) || Buffer.compare(next, from) <= 0) return whole
      from = next
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
      this.#insert.run(key, name, this.run, volatile, entry, sumOf(key, name, volatile, entry))
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

  complete(): void {
    this.#attempt(() => {
      this.#begin()
      if (this.isSweep) this.#database.prepare('DELETE FROM files WHERE run < ?').run(this.run)
    })
    this.checkpoint()
  }

  close(): void {
    this.checkpoint()
    this.#database.close()
  }
}
