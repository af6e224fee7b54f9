// What the archiver walks: a file system seen through open directories. Two implementations: the real one below, and the
// simulator's in memory. Children are addressed by an open directory and a name, so that a path of any length works and
// a directory swapped for a symlink leads nowhere else.
import { closeSync, readlinkSync, readSync } from 'node:fs'
import { childPath, directoryNames, openDirectory, openDirectoryNoFollow, selfPath } from '../posix/directories.ts'
import { openFileForRead, readAheadHint } from '../posix/files.ts'
import { dataRanges, type DataRange } from '../posix/holes.ts'
import { fileStat, readStat, readStatAt, type FileStat } from '../posix/stat.ts'
import type { Attributes } from '../tree/entry.ts'
import type { BlobSaver } from '../tree/node.ts'
import { attributesOf } from './attributes.ts'
import { CACHEDIR_SIGNATURE, CACHEDIR_TAG } from './selection.ts'

/** A handle of an open directory. */
export type DirectoryHandle = number

/** Errors are those of Node's fs: an Error with `code`. */
export interface Source {
  /** Follows symlinks in the path, not at its end unless it ends in a slash. */
  statPath(path: Uint8Array): FileStat
  attributesOfPath(path: Uint8Array, stat: FileStat, saver: BlobSaver, warn: (problem: unknown) => void): Attributes
  open(path: Uint8Array): DirectoryHandle
  openChild(parent: DirectoryHandle, name: Uint8Array): DirectoryHandle
  close(directory: DirectoryHandle): void
  /** Names in ascending byte order. */
  list(directory: DirectoryHandle): Iterable<Uint8Array>
  stat(directory: DirectoryHandle, name: Uint8Array): FileStat
  readLink(directory: DirectoryHandle, name: Uint8Array): Uint8Array
  attributes(
    directory: DirectoryHandle, name: Uint8Array, stat: FileStat, saver: BlobSaver, warn: (problem: unknown) => void,
  ): Attributes
  /** True when the directory has a valid CACHEDIR.TAG. */
  isCache(directory: DirectoryHandle): boolean
}

/** A handle of an open file. */
export type FileHandle = number

/** The part of a source that readers need. Its directory handles are valid in every thread. */
export interface SourceFiles {
  openFile(directory: DirectoryHandle, name: Uint8Array): FileHandle
  /** Tells that the first `length` bytes will be read soon; only a hint. */
  readAhead(file: FileHandle, length: number): void
  closeFile(file: FileHandle): void
  statFile(file: FileHandle): FileStat
  /** Reads into `buffer` at `offset`; returns the bytes read, 0 at the end. */
  read(file: FileHandle, buffer: Uint8Array, offset: number, length: number, position: number): number
  /** Where the data lies, holes left out. */
  ranges(file: FileHandle, sizeBytes: number): Iterable<DataRange>
  attributesOfFile(file: FileHandle, stat: FileStat, saver: BlobSaver, warn: (problem: unknown) => void): Attributes
}

export class PosixSource implements Source, SourceFiles {
  statPath(path: Uint8Array): FileStat {
    return readStat(path)
  }

  attributesOfPath(path: Uint8Array, stat: FileStat, saver: BlobSaver, warn: (problem: unknown) => void): Attributes {
    return attributesOf(path, stat, saver, warn)
  }

  open(path: Uint8Array): DirectoryHandle {
    return openDirectory(path)
  }

  openChild(parent: DirectoryHandle, name: Uint8Array): DirectoryHandle {
    return openDirectoryNoFollow(parent, name)
  }

  close(directory: DirectoryHandle): void {
    closeSync(directory)
  }

  list(directory: DirectoryHandle): Iterable<Uint8Array> {
    return directoryNames(selfPath(directory))
  }

  stat(directory: DirectoryHandle, name: Uint8Array): FileStat {
    return readStatAt(directory, name)
  }

  readLink(directory: DirectoryHandle, name: Uint8Array): Uint8Array {
    return readlinkSync(childPath(directory, name), { encoding: 'buffer' })
  }

  attributes(
    directory: DirectoryHandle, name: Uint8Array, stat: FileStat, saver: BlobSaver, warn: (problem: unknown) => void,
  ): Attributes {
    return attributesOf(childPath(directory, name), stat, saver, warn)
  }

  openFile(directory: DirectoryHandle, name: Uint8Array): FileHandle {
    return openFileForRead(childPath(directory, name))
  }

  readAhead(file: FileHandle, length: number): void {
    readAheadHint(file, 0, length)
  }

  closeFile(file: FileHandle): void {
    closeSync(file)
  }

  statFile(file: FileHandle): FileStat {
    return fileStat(file)
  }

  read(file: FileHandle, buffer: Uint8Array, offset: number, length: number, position: number): number {
    return readSync(file, buffer, offset, length, position)
  }

  ranges(file: FileHandle, sizeBytes: number): Iterable<DataRange> {
    return dataRanges(file, sizeBytes)
  }

  attributesOfFile(file: FileHandle, stat: FileStat, saver: BlobSaver, warn: (problem: unknown) => void): Attributes {
    return attributesOf(file, stat, saver, warn)
  }

  isCache(directory: DirectoryHandle): boolean {
    const head = new Uint8Array(CACHEDIR_SIGNATURE.length)
    try {
      const fd = openFileForRead(childPath(directory, CACHEDIR_TAG))
      try {
        if (fileStat(fd).type !== 'file') return false
        readSync(fd, head, 0, head.length, 0)
      } finally {
        closeSync(fd)
      }
    } catch {
      return false // no tag, or one that cannot be read: an ordinary directory
    }
    return Buffer.compare(head, CACHEDIR_SIGNATURE) === 0
  }
}
