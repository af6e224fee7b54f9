// Packs that a run stores, one line each, written before they are sent. After a crash the next run adopts those that are
// there and that no index segment names, so that nothing is uploaded twice. A journal belongs to one process and is removed
// when its packs are indexed.
import { appendFileSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '../errors/vault-error.ts'
import { packId, type PackId, type SessionId } from '../ids/ids.ts'
import type { PackKind } from '../pack/layout.ts'

export interface JournaledPack {
  readonly kind: PackKind
  readonly id: PackId
}

const LINE = /^([dm]) ([0-9a-f]{64})$/

export class PackJournal {
  readonly #path: string

  constructor(directory: string, session: SessionId) {
    this.#path = join(directory, `${session}.${process.pid}`)
  }

  /** Best effort: what cannot be noted is only stored again after a crash. */
  storing({ kind, id }: JournaledPack): void {
    try {
      appendFileSync(this.#path, `${kind === 'data' ? 'd' : 'm'} ${id}\n`, { mode: 0o600 })
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
    }
  }

  remove(): void {
    rmSync(this.#path, { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoOf(error) === 'EPERM'
  }
}

export interface AbandonedJournal {
  readonly path: string
  readonly packs: readonly JournaledPack[]
}

/** Journals of runs that have ended without removing theirs. */
export function abandonedJournals(directory: string): AbandonedJournal[] {
  const journals: AbandonedJournal[] = []
  for (const name of readdirSync(directory)) {
    const pid = Number(/^[0-9a-f]{32}\.(\d+)$/.exec(name)?.[1] ?? 0)
    if (pid === 0 || isAlive(pid)) continue
    const path = join(directory, name)
    const packs: JournaledPack[] = []
    for (const line of readFileSync(path, 'latin1').split('\n')) {
      const match = LINE.exec(line) // a torn last line does not match
      if (match?.[2] !== undefined) packs.push({ kind: match[1] === 'd' ? 'data' : 'metadata', id: packId(match[2]) })
    }
    journals.push({ path, packs })
  }
  return journals
}

export function removeJournal(path: string): void {
  rmSync(path, { force: true })
}
