// Goal: what people read of an error names no descriptor of ours.
import assert from 'node:assert/strict'
import { linkSync, openSync, readdirSync, symlinkSync } from 'node:fs'
import { test } from 'node:test'
import { counted } from '../../src/errors/counted.ts'
import { describeError } from '../../src/errors/vault-error.ts'
import { readStat } from '../../src/posix/stat.ts'

function messageOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    return describeError(error)
  }
  return 'no error'
}

test('a path by descriptor is left out, with the call that it belongs to', () => {
  const by = '/proc/self/fd/999/name'
  const expected = 'ENOENT: no such file or directory'
  assert.equal(messageOf(() => openSync(by, 'r')), expected)
  assert.equal(messageOf(() => readdirSync(Buffer.from(by))), expected)
  assert.equal(messageOf(() => linkSync(by, by)), expected)
  assert.equal(messageOf(() => symlinkSync("it's, open 'x'", by)), expected)
  assert.equal(messageOf(() => readStat(Buffer.from(by))), expected)
})

test('a path as the person knows it stays', () => {
  assert.match(messageOf(() => openSync('/no/such/file', 'r')), /^ENOENT: .* '\/no\/such\/file'$/)
  assert.equal(describeError(new Error('first\nsecond')), 'first')
  assert.equal(describeError('text'), 'text')
})

test('counts agree with their nouns', () => {
  assert.deepEqual([counted(0, 'pack'), counted(1, 'entry', 'entries'), counted(2, 'entry', 'entries')], ['0 packs', '1 entry', '2 entries'])
})
