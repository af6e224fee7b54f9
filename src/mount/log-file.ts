// The log of a mount that nobody looks at: lines with a time, in a file that does not grow without end.
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { describeError, errnoOf, VaultError } from '../errors/vault-error.ts'

const BYTES_MAX = 1024 * 1024

export class LogFile {
  readonly path: string
  #bytes: number

  /** Makes the folder and the file, for the owner only. Throws `target-unwritable`. */
  constructor(path: string) {
    this.path = path
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      appendFileSync(path, '', { mode: 0o600 })
      this.#bytes = statSync(path).size
    } catch (cause) {
      if (errnoOf(cause) === undefined) throw cause
      throw new VaultError('target-unwritable', `cannot write the log ${path}: ${describeError(cause)}`, { cause })
    }
  }

  /** Best effort: a mount goes on when the disk is full. At the limit the file becomes `.1`, and another begins. */
  write(message: string): void {
    const line = `${new Date().toISOString()} ${message}\n`
    try {
      if (this.#bytes > BYTES_MAX) {
        renameSync(this.path, `${this.path}.1`)
        this.#bytes = 0
      }
      appendFileSync(this.path, line, { mode: 0o600 })
      this.#bytes += Buffer.byteLength(line)
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
    }
  }
}
