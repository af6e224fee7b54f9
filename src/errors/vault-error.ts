// Failures of the outside world. A bug of our own is an AssertionError (see assert.ts) and stops the program.

/** What went wrong, as a stable word: printed with --json, mapped to an exit code in one table (commands/shared/exit-codes.ts). */
export type ErrorCode =
  | 'usage' // the request makes no sense: flags, arguments, impossible combinations
  | 'source-unreadable' // nothing of the source could be read at all
  | 'vault-missing' // no vault at that place
  | 'vault-exists' // init on a place that has one, or is not empty
  | 'vault-incomplete' // a half-made vault: init was interrupted
  | 'vault-newer' // a format version this program does not know
  | 'vault-damaged' // bytes of the vault are not what they must be
  | 'password-missing' // none given and no terminal to ask on
  | 'password-wrong'
  | 'snapshot-missing'
  | 'path-missing' // SNAPSHOT:PATH names nothing
  | 'object-missing' // backend: no such object
  | 'object-archived' // backend: it lies in a class that must be brought back before it can be read
  | 'object-exists' // backend: the name is taken by other bytes
  | 'storage-unreachable' // DNS, connection, timeouts, 5xx: the network or the server
  | 'storage-denied' // credentials missing, wrong, expired, or lacking a permission
  | 'storage-refused' // the server answered with an error that a retry does not mend
  | 'fence-expired' // a fenced PUT was not sent because its lease was too short
  | 'disk-full'
  | 'target-unwritable' // restore target, cache or vault directory cannot be written
  | 'mount-failed' // the kernel or fusermount3 would not mount or unmount, or the mount point is unfit
  | 'interrupted' // AbortSignal fired
  | 'partial' // the run ended, but parts of it failed and were reported

/** How a caller may retry: `never` (the same call fails again) or `later` (transient). */
export type RetryClass = 'never' | 'later'

export interface VaultErrorOptions {
  /** What the person can do about it, one line, without secrets. */
  hint?: string
  cause?: unknown
  retry?: RetryClass
  /** With `later`: not before this has passed, as the storage asked. */
  retryAfterMs?: number | undefined
  /** With `later`: the storage asked for fewer requests. */
  isOverload?: boolean
}

/** The one error class for everything that is not our own bug. `message` is one line that names what and where. */
export class VaultError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly retry: RetryClass
  readonly retryAfterMs: number | undefined
  readonly isOverload: boolean

  constructor(code: ErrorCode, message: string, options: VaultErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'VaultError'
    this.code = code
    this.hint = options.hint
    this.retry = options.retry ?? 'never'
    this.retryAfterMs = options.retryAfterMs
    this.isOverload = options.isOverload ?? false
  }
}

/** True when `error` is a VaultError of one of `codes`. */
export function isVaultError(error: unknown, ...codes: ErrorCode[]): error is VaultError {
  return error instanceof VaultError && (codes.length === 0 || codes.includes(error.code))
}

/** The errno name (`ENOENT`, ...) of a Node system error, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  // ERR_SQLITE_ERROR and the like are not errnos.
  return typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined
}

/** One line that says what `error` is, for a message or a warning. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const line = error.message.split('\n', 1)[0] ?? error.name
  if (!('syscall' in error) || !line.includes(DESCRIPTOR_PATH)) return line
  return line.slice(0, Math.max(0, line.indexOf(`, ${String(error.syscall)} '`))) || line
}

/** How files are addressed in an open directory (src/posix/directories.ts): says nothing to a person, callers name the path. */
const DESCRIPTOR_PATH = "'/proc/self/fd/"
