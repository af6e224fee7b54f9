// Goal: what a terminal shows after all writes is what was meant: ordinary lines above, one status line, nothing left
// behind. A small terminal (carriage return, erase line, line feed) interprets the writes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StatusLine } from '../../src/presentation/status-line.ts'

class Screen {
  lines = ['']
  writes = 0

  write(text: string): void {
    this.writes++
    for (const part of text.split(/(\r|\n|\u001b\[2K)/)) {
      if (part === '\n') this.lines.push('')
      else if (part === '\u001b[2K') this.lines[this.lines.length - 1] = ''
      else if (part !== '\r') this.lines[this.lines.length - 1] += part
    }
  }

  columns(): number {
    return 20
  }
}

test('a line is redrawn in place, other lines go above it, and it is taken away', () => {
  const screen = new Screen()
  const status = new StatusLine(screen)
  status.draw(() => 'one')
  status.draw(() => 'two')
  assert.deepEqual(screen.lines, ['two'])
  status.above(() => screen.write('warning: x\n'))
  assert.deepEqual(screen.lines, ['warning: x', 'two'])
  status.clear()
  assert.deepEqual(screen.lines, ['warning: x', ''])
})

test('one column stays free, and an unchanged line is not written again', () => {
  const screen = new Screen()
  const status = new StatusLine(screen)
  status.draw((columns) => 'x'.repeat(columns))
  assert.equal(screen.lines[0]?.length, 19)
  const { writes } = screen
  status.draw((columns) => 'x'.repeat(columns))
  assert.equal(screen.writes, writes)
})

test('without a shown line, nothing but the text itself is written', () => {
  const screen = new Screen()
  const status = new StatusLine(screen)
  status.clear()
  status.above(() => screen.write('plain\n'))
  assert.equal(screen.writes, 1)
})
