// What this machine has probed itself of the servers and buckets through which it reaches a vault. The vault's config
// tells the same of the bucket where it was made; this is newer, and knows copies of the bucket and other endpoints too.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '../errors/vault-error.ts'
import { isSamePlace, parseStorageRecord, type StorageRecord } from '../probe/capabilities.ts'

const RECORDS_MAX = 100

/** Best effort in both directions: what cannot be read was never probed, what cannot be written is probed again. */
export class StorageMemory {
  readonly #path: string

  /** `directory` is the vault's folder of local state. */
  constructor(directory: string) {
    this.#path = join(directory, 'storage.json')
  }

  recall(place: Pick<StorageRecord, 'endpoint' | 'bucket'>): StorageRecord | undefined {
    return this.#read().find((record) => isSamePlace(record, place))
  }

  /** Replaces what was known of the same endpoint and bucket. */
  remember(record: StorageRecord): void {
    const others = this.#read().filter((known) => !isSamePlace(known, record))
    const temporary = `${this.#path}.${process.pid}`
    try {
      writeFileSync(temporary, JSON.stringify([record, ...others].slice(0, RECORDS_MAX)), { mode: 0o600 })
      renameSync(temporary, this.#path)
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
    }
  }

  #read(): StorageRecord[] {
    try {
      const value: unknown = JSON.parse(readFileSync(this.#path, 'utf8'))
      return Array.isArray(value) ? value.map(parseStorageRecord).filter((record) => record !== undefined) : []
    } catch (error) {
      if (errnoOf(error) === undefined && !(error instanceof SyntaxError)) throw error
      return []
    }
  }
}
