// The one table of exit codes. The README and every command's help repeat it, a test holds them together.
// Where restic has a code for the same thing, it is the same number (0, 1, 3, 10, 12, 130).
import type { ErrorCode } from '../../src/errors/vault-error.ts'

export const EXIT_CODES = {
  ok: { code: 0, meaning: 'success' },
  failure: { code: 1, meaning: 'failure; nothing was done, or the message says what' },
  usage: { code: 2, meaning: 'flags or arguments make no sense' },
  partial: { code: 3, meaning: 'finished, but some items failed and were reported' },
  damageFound: { code: 4, meaning: 'check found damage' },
  vaultMissing: { code: 10, meaning: 'no vault there, or a half-made one' },
  vaultExists: { code: 11, meaning: 'init: the place is taken' },
  password: { code: 12, meaning: 'wrong password, or none given' },
  unreachable: { code: 13, meaning: 'storage unreachable' },
  denied: { code: 14, meaning: 'storage denied access or refused the request' },
  unwritable: { code: 15, meaning: 'disk full, or a target that cannot be written' },
  vaultNewer: { code: 16, meaning: 'the vault was made by a newer version' },
  vaultDamaged: { code: 17, meaning: 'the vault is damaged' },
  notFound: { code: 18, meaning: 'no such snapshot, or no such path in it' },
  internal: { code: 70, meaning: 'internal error: a bug of s3vault' },
  hangup: { code: 129, meaning: 'stopped by SIGHUP' },
  interrupted: { code: 130, meaning: 'interrupted (SIGINT, Ctrl-C)' },
  terminated: { code: 143, meaning: 'stopped by SIGTERM' },
} as const

export type ExitName = keyof typeof EXIT_CODES

const EXIT_OF_ERROR: Readonly<Record<ErrorCode, ExitName>> = {
  'usage': 'usage',
  'source-unreadable': 'failure',
  'vault-missing': 'vaultMissing',
  'vault-exists': 'vaultExists',
  'vault-incomplete': 'vaultMissing',
  'vault-newer': 'vaultNewer',
  'vault-damaged': 'vaultDamaged',
  'password-missing': 'password',
  'password-wrong': 'password',
  'snapshot-missing': 'notFound',
  'path-missing': 'notFound',
  'object-missing': 'vaultDamaged',
  'object-archived': 'denied',
  'object-exists': 'vaultDamaged',
  'storage-unreachable': 'unreachable',
  'storage-denied': 'denied',
  'storage-refused': 'denied',
  'fence-expired': 'unreachable',
  'disk-full': 'unwritable',
  'target-unwritable': 'unwritable',
  'mount-failed': 'failure',
  'interrupted': 'interrupted',
  'partial': 'partial',
}

export const exitCode = (name: ExitName): number => EXIT_CODES[name].code

export const exitCodeOfError = (code: ErrorCode): number => exitCode(EXIT_OF_ERROR[code])

/** Every error code with its exit code, for the test that holds the table complete. */
export const errorExitCodes = (): ReadonlyMap<string, number> =>
  new Map(Object.entries(EXIT_OF_ERROR).map(([error, exit]) => [error, exitCode(exit)]))

/** Lines `code  meaning`, for help. */
export function exitCodeLines(): string[] {
  return Object.values(EXIT_CODES).map(({ code, meaning }) => `${String(code).padStart(3)}  ${meaning}`)
}
