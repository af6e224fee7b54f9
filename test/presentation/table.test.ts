// Goal: columns line up, with wide characters and with cells of several lines.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatFacts, formatTable } from '../../src/presentation/table.ts'

test('a table pads by width and repeats nothing for further lines of a cell', () => {
  const lines = formatTable([{ title: 'ID' }, { title: 'Paths' }, { title: 'Size', align: 'right' }], [
    ['1', '/a\n/bc', '10 B'],
    ['22', '漢字', '5 B'],
  ])
  assert.deepEqual(lines, [
    'ID  Paths  Size',
    '1   /a     10 B',
    '    /bc',
    '22  漢字    5 B',
  ])
})

test('facts have their values in one column', () => {
  assert.deepEqual(formatFacts([['a', '1'], ['long', '2']]), ['a     1', 'long  2'])
})
