// Goal: every error of the engine has an exit code, and the table has no ambiguities.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXIT_CODES, errorExitCodes, exitCodeLines } from '../../commands/shared/exit-codes.ts'
import { packageRoot } from './program-process.ts'

/** The members of the ErrorCode union as its source has them: types are gone at run time. */
function errorCodes(): string[] {
  const source = readFileSync(join(packageRoot, 'src', 'errors', 'vault-error.ts'), 'utf8')
  const union = /export type ErrorCode =\n((?: {2}\| .*\n)+)/.exec(source)?.[1] ?? ''
  return [...union.matchAll(/^ {2}\| '([a-z-]+)'/gm)].map((match) => match[1] ?? '')
}

test('every error code is mapped to an exit code that is not success', () => {
  const mapped = errorExitCodes()
  const codes = errorCodes()
  assert.ok(codes.length > 15, `only ${codes.length} codes found in the source`)
  assert.deepEqual([...mapped.keys()].sort(), codes.sort())
  for (const [error, code] of mapped) assert.ok(code > 0, error)
})

test('exit codes are distinct, fit a byte, and keep the numbers that restic has', () => {
  const codes = Object.values(EXIT_CODES).map(({ code }) => code)
  assert.equal(new Set(codes).size, codes.length)
  assert.ok(codes.every((code) => code >= 0 && code < 256))
  const { ok, failure, partial, vaultMissing, password, interrupted } = EXIT_CODES
  assert.deepEqual(
    [ok, failure, partial, vaultMissing, password, interrupted].map(({ code }) => code), [0, 1, 3, 10, 12, 130],
  )
  assert.equal(exitCodeLines().length, codes.length)
})
