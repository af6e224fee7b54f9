// Packs that a run stores, one line each, written before they are sent. After a crash the next run adopts those that are
// there and that no index segment names, so that nothing is uploaded twice. A journal belongs to one process, which keeps it
// locked for its life (a process id says nothing: in containers each is 1), and is removed when its packs are indexed.
import { appendFileSync, closeSync, fstatSync, openSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { tryLock } from '../backend/flock.ts'
import { errnoOf } from '../errors/vault-error.ts'
import { packId, type PackId, type SessionId } from '../ids/ids.ts'
import type { PackKind } from '../pack/layout.ts'

export interface JournaledPack {
  readonly kind: PackKind
  readonly id: PackId
}

const LINE = /^([dm]) ([0-9a-f]{64})$/

/** A journal's file name: its session. */
const NAME = /^[0-9a-f]{32}$/

export class PackJournal {
  readonly #path: string
  /** Open from the first pack on. */
  #fd: number | undefined

  constructor(directory: string, session: SessionId) {
    this.#path = join(directory, session)
  }

  /** Best effort: what cannot be noted is only stored again after a crash. */
  storing({ kind, id }: JournaledPack): void {
    try {
      this.#fd ??= openLocked(this.#path)
      appendFileSync(this.#fd, `${kind === 'data' ? 'd' : 'm'} ${id}\n`)
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
    }
  }

  /** Unlinked before it is unlocked: nobody finds it abandoned. */
  remove(): void {
    rmSync(this.#path, { force: true })
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }
}

/** Makes a journal that is locked before it has a journal's name, or another run could find it abandoned in between. */
function openLocked(path: string): number {
  const temporary = `${path}.new`
  const fd = openSync(temporary, 'ax', 0o600)
  try {
    // Where files cannot be locked nobody else can lock it either: it is never adopted.
    tryLock(fd)
    renameSync(temporary, path)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
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
    if (!NAME.test(name)) continue
    const path = join(directory, name)
    const text = readAbandoned(path)
    if (text !== undefined) journals.push({ path, packs: packsIn(text) })
  }
  return journals
}

/** Undefined when its run lives, has just removed it, or when it cannot be read. */
function readAbandoned(path: string): string | undefined {
  let fd: number | undefined
  try {
    fd = openSync(path, 'r+') // for writing too: NFS gives an exclusive lock on nothing less (flock(2))
    return tryLock(fd) && fstatSync(fd).nlink > 0 ? readFileSync(fd, 'latin1') : undefined
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function packsIn(text: string): JournaledPack[] {
  const packs: JournaledPack[] = []
  for (const line of text.split('\n')) {
    const match = LINE.exec(line) // a torn last line does not match
    if (match?.[2] !== undefined) packs.push({ kind: match[1] === 'd' ? 'data' : 'metadata', id: packId(match[2]) })
  }
  return packs
}

export function removeJournal(path: string): void {
  rmSync(path, { force: true })
}
