// flock(2), which Node lacks, through koffi. Loaded at the first use: the library costs some 20 ms of start-up.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { VaultError } from '../errors/vault-error.ts'
import { throwIfInterrupted } from './failures.ts'

export type LockMode = 'shared' | 'exclusive'

// <sys/file.h>; the same on every Linux architecture.
const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4

/** Holders keep the lock for milliseconds (check and link) or for one batch of deletes. */
const POLL_MS = 20

interface FlockCall {
  /** 0, or the errno's name. */
  (fd: number, operation: number): 0 | string
}

let loaded: FlockCall | undefined

function loadFlock(): FlockCall {
  // require: import() would make each caller asynchronous.
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const flock = koffi.load(null).func('int flock(int fd, int operation)')
  const nameOf = (errno: number): string =>
    Object.entries(koffi.os.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`
  return (fd, operation) => (flock(fd, operation) === 0 ? 0 : nameOf(koffi.errno()))
}

/**
 * Takes the exclusive lock on an open file if nobody else has it; it is held until the file is closed or the process dies.
 * False when another open file holds it, or when the file system cannot lock.
 */
export function tryLock(fd: number): boolean {
  return (loaded ??= loadFlock())(fd, LOCK_EX | LOCK_NB) === 0
}

/**
 * Runs `work` while the lock on the file at `path` is held; made if missing. The kernel drops the lock when the process
 * dies. Polls instead of blocking: a blocked call would hold one of libuv's four threads, which the holder may need.
 */
export async function withFileLock<T>(path: string, mode: LockMode, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const flock = (loaded ??= loadFlock())
  // An open file of its own for each holder: locks of one open file would not exclude each other.
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  try {
    for (;;) {
      const result = flock(handle.fd, (mode === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB)
      if (result === 0) break
      if (result !== 'EAGAIN' && result !== 'EINTR') {
        throw new VaultError('storage-refused', `cannot lock ${path}: ${result}`, {
          hint: 'the file system must support flock(2); on NFS check that its lock service runs',
        })
      }
      await sleep(POLL_MS)
      throwIfInterrupted(signal)
    }
    return await work()
  } finally {
    await handle.close()
  }
}
