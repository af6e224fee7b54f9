// Goal: SNAPSHOT[:PATH] is read as typed, and nonsense is refused before a vault is opened.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSnapshotArgument } from '../../commands/shared/snapshot-argument.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'

const parsed = (text: string): [string, string | undefined] => {
  const { snapshot, path } = parseSnapshotArgument(text)
  return [snapshot, path === undefined ? undefined : Buffer.from(path).toString('latin1')]
}

test('ids, latest and paths', () => {
  assert.deepEqual(parsed('4bba301e'), ['4bba301e', undefined])
  assert.deepEqual(parsed('latest'), ['latest', undefined])
  assert.deepEqual(parsed('latest~12:/home/a'), ['latest~12', '/home/a'])
  assert.deepEqual(parsed('latest:home/a:b'), ['latest', '/home/a:b'], 'only the first colon divides')
  assert.deepEqual(parsed('ab:/x\udcff'), ['ab', '/x\xff'], 'raw bytes')
})

test('what names no snapshot', () => {
  for (const text of ['', ':', 'newest', 'latest~', 'latest~-1', 'xyz', '/home', 'ab:', 'a'.repeat(65)]) {
    assert.throws(() => parseSnapshotArgument(text), (error) => isVaultError(error, 'usage'), text)
  }
})
