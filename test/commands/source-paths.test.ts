// Goal: the paths that are backed up are exactly those that were named, as bytes.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { absolutePath, findSources, readPathList, readPatternFile } from '../../commands/shared/source-paths.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { TemporaryHome } from './program-process.ts'

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))
const text = (path: Uint8Array): string => Buffer.from(path).toString('latin1')

test('paths become absolute by text, without dots and doubled slashes', () => {
  const cases: [string, string][] = [
    ['a', '/base/a'], ['./a/', '/base/a'], ['..', '/'], ['../../x', '/x'], ['/a//b/./c/../d', '/a/b/d'], ['/', '/'],
    ['a\xff', '/base/a\xff'], ['.', '/base'],
  ]
  for (const [given, absolute] of cases) assert.equal(text(absolutePath(bytes(given), bytes('/base'))), absolute, given)
})

test('lists are raw: blanks, comments and bytes that are not UTF-8 are part of a name', () => {
  using home = new TemporaryHome()
  const list = join(home.path, 'list')
  writeFileSync(list, Buffer.from(' a \n#b\n\nc\xff\nlast', 'latin1'))
  assert.deepEqual(readPathList(list, 'line').map(text), [' a ', '#b', 'c\xff', 'last'])
  writeFileSync(list, Buffer.from('a\nb\0c\xff\0', 'latin1'))
  assert.deepEqual(readPathList(list, 'nul').map(text), ['a\nb', 'c\xff'])
})

test('pattern files skip comments and empty lines', () => {
  using home = new TemporaryHome()
  const file = join(home.path, 'patterns')
  writeFileSync(file, '# build\n\n*.o\n!keep.o\n')
  assert.deepEqual(readPatternFile(file), ['*.o', '!keep.o'])
  assert.throws(() => readPatternFile(join(home.path, 'none')), (error) => isVaultError(error, 'usage'))
  writeFileSync(file, Buffer.from('a\xff', 'latin1'))
  assert.throws(() => readPatternFile(file), /not UTF-8/, 'it would silently match nothing')
})

test('what does not exist is told apart; nothing at all is an error', () => {
  using home = new TemporaryHome()
  mkdirSync(join(home.path, 'here'))
  const cwd = bytes(home.path)
  const { paths, missing } = findSources(['here', './here/', 'gone'].map(bytes), cwd)
  assert.deepEqual(paths.map(text), [join(home.path, 'here')], 'each once')
  assert.deepEqual(missing, [{ path: join(home.path, 'gone'), message: 'does not exist' }])
  assert.throws(() => findSources(['gone', 'away'].map(bytes), cwd), (error) => isVaultError(error, 'source-unreadable'))
})
