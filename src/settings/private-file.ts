// Reading files that steer the program or hold its secrets, with what their mode says about who else could.
import { closeSync, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'
import { describeError, errnoOf, VaultError } from '../errors/vault-error.ts'

const FILE_BYTES_MAX = 1024 * 1024
const WRITABLE_BY_OTHERS = 0o022
const READABLE_BY_OTHERS = 0o044

export interface PrivateFile {
  readonly path: string
  readonly text: string
  /** Of a regular file; a pipe's mode says nothing. */
  readonly isReadableByOthers: boolean
  readonly mode: string
}

/**
 * The file's text; undefined when there is no such file. Throws `usage` when it cannot be read, is no UTF-8 text, or
 * when another user could have written it: what it says is done with this user's rights.
 */
export function readPrivateFile(path: string): PrivateFile | undefined {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return undefined
    throw unreadable(path, cause)
  }
  try {
    const stat = fstatSync(fd)
    requireOwn(path, stat)
    if (stat.size > FILE_BYTES_MAX) throw new VaultError('usage', `${path}: too long for a file of settings`)
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(fd))
    return { path, text, isReadableByOthers: stat.isFile() && (stat.mode & READABLE_BY_OTHERS) !== 0, mode: modeText(stat) }
  } catch (cause) {
    if (cause instanceof VaultError) throw cause
    throw cause instanceof TypeError ? new VaultError('usage', `${path}: is not UTF-8 text`, { cause }) : unreadable(path, cause)
  } finally {
    closeSync(fd)
  }
}

function unreadable(path: string, cause: unknown): VaultError {
  return new VaultError('usage', `${path}: cannot be read (${errnoOf(cause) ?? describeError(cause)})`, { cause })
}

function requireOwn(path: string, stat: Stats): void {
  if (!stat.isFile()) return
  const user = process.geteuid?.()
  if (user !== undefined && stat.uid !== user && stat.uid !== 0) {
    throw new VaultError('usage', `${path}: belongs to another user, so it is not used`, { hint: `chown it, or make one of your own` })
  }
  if ((stat.mode & WRITABLE_BY_OTHERS) !== 0) {
    throw new VaultError('usage', `${path}: others can change this file (mode ${modeText(stat)}), so it is not used`, {
      hint: `chmod go-w ${path}`,
    })
  }
}

const modeText = ({ mode }: Stats): string => (mode & 0o777).toString(8).padStart(4, '0')

/** Throws `usage` when others can read a file that holds secrets. */
export function requirePrivate({ path, isReadableByOthers, mode }: PrivateFile, holds: string): void {
  if (!isReadableByOthers) return
  throw new VaultError('usage', `${path}: holds ${holds}, and others can read it (mode ${mode}), so it is not used`, {
    hint: `chmod 600 ${path}`,
  })
}
