// Bytes to their place in a file; of sparse files only what is not zero.
import { constants, openSync, writeSync } from 'node:fs'
import { errnoOf } from '../errors/vault-error.ts'
import { childPath } from '../posix/directories.ts'
import { punchHole } from '../posix/holes.ts'
import { setMode } from '../posix/nodes.ts'
import { readStatAt } from '../posix/stat.ts'

/** Block size of nearly all Linux file systems; smaller runs of zeros would give nothing back. */
const BLOCK_BYTES = 4096
const ZEROS = Buffer.alloc(BLOCK_BYTES)
const LONG_ZEROS_BYTES = 1024 * 1024

export function writeAt(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, offset + done)
}

/**
 * Writes all but aligned blocks of zeros. `leftOut`: what holds in their place already, `zeros` in a new file, or `anything`
 * when they must be punched. Returns the bytes written.
 */
export function writeSparseAt(fd: number, bytes: Uint8Array, offset: number, leftOut: 'zeros' | 'anything'): number {
  let written = 0
  let runStart = 0
  let isZeroRun = false
  const flush = (end: number): void => {
    if (end === runStart) return
    if (!isZeroRun) {
      writeAt(fd, bytes.subarray(runStart, end), offset + runStart)
      written += end - runStart
    } else if (leftOut === 'anything') zeroAt(fd, offset + runStart, end - runStart)
    runStart = end
  }
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + BLOCK_BYTES - ((offset + at) % BLOCK_BYTES))
    const isZero = end - at === BLOCK_BYTES && ZEROS.compare(bytes, at, end) === 0
    if (isZero !== isZeroRun) {
      flush(at)
      isZeroRun = isZero
    }
    at = end
  }
  flush(bytes.length)
  return written
}

/** Makes a range read as zeros: punched, or written where the file system cannot punch. */
export function zeroAt(fd: number, offset: number, length: number): void {
  try {
    punchHole(fd, offset, length)
  } catch (error) {
    if (errnoOf(error) !== 'ENOTSUP' && errnoOf(error) !== 'EOPNOTSUPP' && errnoOf(error) !== 'ENOSYS') throw error
    const zeros = Buffer.alloc(Math.min(length, LONG_ZEROS_BYTES))
    for (let done = 0; done < length; done += zeros.length) {
      writeAt(fd, zeros.subarray(0, Math.min(zeros.length, length - done)), offset + done)
    }
  }
}

const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const WRITE_FLAGS = constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
/** Nobody else reads a file before its owner and mode are set. */
const MODE_WHILE_WRITTEN = 0o600

export const createFile = (directoryFd: number, name: Uint8Array): number =>
  openSync(childPath(directoryFd, name), CREATE_FLAGS, MODE_WHILE_WRITTEN)

/** Opens an existing file for writing, also one that is read-only to its owner. */
export function openForWriting(directoryFd: number, name: Uint8Array): number {
  const path = childPath(directoryFd, name)
  try {
    return openSync(path, WRITE_FLAGS)
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error
    setMode(path, readStatAt(directoryFd, name).mode | MODE_WHILE_WRITTEN)
    return openSync(path, WRITE_FLAGS)
  }
}
