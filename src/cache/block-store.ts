// Blocks of data packs on the local disk, as they lie in storage (sealed), bounded in bytes.
//     <directory>/<2 digits>/<pack id>-<block number>   SHA-256 of the block (32) | block
//     <directory>/lock                                  held by the one process that adds and removes
// All of it may go at any time, which costs time and never data; a block that was changed is noticed and dropped. Other
// processes only read: two that each keep the limit would exceed it together.
import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readdirSync, statfsSync, statSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tryLock } from '../backend/flock.ts'
import { errnoOf } from '../errors/vault-error.ts'
import type { PackId } from '../ids/ids.ts'

const DIGEST_BYTES = 32
/** Less free space than this on the disk: what comes new displaces what is there. */
const FREE_BYTES_MIN = 1024 ** 3
/** The disk is asked for its free space once for so many blocks. */
const FREE_CHECK_BLOCKS = 16
const NAME = /^[0-9a-f]{64}-\d{1,6}$/

const digestOf = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

export class BlockStore {
  readonly #directory: string
  readonly #bytesMax: number
  /** Bytes of each file, the one used last at the end. */
  readonly #files = new Map<string, number>()
  readonly #lock: number | undefined
  #bytes = 0
  #writes = 0
  #isDiskLow = false

  /** Best effort: what cannot be made or read is a cache that keeps nothing. */
  constructor(directory: string, bytesMax: number) {
    this.#directory = directory
    this.#bytesMax = bytesMax
    this.#lock = lockOf(directory)
    if (this.#lock !== undefined) this.#takeStock()
  }

  /** Bytes on the disk. */
  get bytes(): number {
    return this.#bytes
  }

  async get(pack: PackId, block: number): Promise<Uint8Array | undefined> {
    const name = nameOf(pack, block)
    const stored = await readFile(this.#path(name)).catch(ignoreSystemErrors)
    if (stored === undefined) return undefined
    const bytes = stored.subarray(DIGEST_BYTES)
    if (digestOf(bytes).equals(stored.subarray(0, DIGEST_BYTES))) {
      if (this.#files.has(name)) this.#touch(name, stored.length) // else it was removed meanwhile
      return bytes
    }
    if (this.#lock !== undefined) await this.#remove(name)
    return undefined
  }

  async put(pack: PackId, block: number, bytes: Uint8Array): Promise<void> {
    const length = DIGEST_BYTES + bytes.length
    if (this.#lock === undefined || length > this.#bytesMax) return
    const name = nameOf(pack, block)
    if (this.#files.has(name)) return
    if (this.#writes++ % FREE_CHECK_BLOCKS === 0) this.#isDiskLow = this.#isLow()
    const bytesMax = this.#isDiskLow ? Math.min(this.#bytesMax, this.#bytes) : this.#bytesMax
    // Counted before it is there, so that several at once keep the limit too.
    this.#touch(name, length)
    for (const oldest of this.#files.keys()) {
      if (this.#bytes <= bytesMax) break
      await this.#remove(oldest)
    }
    // It may have been displaced itself while others made room, or while it was written.
    if (!this.#files.has(name)) return
    const isWritten = await this.#write(name, bytes)
    if (!isWritten || !this.#files.has(name)) await this.#remove(name)
  }

  /** Whoever keeps it: a block that does not hold what it should is no loss. */
  async drop(pack: PackId, block: number): Promise<void> {
    await this.#remove(nameOf(pack, block))
  }

  close(): void {
    if (this.#lock !== undefined) closeSync(this.#lock)
  }

  async #write(name: string, bytes: Uint8Array): Promise<boolean> {
    const path = this.#path(name)
    const temporary = `${path}.tmp`
    try {
      await mkdir(join(this.#directory, name.slice(0, 2)), { recursive: true, mode: 0o700 })
      await writeFile(temporary, [digestOf(bytes), bytes], { mode: 0o600 })
      await rename(temporary, path)
      return true
    } catch (error) {
      ignoreSystemErrors(error)
      await rm(temporary, { force: true }).catch(ignoreSystemErrors)
      return false
    }
  }

  #path(name: string): string {
    return join(this.#directory, name.slice(0, 2), name)
  }

  #touch(name: string, length: number): void {
    if (this.#lock === undefined) return
    this.#bytes += length - (this.#files.get(name) ?? 0)
    this.#files.delete(name)
    this.#files.set(name, length)
  }

  async #remove(name: string): Promise<void> {
    this.#bytes -= this.#files.get(name) ?? 0
    this.#files.delete(name)
    await rm(this.#path(name), { force: true }).catch(ignoreSystemErrors)
  }

  #isLow(): boolean {
    try {
      const { bavail, bsize } = statfsSync(this.#directory)
      return bavail * bsize < FREE_BYTES_MIN
    } catch (error) {
      ignoreSystemErrors(error)
      return true
    }
  }

  /** What earlier processes left, the oldest first. */
  #takeStock(): void {
    const found: { name: string; length: number; mtimeMs: number }[] = []
    try {
      for (const folder of readdirSync(this.#directory).filter((name) => /^[0-9a-f]{2}$/.test(name))) {
        for (const name of readdirSync(join(this.#directory, folder))) {
          const { size, mtimeMs } = statSync(join(this.#directory, folder, name))
          // A piece of a killed process has another name: it is taken for the oldest, and goes first.
          found.push({ name, length: size, mtimeMs: NAME.test(name) ? mtimeMs : 0 })
        }
      }
    } catch (error) {
      ignoreSystemErrors(error)
    }
    for (const { name, length } of found.sort((a, b) => a.mtimeMs - b.mtimeMs)) this.#touch(name, length)
  }
}

const nameOf = (pack: PackId, block: number): string => `${pack}-${block}`

function ignoreSystemErrors(error: unknown): undefined {
  if (errnoOf(error) === undefined) throw error
  return undefined
}

/** The open lock file, or undefined when another process has it or nothing can be written there. */
function lockOf(directory: string): number | undefined {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const fd = openSync(join(directory, 'lock'), 'a', 0o600)
    if (tryLock(fd)) return fd
    closeSync(fd)
    return undefined
  } catch (error) {
    return ignoreSystemErrors(error)
  }
}
