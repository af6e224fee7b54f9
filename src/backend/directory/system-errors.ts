// What an errno of the file system means for a vault.
import { VaultError, describeError, errnoOf } from '../../errors/vault-error.ts'

/** Network file systems answer the most of these while their server is away; the last two pass with our own open files. */
const PASSING = new Set([
  'ESTALE', 'ETIMEDOUT', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTCONN', 'EAGAIN', 'EMFILE', 'ENFILE',
])

export type Access = 'read' | 'write'

/** The VaultError for a failed system call on `path`; an error that already is one passes. */
export function systemError(error: unknown, access: Access, path: string): unknown {
  const errno = errnoOf(error)
  if (error instanceof VaultError || errno === undefined) return error
  const cause = error
  const problem = `cannot ${access} ${path}: ${describeError(error)}`
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    const what = errno === 'ENOSPC' ? 'the file system is full' : 'the disk quota is used up'
    return new VaultError('disk-full', `cannot write ${path}: ${what}`, {
      cause,
      hint: 'free some space, then run the command again',
    })
  }
  if (PASSING.has(errno)) return new VaultError('storage-unreachable', problem, { cause, retry: 'later' })
  if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS') {
    return access === 'write'
      ? new VaultError('target-unwritable', problem, { cause, hint: 'check owner, permissions and mount options of the vault' })
      : new VaultError('storage-denied', problem, { cause, hint: 'check owner and permissions of the vault' })
  }
  const hint = errno === 'EIO' ? { hint: 'the disk may be failing: see the kernel log' } : {}
  return new VaultError('storage-refused', problem, { cause, ...hint })
}

/** True when the failed call says that there is no such file: also when a parent is missing or is a file. */
export function isMissing(error: unknown): boolean {
  const errno = errnoOf(error)
  return errno === 'ENOENT' || errno === 'ENOTDIR'
}

/** Runs `work`; a failed system call becomes a VaultError that names `path`. */
export async function mapped<T>(access: Access, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw systemError(error, access, path)
  }
}
