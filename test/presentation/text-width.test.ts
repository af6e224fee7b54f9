// Goal: cut text never takes more columns than it may, whatever characters it has.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keepEnd, keepStart, textWidth } from '../../src/presentation/text-width.ts'

test('wide characters take two columns, combining marks none', () => {
  assert.equal(textWidth('abc'), 3)
  assert.equal(textWidth('漢字'), 4)
  assert.equal(textWidth('e\u0301'), 1)
  assert.equal(textWidth('🙂'), 2)
})

test('cut text keeps its end or its start and stays within the columns', () => {
  assert.equal(keepEnd('/home/ana/letter.txt', 11), '…letter.txt')
  assert.equal(keepStart('/home/ana', 6), '/home…')
  assert.equal(keepEnd('short', 5), 'short')
  for (const text of ['/a/漢字漢字漢字/e\u0301e\u0301🙂🙂', 'x'.repeat(40), '漢']) {
    for (let columns = 0; columns < 20; columns++) {
      assert.ok(textWidth(keepEnd(text, columns)) <= columns, `keepEnd ${text} ${columns}`)
      assert.ok(textWidth(keepStart(text, columns)) <= columns, `keepStart ${text} ${columns}`)
    }
  }
})
