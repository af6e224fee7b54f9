// Goal: each way to run shows what it must and nothing else, on the right stream.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Output, type OutputOptions } from '../../commands/shared/output.ts'
import type { Progress } from '../../src/operations/events.ts'

const progress: Progress = { type: 'progress', phase: 'backup', itemsDone: 1, bytesDone: 2, bytesTransferred: 3, errors: 0 }

function collect(options: Pick<OutputOptions, 'format' | 'verbosity'>): { out: () => string; err: () => string; output: Output } {
  let out = ''
  let err = ''
  const output = new Output({ ...options, writeOut: (text) => (out += text), writeError: (text) => (err += text) })
  return { out: () => out, err: () => err, output }
}

function everything(output: Output): void {
  output.onEvent(progress)
  output.onEvent({ type: 'notice', message: 'a notice' })
  output.onEvent({ type: 'warning', item: '/a\n', message: 'unreadable' })
  output.important('must be seen')
  output.print('asked for')
  output.record({ type: 'entry', path: '/a' })
  output.summary(['done'], { type: 'summary', exitCode: 0 })
  output.close()
}

test('without a terminal: warnings, what was asked for, and the result', () => {
  const { out, err, output } = collect({ format: 'text', verbosity: 'normal' })
  everything(output)
  assert.equal(out(), 'asked for\ndone\n')
  assert.equal(err(), 'warning: /a\\x0a: unreadable\nmust be seen\n')
})

test('quiet: no result, but warnings and what was asked for', () => {
  const { out, err, output } = collect({ format: 'text', verbosity: 'quiet' })
  everything(output)
  assert.equal(out(), 'asked for\n')
  assert.equal(err(), 'warning: /a\\x0a: unreadable\nmust be seen\n')
})

test('JSON: every line is a record with a type, nothing on stderr, the summary is last', () => {
  const { out, err, output } = collect({ format: 'json', verbosity: 'normal' })
  everything(output)
  const records = out().trimEnd().split('\n').map((line) => JSON.parse(line) as { type: string })
  assert.deepEqual(records.map(({ type }) => type), ['progress', 'notice', 'warning', 'notice', 'entry', 'summary'])
  assert.deepEqual(records[2], { type: 'warning', item: '/a\n', message: 'unreadable' })
  assert.equal(err(), '')
})

test('JSON progress comes about once a second, however often it is reported', () => {
  const { out, output } = collect({ format: 'json', verbosity: 'normal' })
  for (let report = 0; report < 1000; report++) output.onEvent(progress)
  output.close()
  assert.equal(out().split('\n').length - 1, 1)
})

test('long listings are written in pieces, all of them', () => {
  let writes = 0
  let length = 0
  const output = new Output({
    format: 'text', verbosity: 'normal', writeError: () => undefined,
    writeOut: (text) => {
      writes++
      length += text.length
    },
  })
  for (let line = 0; line < 100_000; line++) output.print('x'.repeat(9))
  output.close()
  assert.equal(length, 1_000_000)
  assert.ok(writes < 20, `${writes} writes`)
})

test('a terminal gets a progress line that is gone at the end', async () => {
  let err = ''
  const terminal = { write: (text: string) => void (err += text), columns: () => 60 }
  const output = new Output({ format: 'text', verbosity: 'normal', terminal, writeOut: () => undefined, writeError: (text) => (err += text) })
  output.onEvent(progress)
  await new Promise((resolve) => setTimeout(resolve, 350))
  assert.match(err, /backup {2}1 item {2}2 B/)
  output.close()
  assert.ok(err.endsWith('\r\u001b[2K'))
})
