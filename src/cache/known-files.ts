// What the archiver remembers of files between runs: their volatile stat data and their tree entry, so that an unchanged
// file is neither opened nor read. It is a cache: losing it costs reading, never data, and what it says of content counts
// only when the vault's fresh index has it.

export interface KnownFile {
  readonly name: Uint8Array
  /** As `volatileOf` makes it. */
  readonly volatile: Uint8Array
  /** Encoded tree entry with the inode in it. */
  readonly entry: Uint8Array
  /** The run that stored or last confirmed it. */
  readonly run: number
}

/** 16 bytes that name a directory by its path. */
export type DirectoryKey = Uint8Array

export interface KnownFiles {
  /** Number of this run: higher than all before, completed or not. */
  readonly run: number
  /** True when this run must confirm every file it sees: what was not seen is dropped at its end. */
  readonly isSweep: boolean
  /** A directory's files in ascending byte order of names, from the first after `after`, at most KNOWN_PAGE_MAX at a time. */
  directory(key: DirectoryKey, after?: Uint8Array): readonly KnownFile[]
  put(key: DirectoryKey, file: Omit<KnownFile, 'run'>): void
  /** The file is as it was and part of this run. */
  confirm(key: DirectoryKey, name: Uint8Array): void
  forget(key: DirectoryKey, name: Uint8Array): void
  /** Makes what was put so far survive a crash. */
  checkpoint(): void
  /** Why it stopped remembering (a full disk): the backup goes on without it. */
  readonly problem: string | undefined
  /** This run ended with a snapshot. */
  complete(): void
  close(): void
}

/** Files of one directory held at once: a directory of a million files must not lie in memory. */
export const KNOWN_PAGE_MAX = 2000

/** Walks a directory's known files beside its real names, both ascending; what is known and no longer there is forgotten. */
export class KnownCursor {
  readonly #files: KnownFiles
  readonly #key: DirectoryKey
  #page: readonly KnownFile[]
  #next = 0

  constructor(files: KnownFiles, key: DirectoryKey) {
    this.#files = files
    this.#key = key
    this.#page = files.directory(key)
  }

  #current(): KnownFile | undefined {
    const last = this.#page.at(-1)
    if (this.#next >= this.#page.length && last && this.#page.length >= KNOWN_PAGE_MAX) {
      this.#page = this.#files.directory(this.#key, last.name)
      this.#next = 0
    }
    return this.#page[this.#next]
  }

  /** What is known of `name`, which comes after all names asked for before. */
  find(name: Uint8Array): KnownFile | undefined {
    for (;;) {
      const file = this.#current()
      const order = file ? Buffer.compare(file.name, name) : 1
      if (!file || order > 0) return undefined
      this.#next++
      if (order === 0) return file
      this.#files.forget(this.#key, file.name)
    }
  }

  /** There are no more names. */
  finish(): void {
    for (let file = this.#current(); file; file = this.#current()) {
      this.#next++
      this.#files.forget(this.#key, file.name)
    }
  }
}

/** Remembers nothing: every file is read. */
export class NoKnownFiles implements KnownFiles {
  readonly problem = undefined
  readonly run = 1
  readonly isSweep = false
  directory(): readonly KnownFile[] {
    return []
  }
  put(): void {}
  confirm(): void {}
  forget(): void {}
  checkpoint(): void {}
  complete(): void {}
  close(): void {}
}
