// Goal: the text of a path names exactly one path, shows no control characters, and gives the path back.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { pathBytes, pathText } from '../../src/snapshot/path-text.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const seed = testSeed()
console.log(`seed ${seed}`)

const PIECES = [
  'a', '/', '\\', '\\x41', '\\\\', '\u001b[31m', '\n', '\u007f', '\u0085', '\u202e', '\u2066', 'ä', 'a\u0308', '\ufeff', '😀', '\ufffd',
].map((text) => Buffer.from(text))
const RAW = [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc0, 0xaf], [0x00]].map((bytes) => Buffer.from(bytes))

it('known texts', () => {
  assert.equal(pathText(Buffer.from('/home/ä b')), '/home/ä b')
  assert.equal(pathText(Buffer.from('a\\b')), 'a\\\\b')
  assert.equal(pathText(Buffer.from('a\nb')), 'a\\x0ab')
  assert.equal(pathText(Buffer.from([0x61, 0xff, 0xc3, 0xa4])), 'a\\xff\\xc3\\xa4')
  assert.equal(pathText(Buffer.from('\u202e')), '\\xe2\\x80\\xae')
})

it('round trip of random paths, one text a path, nothing that steers a terminal', () => {
  const random = new SeededRandom(seed)
  const seen = new Map<string, string>()
  for (let round = 0; round < 20_000; round++) {
    const pool = random.below(3) === 0 ? [...PIECES, ...RAW] : PIECES
    const path = Buffer.concat(Array.from({ length: random.below(6) }, () => pool[random.below(pool.length)] ?? Buffer.alloc(0)))
    const text = pathText(path)
    assert.deepEqual(Buffer.from(pathBytes(text)), path, JSON.stringify(text))
    assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
    assert.equal(seen.get(text) ?? path.toString('hex'), path.toString('hex'), 'two paths with one text')
    seen.set(text, path.toString('hex'))
  }
})
