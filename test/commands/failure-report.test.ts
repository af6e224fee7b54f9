// Goal: any error becomes one printable line with the right exit code, and bugs of our own are told from the world's.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureJson, failureLines, reportFailure } from '../../commands/shared/failure-report.ts'
import { AssertionError } from '../../src/errors/assert.ts'
import { VaultError } from '../../src/errors/vault-error.ts'

test('a VaultError shows message and hint', () => {
  const report = reportFailure(new VaultError('vault-missing', 'no vault at /x', { hint: 'make one' }))
  assert.equal(failureLines(report), 's3vault: no vault at /x\n  hint: make one\n')
  assert.equal(report.exitCode, 10)
  assert.deepEqual(JSON.parse(failureJson(report)), {
    type: 'error', code: 'vault-missing', message: 'no vault at /x', hint: 'make one', exitCode: 10,
  })
})

test('names in messages cannot break the line', () => {
  const { message } = reportFailure(new VaultError('source-unreadable', '/a\n\u001b[2J: gone'))
  assert.equal(message, '/a\\x0a\\x1b[2J: gone')
})

test('our own bugs are internal errors, whatever their class', () => {
  for (const bug of [new AssertionError('length is 3'), new TypeError('x is not a function'), 'thrown text']) {
    const report = reportFailure(bug)
    assert.equal(report.exitCode, 70)
    assert.match(report.message, /^internal error, please report: /)
  }
})

test('system errors keep their errno; a full disk has the exit code of one', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  assert.deepEqual(reportFailure(full), { code: 'ENOSPC', message: full.message, exitCode: 15 })
  const denied = Object.assign(new Error('EACCES: permission denied, open'), { code: 'EACCES' })
  assert.equal(reportFailure(denied).exitCode, 1)
  const internal = Object.assign(new Error('bad argument'), { code: 'ERR_INVALID_ARG_TYPE' })
  assert.equal(reportFailure(internal).exitCode, 70, "Node's ERR_ codes are bugs of ours")
})
