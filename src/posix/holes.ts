// Sparse files: where the data lies, and how to give blocks back.
import { fstatSync } from 'node:fs'
import { libc } from './libc.ts'
import { ERRNO, systemError } from './system-error.ts'

export interface DataRange {
  readonly offset: number
  readonly length: number
}

// linux/fs.h
const SEEK_DATA = 3
const SEEK_HOLE = 4
// linux/falloc.h: PUNCH_HOLE must be given together with KEEP_SIZE.
const FALLOC_FL_PUNCH_HOLE_KEEP_SIZE = 0x02 | 0x01

/**
 * Offset of the first data at or after `offset`, or undefined when only a hole follows. Moves the file position of `fd`. A
 * file system that cannot tell has data everywhere.
 */
export function nextData(fd: number, offset: number): number | undefined {
  const found = seek(fd, offset, SEEK_DATA)
  if (found !== 'unknown') return found
  return offset < fstatSync(fd).size ? offset : undefined
}

/**
 * Offset of the first hole at or after `offset`; the end of the file counts as one. Undefined when `offset` is at or beyond
 * the end. Moves the file position of `fd`.
 */
export function nextHole(fd: number, offset: number): number | undefined {
  const found = seek(fd, offset, SEEK_HOLE)
  if (found !== 'unknown') return found
  const { size } = fstatSync(fd)
  return offset < size ? size : undefined
}

function seek(fd: number, offset: number, whence: number): number | undefined | 'unknown' {
  const c = libc()
  const found = c.lseek(fd, offset, whence)
  if (found >= 0) return found
  const errno = c.errno()
  if (errno === ERRNO.ENXIO) return undefined
  if (errno === ERRNO.EINVAL || errno === ERRNO.EOPNOTSUPP) return 'unknown'
  throw systemError(errno, 'lseek', fd)
}

/** The data of a file in order, holes left out; everything at and beyond `sizeBytes` is left out too. */
export function* dataRanges(fd: number, sizeBytes: number): Generator<DataRange> {
  let position = 0
  while (position < sizeBytes) {
    const start = nextData(fd, position)
    if (start === undefined || start >= sizeBytes) return
    // Undefined: the file was cut short between the two calls.
    const end = Math.min(nextHole(fd, start) ?? sizeBytes, sizeBytes)
    if (end > start) yield { offset: start, length: end - start }
    position = Math.max(end, start + 1)
  }
}

/**
 * Makes the range read as zeros and gives whole blocks in it back; the size stays. Throws `ENOTSUP` where the file system
 * cannot.
 */
export function punchHole(fd: number, offset: number, length: number): void {
  const c = libc()
  for (;;) {
    if (c.fallocate(fd, FALLOC_FL_PUNCH_HOLE_KEEP_SIZE, offset, length) === 0) return
    const errno = c.errno()
    if (errno !== ERRNO.EINTR) throw systemError(errno, 'fallocate', fd)
  }
}
