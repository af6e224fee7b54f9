// From an error to what the person sees: one line, a hint, an exit code; a stack trace only when asked for.
import { AssertionError } from '../../src/errors/assert.ts'
import { describeError, errnoOf, isVaultError } from '../../src/errors/vault-error.ts'
import { printableText } from '../../src/presentation/printable-text.ts'
import { exitCode, exitCodeOfError } from './exit-codes.ts'
import { interruptionExitCode } from './interruption.ts'

export interface FailureReport {
  /** An ErrorCode, or `internal`, or the errno name of a system error. */
  readonly code: string
  readonly message: string
  readonly hint?: string
  readonly exitCode: number
}

const FULL_OR_READ_ONLY = new Set(['ENOSPC', 'EDQUOT', 'EROFS'])

/** What `error` means to the person. Messages carry no secrets: nobody puts one into an error. */
export function reportFailure(error: unknown): FailureReport {
  if (isVaultError(error)) {
    const code = error.code === 'interrupted' ? interruptionExitCode() : exitCodeOfError(error.code)
    const hint = error.hint === undefined ? {} : { hint: printableText(error.hint) }
    return { code: error.code, message: printableText(error.message), ...hint, exitCode: code }
  }
  if (error instanceof Error && error.name === 'AbortError') {
    return { code: 'interrupted', message: 'interrupted', exitCode: interruptionExitCode() }
  }
  const errno = error instanceof AssertionError ? undefined : errnoOf(error)
  if (errno !== undefined && /^E[A-Z0-9]+$/.test(errno)) {
    const exit = exitCode(FULL_OR_READ_ONLY.has(errno) ? 'unwritable' : 'failure')
    return { code: errno, message: printableText(describeError(error)), exitCode: exit }
  }
  return {
    code: 'internal',
    message: `internal error, please report: ${printableText(describeError(error))}`,
    hint: 'S3VAULT_DEBUG=1 shows where it happened',
    exitCode: exitCode('internal'),
  }
}

/** Lines for a terminal. */
export function failureLines({ message, hint }: FailureReport): string {
  return `s3vault: ${message}\n${hint === undefined ? '' : `  hint: ${hint}\n`}`
}

/** One line of JSON. */
export const failureJson = (report: FailureReport): string => `${JSON.stringify({ type: 'error', ...report })}\n`
