// The newest snapshot of each series that this machine has seen. The vault itself cannot witness that its newest snapshot was
// deleted, or that all of it was put back to an earlier state; the clients can.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '../errors/vault-error.ts'
import { snapshotId, type SnapshotId } from '../ids/ids.ts'
import { seriesOf } from '../snapshot/snapshot-filter.ts'
import type { StoredSnapshot } from '../snapshot/snapshot.ts'

export interface SeenSnapshot {
  readonly id: SnapshotId
  readonly host: string
  readonly paths: readonly string[]
  readonly time: string
}

const SERIES_MAX = 10_000

function isSeen(value: unknown): value is SeenSnapshot {
  if (typeof value !== 'object' || value === null) return false
  const { id, host, paths, time } = value as Partial<Record<keyof SeenSnapshot, unknown>>
  return typeof id === 'string' && /^[0-9a-f]{64}$/.test(id) && typeof host === 'string' && typeof time === 'string' &&
    Array.isArray(paths) && paths.every((path) => typeof path === 'string')
}

/** Best effort in both directions: what cannot be read was never seen, what cannot be written is not remembered. */
export class SeenSnapshots {
  readonly #path: string

  /** `directory` is the vault's folder of local state. */
  constructor(directory: string) {
    this.#path = join(directory, 'seen-snapshots.json')
  }

  read(): SeenSnapshot[] {
    try {
      const value: unknown = JSON.parse(readFileSync(this.#path, 'utf8'))
      return Array.isArray(value) ? value.filter(isSeen).slice(0, SERIES_MAX).map((seen) => ({ ...seen, id: snapshotId(seen.id) })) : []
    } catch (error) {
      if (errnoOf(error) === undefined && !(error instanceof SyntaxError)) throw error
      return []
    }
  }

  /**
   * Remembers the newest of each series among `snapshots` (all that are listed, oldest first), and keeps what was seen of
   * others. One that is gone gives way only to a later one, or looking at the vault would end the alarm.
   */
  remember(snapshots: readonly StoredSnapshot[]): void {
    const listed = new Set<string>(snapshots.map(({ id }) => id))
    const newest = new Map(this.read().map((seen) => [seriesOf(seen), seen]))
    for (const { id, host, paths, time } of snapshots) {
      const series = seriesOf({ host, paths })
      const seen = newest.get(series)
      if (!seen || listed.has(seen.id) || time > seen.time) newest.set(series, { id, host, paths, time })
    }
    const temporary = `${this.#path}.${process.pid}`
    try {
      writeFileSync(temporary, JSON.stringify([...newest.values()]), { mode: 0o600 })
      renameSync(temporary, this.#path)
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
    }
  }
}
