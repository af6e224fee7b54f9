// What the runs of this machine asked of a vault's storage, one line each: requests are billed, and nobody else counts them.
import { appendFileSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RequestCounts } from '../backend/backend.ts'
import { errnoOf } from '../errors/vault-error.ts'

export interface RunRecord extends Readonly<RequestCounts> {
  /** When it ended, ISO 8601. */
  readonly time: string
  readonly command: string
  /** PUTs by storage class, where one was chosen. */
  readonly putsByClass: { readonly [storageClass: string]: number }
}

/** About 200 bytes a line: a run every hour for a month. */
const RUNS_KEPT = 750
const FILE_BYTES_MAX = 256 * 1024

const COUNTS = ['put', 'get', 'list', 'stat', 'delete', 'bytesUp', 'bytesDown', 'retries'] as const

function parseRecord(line: string): RunRecord | undefined {
  try {
    const value = JSON.parse(line) as Partial<Record<string, unknown>> | null
    const isWhole = typeof value?.['time'] === 'string' && typeof value['command'] === 'string' &&
      COUNTS.every((name) => typeof value[name] === 'number') && typeof value['putsByClass'] === 'object' && value['putsByClass'] !== null
    return isWhole ? (value as unknown as RunRecord) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined // a torn line
    throw error
  }
}

/** Best effort in both directions, like all local state: a line that is lost makes an estimate lower. */
export class RunLog {
  readonly #path: string

  /** `directory` is the vault's folder of local state. */
  constructor(directory: string) {
    this.#path = join(directory, 'runs.jsonl')
  }

  add(record: RunRecord): void {
    try {
      appendFileSync(this.#path, `${JSON.stringify(record)}\n`, { mode: 0o600 })
      if (statSync(this.#path).size > FILE_BYTES_MAX) this.#shorten()
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
    }
  }

  /** Oldest first. */
  read(): RunRecord[] {
    try {
      const lines = readFileSync(this.#path, 'utf8').split('\n')
      return lines.map(parseRecord).filter((record) => record !== undefined)
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
      return []
    }
  }

  #shorten(): void {
    const temporary = `${this.#path}.${process.pid}`
    writeFileSync(temporary, this.read().slice(-RUNS_KEPT).map((record) => `${JSON.stringify(record)}\n`).join(''), { mode: 0o600 })
    renameSync(temporary, this.#path)
  }
}
