// Goal: any bytes that a person can type as an argument come out as these bytes.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { test } from 'node:test'
import { argumentBytes, argumentText, recoverArguments, splitAt } from '../../commands/shared/raw-arguments.ts'

test('bytes to text and back is exact, for UTF-8 and for anything else', () => {
  const samples = [
    '', 'plain', 'é漢🙂', '\ufffd as itself', 'a\\b',
  ].map((text) => Buffer.from(text, 'utf8'))
  const raw = ['\xff', 'a\xffb', '\xc3', '\xc3(', '\xed\xb3\xbf', '\xf0\x9f\x99', '\xc0\x80', '\xe2\x82\xac\x80'].map((text) => Buffer.from(text, 'latin1'))
  for (const bytes of [...samples, ...raw]) {
    assert.deepEqual(Buffer.from(argumentBytes(argumentText(bytes))), bytes, bytes.toString('hex'))
  }
  for (const bytes of samples) assert.equal(argumentText(bytes), bytes.toString('utf8'), 'UTF-8 stays ordinary text')
})

test('random bytes survive', () => {
  for (let round = 0; round < 2000; round++) {
    // Half of the bytes are high: continuation bytes in all wrong places.
    const bytes = randomBytes(randomInt(24)).map((byte) => (round % 2 === 0 ? byte | 0x80 : byte))
    assert.deepEqual(argumentBytes(argumentText(bytes)), new Uint8Array(bytes), Buffer.from(bytes).toString('hex'))
  }
})

test('pieces of a list', () => {
  const pieces = (text: string): string[] => splitAt(Buffer.from(text), 0x0a).map((piece) => Buffer.from(piece).toString())
  assert.deepEqual(pieces('a\nb\n'), ['a', 'b'])
  assert.deepEqual(pieces('a\n\nb'), ['a', '', 'b'])
  assert.deepEqual(pieces(''), [])
})

test('the bytes of a real process are found in /proc', () => {
  const module = new URL('../../commands/shared/raw-arguments.js', import.meta.url).href
  const script = `
    const { recoverArguments, argumentBytes } = await import(${JSON.stringify(module)})
    const recovered = recoverArguments(process.argv.slice(1), process.pid)
    console.log(recovered.map((text) => Buffer.from(argumentBytes(text)).toString('hex')).join(' '))`
  // A shell makes the bytes: Node can only start programs with UTF-8 arguments.
  const shell = `exec "$0" --input-type=module -e "$1" -- "$(printf 'a\\377')" é "" "$(printf '\\357\\277\\275')"`
  const { stdout, stderr } = spawnSync('/bin/sh', ['-c', shell, process.execPath, script], { encoding: 'utf8' })
  assert.equal(stdout, '61ff c3a9  efbfbd\n', stderr)
})

test('another command line than expected changes nothing', () => {
  assert.deepEqual(recoverArguments(['a\ufffd'], process.pid), ['a\ufffd'])
  assert.deepEqual(recoverArguments(['a\ufffd'], 2 ** 22 + 1), ['a\ufffd'], 'no such process')
})
