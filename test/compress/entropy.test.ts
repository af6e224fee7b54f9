// Goal: the probe calls random bytes incompressible, always, and nothing that compresses by frequencies alone.
import assert from 'node:assert/strict'
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { test } from 'node:test'
import { AssertionError } from '../../src/errors/assert.ts'
import { looksIncompressible, PROBED_BYTES_MIN } from '../../src/compress/entropy.ts'

const seed = Number(process.env.SEED ?? randomInt(1, 2 ** 31))
console.log(`entropy.test: SEED=${seed}`)

const randomBlob = (state: number, lengthBytes: number): Buffer =>
  createHash('shake256', { outputLength: lengthBytes }).update(`${state}`).digest()

test('random bytes, 500 times', () => {
  for (let round = 0; round < 500; round++) {
    assert.ok(looksIncompressible(randomBlob(seed + round, PROBED_BYTES_MIN + round)), `round ${round}`)
  }
})

test('text, numbers, base64, zeros and slightly skewed bytes are worth compressing', () => {
  const random = randomBlob(seed, 100_000)
  const kinds: Record<string, Uint8Array> = {
    zeros: new Uint8Array(100_000),
    base64: Buffer.from(random.toString('base64')),
    counters: new Uint8Array(Uint32Array.from({ length: 25_000 }, (_, index) => index).buffer),
    'seven bits': random.map((byte) => byte & 0x7f),
    'one byte in ten is zero': random.map((byte, at) => (at % 10 === 0 ? 0 : byte)),
  }
  for (const [kind, bytes] of Object.entries(kinds)) assert.ok(!looksIncompressible(bytes), kind)
})

test('the end of a blob is sampled, too', () => {
  const bytes = randomBytes(1_000_000)
  assert.ok(looksIncompressible(bytes))
  bytes.fill(0, 1_000_000 - 2048)
  assert.ok(!looksIncompressible(bytes))
})

test('too few bytes are a mistake of the caller', () => {
  assert.throws(() => looksIncompressible(new Uint8Array(1000)), AssertionError)
})
