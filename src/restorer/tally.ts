import { describeError, errnoOf, isVaultError, VaultError, type ErrorCode } from '../errors/vault-error.ts'
import { newReport, PROBLEMS_KEPT_MAX, type ByteSpan, type RestoreProblem, type RestoreReport, type RestoreWarning } from './report.ts'

export interface RestoreProgress {
  /** Files done, in whatever way. */
  readonly files: number
  readonly bytesWritten: number
  readonly bytesFetched: number
}

export interface TallyListeners {
  /** Called after each message from a worker, some times a second. */
  readonly onProgress?: (progress: RestoreProgress) => void
  readonly onProblem?: (problem: RestoreProblem) => void
  readonly onWarning?: (warning: RestoreWarning) => void
}

/** Counts what happens, tells the listeners, and stops the run where going on makes no sense. */
export class Tally {
  readonly report: RestoreReport = newReport()
  readonly #listeners: TallyListeners

  constructor(listeners: TallyListeners) {
    this.#listeners = listeners
  }

  problem(path: Uint8Array, code: ErrorCode, message: string, missing?: readonly ByteSpan[]): void {
    const problem: RestoreProblem = { path, code, message, ...(missing ? { missing } : {}) }
    this.report.errorCount++
    if (this.report.errors.length < PROBLEMS_KEPT_MAX) this.report.errors.push(problem)
    this.#listeners.onProblem?.(problem)
  }

  /** Something the file system refused for one path. Throws when it will refuse everything. */
  refusal(path: Uint8Array, errno: string | undefined, message: string): void {
    stopIfHopeless(errno, message)
    this.problem(path, 'target-unwritable', message)
  }

  /** An error caught around one path: reported when only that path suffers, thrown otherwise. */
  failure(path: Uint8Array, error: unknown): void {
    const errno = errnoOf(error)
    if (isVaultError(error, 'vault-damaged', 'object-missing')) this.problem(path, 'vault-damaged', error.message)
    else if (errno !== undefined && !isVaultError(error)) this.refusal(path, errno, describeError(error))
    else throw error
  }

  warning(message: string, path?: Uint8Array): void {
    this.report.warningCount++
    this.#listeners.onWarning?.({ message, ...(path ? { path } : {}) })
  }

  progress(): void {
    const { filesRestored, filesUpdated, filesUnchanged, kept, bytesWritten, bytesFetched } = this.report
    this.#listeners.onProgress?.({ files: filesRestored + filesUpdated + filesUnchanged + kept, bytesWritten, bytesFetched })
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
