import { constants, openSync } from 'node:fs'
import { errnoOf } from '../errors/vault-error.ts'
import { bufferOf } from './directories.ts'
import { libc } from './libc.ts'

// linux/fadvise.h; the same numbers on x86_64 and arm64.
const ADVICE = { sequential: 2, willNeed: 3 } as const

const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Opens for reading without following a symlink (`ELOOP`), without waiting at a fifo that took a file's place, and without
 * touching its atime where that is allowed. The caller checks by `fileStat` what it opened, and closes it.
 */
export function openFileForRead(path: Uint8Array): number {
  try {
    return openSync(bufferOf(path), READ_FLAGS | constants.O_NOATIME)
  } catch (error) {
    // open(2): O_NOATIME is for the owner and for CAP_FOWNER.
    if (errnoOf(error) !== 'EPERM') throw error
    return openSync(bufferOf(path), READ_FLAGS)
  }
}

/**
 * Tells the kernel that the range will be read (`willNeed`: starts reading it now) or that the file will be read in order
 * (`sequential`: doubles the read-ahead). A length of 0 means to the end. Only a hint: a file system that cannot is no error.
 */
export function readAheadHint(fd: number, offset: number, length: number, advice: keyof typeof ADVICE = 'willNeed'): void {
  libc().posix_fadvise(fd, offset, length, ADVICE[advice])
}
