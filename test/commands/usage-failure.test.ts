// Goal: what the flag parser says becomes one line that names the command and what was meant.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLIError, ExitError } from '@oclif/core/errors'
import { usageFailure } from '../../commands/shared/usage-failure.ts'
import { VaultError } from '../../src/errors/vault-error.ts'

const messageOf = (text: string, fields: object = {}): string => {
  const failure = usageFailure(Object.assign(new CLIError(text), fields), 'backup', ['host', 'exclude', 'exclude-file'])
  assert.ok(failure instanceof VaultError && failure.code === 'usage')
  assert.equal(failure.hint, 'see s3vault backup --help')
  return failure.message
}

test('paragraphs of the flag parser become one line', () => {
  assert.equal(messageOf('Flag --host expects a value\nSee more help with --help'), 'flag --host expects a value')
  assert.equal(
    messageOf('The following errors occurred:\n  \u001b[2mMissing required flag target\u001b[22m\nSee more help with --help'),
    'missing required flag target',
  )
})

test('unknown flags are named, without a value, with the one that was meant', () => {
  assert.equal(messageOf('Nonexistent flag: --hots', { flags: ['--hots'] }), 'there is no flag --hots (did you mean --host?)')
  assert.equal(messageOf('', { flags: ['--exlude=SECRET', '-Z'] }), 'there is no flag --exlude (did you mean --exclude?), -Z')
})

test('other errors stay as they are', () => {
  for (const error of [new ExitError(0), new TypeError('x'), new VaultError('usage', 'x')]) {
    assert.equal(usageFailure(error, 'backup', []), error)
  }
})
