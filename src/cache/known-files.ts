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
  /** The run that ended with `lastSnapshot`; 0 when none did. */
  readonly lastRun: number
  readonly lastSnapshot: string | undefined
  /** Number of this run: higher than all before, completed or not. */
  readonly run: number
  /** True when this run must confirm every file it sees: what was not seen is dropped at its end. */
  readonly isSweep: boolean
  /** A directory's files in ascending byte order of names. */
  directory(key: DirectoryKey): readonly KnownFile[]
  put(key: DirectoryKey, file: Omit<KnownFile, 'run'>): void
  /** The file is as it was and part of this run. */
  confirm(key: DirectoryKey, name: Uint8Array): void
  forget(key: DirectoryKey, name: Uint8Array): void
  /** Makes what was put so far survive a crash. */
  checkpoint(): void
  /** Why it stopped remembering (a full disk): the backup goes on without it. */
  readonly problem: string | undefined
  /** This run ended with `snapshot`. */
  complete(snapshot: string): void
  close(): void
}

/** Remembers nothing: every file is read. */
export class NoKnownFiles implements KnownFiles {
  readonly lastRun = 0
  readonly lastSnapshot = undefined
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
