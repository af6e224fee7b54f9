// Goal: patterns mean what a .gitignore's reader expects. Method: a table of pattern, path and answer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PatternList } from '../../src/archiver/selection.ts'

const CASES: readonly [patterns: string[], path: string, kind: 'directory' | 'other', matches: boolean][] = [
  [['*.log'], '/var/a.log', 'other', true],
  [['*.log'], '/var/a.log.gz', 'other', false],
  [['*.log'], '/a.log/x', 'other', false],
  [['cache'], '/home/u/cache', 'directory', true],
  [['cache'], '/home/u/mycache', 'directory', false],
  [['cache/'], '/home/cache', 'other', false],
  [['cache/'], '/home/cache', 'directory', true],
  [['/home/*/tmp'], '/home/u/tmp', 'directory', true],
  [['/home/*/tmp'], '/home/u/v/tmp', 'directory', false],
  [['/home/*/tmp'], '/srv/home/u/tmp', 'directory', false],
  [['u/tmp'], '/home/u/tmp', 'directory', true],
  [['/a/**/z'], '/a/z', 'other', true],
  [['/a/**/z'], '/a/b/c/z', 'other', true],
  [['/a/**'], '/a/b/c', 'other', true],
  [['/a/**'], '/a', 'directory', false],
  [['a?c'], '/abc', 'other', true],
  [['a?c'], '/a/c', 'other', false],
  [['[a-c]x'], '/bx', 'other', true],
  [['[!a-c]x'], '/bx', 'other', false],
  [['[!a-c]x'], '/dx', 'other', true],
  [['a[b'], '/a[b', 'other', true],
  [['a\\*b'], '/a*b', 'other', true],
  [['a\\*b'], '/axb', 'other', false],
  [['a.c'], '/abc', 'other', false],
  [['(x)+|y'], '/(x)+|y', 'other', true],
  [['*.log', '!keep.log'], '/keep.log', 'other', false],
  [['*.log', '!keep.log'], '/other.log', 'other', true],
  [['!keep.log', '*.log'], '/keep.log', 'other', true],
  [['ü*'], '/übung', 'other', true],
  [[''], '/anything', 'other', false],
]

for (const [patterns, path, kind, matches] of CASES) {
  test(`${JSON.stringify(patterns)} ${matches ? 'matches' : 'leaves'} ${path} (${kind})`, () => {
    assert.equal(new PatternList(patterns).matches(Buffer.from(path), kind), matches)
  })
}

test('names that are not UTF-8 are matched by bytes', () => {
  assert.equal(new PatternList(['*.bin']).matches(Buffer.from([0x2f, 0xff, 0x2e, 0x62, 0x69, 0x6e]), 'other'), true)
  assert.equal(new PatternList(['?']).matches(Buffer.from([0x2f, 0xff]), 'other'), true)
})

test('a malformed range is one clear error', () => {
  assert.throws(() => new PatternList(['[z-a]']), { code: 'usage', message: /\[z-a\]/ })
})
