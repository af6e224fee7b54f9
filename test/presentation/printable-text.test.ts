// Goal: nothing from elsewhere steers the terminal.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printableText } from '../../src/presentation/printable-text.ts'

test('controls, line breaks, bidirectional overrides and lone halves are shown as bytes', () => {
  assert.equal(printableText('a\u001b[2Jb'), 'a\\x1b[2Jb')
  assert.equal(printableText('one\ntwo\r'), 'one\\x0atwo\\x0d')
  assert.equal(printableText('\u202egnp.exe'), '\\xe2\\x80\\xaegnp.exe')
  assert.equal(printableText('\u0085'), '\\xc2\\x85')
  assert.equal(printableText('bad \udcff'), 'bad \\xff', 'a byte that is not UTF-8')
})

test('ordinary text stays, also a backslash and characters outside the first plane', () => {
  assert.equal(printableText('C:\\x 漢字 🙂 é'), 'C:\\x 漢字 🙂 é')
})
