// Files that hold secrets: made for their owner only, and warned about when others can read them.
import {
  closeSync, fstatSync, fsyncSync, linkSync, mkdirSync, openSync, readSync, rmSync, statSync, writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf, VaultError } from '../../src/errors/vault-error.ts'

const OWNER_ONLY = 0o600
const GROUP_AND_OTHERS = 0o077
/** A passphrase, or a generated secret of about 90 characters. */
const SECRET_BYTES_MAX = 65536

/** A new file of mode 0600, reserved before the secret exists, so that a full disk or a taken name is noticed in time. */
export class NewSecretFile {
  #path: string
  #fd: number | undefined

  /** Throws `target-unwritable` when the file exists or cannot be made. */
  constructor(path: string, title: string) {
    this.#path = path
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      this.#fd = openSync(path, 'wx', OWNER_ONLY)
    } catch (cause) {
      const isTaken = errnoOf(cause) === 'EEXIST'
      const message = isTaken ? 'exists already, and is not overwritten' : 'cannot be made'
      throw new VaultError('target-unwritable', `${title} ${path}: ${message}`, { cause })
    }
  }

  get path(): string {
    return this.#path
  }

  /** Writes the secret and a line feed so that it survives a power cut. */
  write(secret: string): void {
    const fd = this.#fd
    if (fd === undefined) throw new VaultError('target-unwritable', `${this.#path} is closed`)
    writeSync(fd, `${secret}\n`)
    fsyncSync(fd)
    closeSync(fd)
    this.#fd = undefined
    syncDirectory(dirname(this.#path))
  }

  /** Gives the written file its final name. False when something is there already; then the file keeps its name. */
  moveTo(path: string): boolean {
    try {
      linkSync(this.#path, path)
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false
      throw error
    }
    rmSync(this.#path)
    this.#path = path
    syncDirectory(dirname(path))
    return true
  }

  remove(): void {
    rmSync(this.#path, { force: true })
  }

  /** Removes the file when nothing was written into it. */
  [Symbol.dispose](): void {
    if (this.#fd === undefined) return
    closeSync(this.#fd)
    this.#fd = undefined
    rmSync(this.#path, { force: true })
  }
}

function syncDirectory(path: string): void {
  const fd = openSync(path, 'r')
  fsyncSync(fd)
  closeSync(fd)
}

export interface ReadSecret {
  readonly text: string
  /** Says so when others can read the file. */
  readonly warning?: string
}

/** The content of a secret file without its last line break. Throws `password-missing`. */
export function readSecretFile(path: string, title: string): ReadSecret {
  try {
    const fd = openSync(path, 'r')
    try {
      const { warning } = modeWarning(fstatSync(fd))
      return { text: decodeSecret(readAll(fd, path), path), ...(warning === undefined ? {} : { warning }) }
    } finally {
      closeSync(fd)
    }
  } catch (cause) {
    if (cause instanceof VaultError) throw cause
    const reason = errnoOf(cause) === 'ENOENT' ? 'no such file' : `cannot be read (${errnoOf(cause) ?? 'unknown error'})`
    throw new VaultError('password-missing', `${title} ${path}: ${reason}`, { cause })
  }
}

function readAll(fd: number, path: string): Buffer {
  const buffer = Buffer.alloc(SECRET_BYTES_MAX + 1)
  let length = 0
  // A pipe (process substitution) gives its content in pieces.
  for (let got = -1; got !== 0 && length < buffer.length; length += got) {
    got = readSync(fd, buffer, length, buffer.length - length, null)
  }
  if (length > SECRET_BYTES_MAX) throw new VaultError('password-missing', `${path}: too long for a password`)
  return buffer.subarray(0, length)
}

function decodeSecret(bytes: Uint8Array, path: string): string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch (cause) {
    throw new VaultError('password-missing', `${path}: the password is not UTF-8 text`, { cause })
  }
  const secret = text.replace(/\r?\n$/, '')
  if (secret === '') throw new VaultError('password-missing', `${path}: holds no password`)
  return secret
}

function modeWarning(stat: { isFile(): boolean; readonly mode: number }): { warning?: string } {
  // The mode of a pipe or a terminal says nothing.
  if (!stat.isFile() || (stat.mode & GROUP_AND_OTHERS) === 0) return {}
  const mode = (stat.mode & 0o777).toString(8).padStart(4, '0')
  return { warning: `others can access this file (mode ${mode}); chmod 600 mends that` }
}

/** The warning about a file of credentials that others can access, or undefined; also when there is no such file. */
export function accessWarning(path: string): string | undefined {
  try {
    return modeWarning(statSync(path)).warning
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}
