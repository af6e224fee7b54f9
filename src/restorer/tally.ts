import { describeError, errnoOf, isVaultError, VaultError, type ErrorCode } from '../errors/vault-error.ts'
import { pathText } from '../snapshot/path-text.ts'
import type { InodeKind } from '../tree/entry.ts'
import {
  newReport, PROBLEMS_KEPT_MAX, type ByteSpan, type RestoreAction, type RestoreChange, type RestoreProblem, type RestoreReport,
  type RestoreWarning,
} from './report.ts'
import { Workload } from './workload.ts'

export interface RestoreProgress {
  /** Entries of all kinds that are done, in whatever way. */
  readonly entries: number
  readonly entriesTotal: number
  /** Bytes of content that were compared and are right, or were written. */
  readonly bytes: number
  readonly bytesTotal: number
  readonly bytesFetched: number
}

export interface TallyListeners {
  /** Called after each message from a worker, some times a second. */
  readonly onProgress?: (progress: RestoreProgress) => void
  readonly onProblem?: (problem: RestoreProblem) => void
  readonly onWarning?: (warning: RestoreWarning) => void
  /** Hears of each name that is changed. */
  readonly onChange?: (change: RestoreChange) => void
}

/** Names things as the person does. */
export const pathInTarget = (target: Uint8Array, path: Uint8Array): string =>
  pathText(path.length === 0 ? target : Buffer.concat([target, Uint8Array.of(0x2f), path]))

/** Counts what happens, tells the listeners, and stops the run where going on makes no sense. */
export class Tally {
  readonly report: RestoreReport = newReport()
  readonly work = new Workload()
  readonly #listeners: TallyListeners
  readonly #target: Uint8Array

  constructor(listeners: TallyListeners, target: Uint8Array) {
    this.#listeners = listeners
    this.#target = target
  }

  /** `path` is asked for only when somebody listens. */
  change(action: RestoreAction, kind: InodeKind, path: () => Uint8Array): void {
    this.#listeners.onChange?.({ action, kind, path: path() })
  }

  problem(path: Uint8Array, code: ErrorCode, message: string, missing?: readonly ByteSpan[]): void {
    const problem: RestoreProblem = { path, code, message, ...(missing ? { missing } : {}) }
    this.report.errorCount++
    if (this.report.errors.length < PROBLEMS_KEPT_MAX) this.report.errors.push(problem)
    this.#listeners.onProblem?.(problem)
  }

  /** Something the file system refused for one path. Throws when it will refuse everything. */
  refusal(path: Uint8Array, errno: string | undefined, message: string): void {
    stopIfHopeless(errno, `${pathInTarget(this.#target, path)}: ${message}`)
    this.problem(path, 'target-unwritable', message)
  }

  /** An error caught around one path: reported when only that path suffers, thrown otherwise. */
  failure(path: Uint8Array, error: unknown): void {
    const errno = errnoOf(error)
    if (isVaultError(error, 'vault-damaged', 'object-missing')) this.problem(path, 'vault-damaged', error.message)
    else if (errno !== undefined && !isVaultError(error)) this.refusal(path, errno, describeError(error))
    else throw error
  }

  /** Throws what an error says of the target as a whole. */
  targetRefused(error: unknown): never {
    const errno = errnoOf(error)
    if (errno === undefined || isVaultError(error)) throw error
    const where = pathText(this.#target)
    stopIfHopeless(errno, `${where}: ${describeError(error)}`)
    throw new VaultError('target-unwritable', `cannot restore into ${where}: ${describeError(error)}`, { cause: error })
  }

  removed(path: Uint8Array, kind: InodeKind): void {
    this.report.deleted++
    this.change('delete', kind, () => path)
  }

  warning(message: string, path?: Uint8Array): void {
    this.report.warningCount++
    this.#listeners.onWarning?.({ message, ...(path ? { path } : {}) })
  }

  progress(): void {
    const { entriesDone, entriesTotal, bytesDone, bytesTotal } = this.work
    const { bytesFetched } = this.report
    this.#listeners.onProgress?.({ entries: entriesDone, entriesTotal, bytes: bytesDone, bytesTotal, bytesFetched })
  }
}

export function stopIfHopeless(errno: string | undefined, message: string): void {
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    throw new VaultError('disk-full', `restore stopped: ${message}`, {
      hint: 'free some space and restore again: what is there already is kept',
    })
  }
  if (errno === 'EROFS') {
    throw new VaultError('target-unwritable', `the target is on a read-only file system: ${message}`)
  }
}
