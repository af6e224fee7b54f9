// Goal: numbers written are numbers read, in one form only; hostile bytes give VaultErrors.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ByteReader } from '../../src/bytes/reader.ts'
import { ByteWriter } from '../../src/bytes/writer.ts'
import { AssertionError } from '../../src/errors/assert.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const seed = testSeed()
console.log(`seed ${seed}`)
const isDamage = (error: unknown): boolean => isVaultError(error, 'vault-damaged')
const reader = (...bytes: number[]): ByteReader => new ByteReader(Uint8Array.from(bytes), 'test')

it('varints around every power of two come back, in the fewest bytes', () => {
  for (let power = 0; power <= 53; power++) {
    for (const value of [2 ** power - 2, 2 ** power - 1, 2 ** power]) {
      if (value < 0 || value > Number.MAX_SAFE_INTEGER) continue
      const bytes = new ByteWriter(1).varint(value).finish()
      assert.equal(bytes.length, Math.max(1, Math.ceil(value.toString(2).length / 7)))
      const read = new ByteReader(bytes, 'test')
      assert.equal(read.varint(), value)
      read.end()
    }
  }
})

it('signed numbers of the whole range come back', () => {
  const random = new SeededRandom(seed)
  const values = [0, -0, 1, -1, 63, -64, 64, -65, 2 ** 52 - 1, -(2 ** 52)]
  for (let i = 0; i < 2000; i++) {
    const magnitude = (random.below(2 ** 26) * 2 ** 26 + random.below(2 ** 26)) / 2 ** random.below(52)
    values.push((i % 2 === 0 ? 1 : -1) * Math.floor(magnitude))
  }
  for (const value of values) {
    assert.equal(new ByteReader(new ByteWriter(1).svarint(value).finish(), 'test').svarint(), value + 0)
  }
})

it('writes no number that cannot be read back', () => {
  for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    assert.throws(() => new ByteWriter().varint(value), AssertionError)
  }
  for (const value of [2 ** 52, -(2 ** 52) - 1, 0.25]) assert.throws(() => new ByteWriter().svarint(value), AssertionError)
})

it('refuses other forms, numbers above the limit and short input', () => {
  assert.throws(() => reader(0x80, 0x00).varint(), isDamage, 'not the shortest form')
  assert.throws(() => reader(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f).varint(), isDamage, '2^54 - 1')
  assert.throws(() => reader(...new Array<number>(9).fill(0x80), 1).varint(), isDamage, 'too long')
  assert.throws(() => reader(5).varint(4), isDamage)
  assert.throws(() => reader(0x80).varint(), isDamage)
  assert.throws(() => reader(0).varint(-1), isDamage, 'a limit below 0 admits nothing')
  assert.throws(() => reader(1, 2, 3).u32(), isDamage)
  assert.throws(() => reader(4, 1, 2, 3).bytes(100), isDamage)
  assert.throws(() => reader(3, 1, 2, 3).bytes(2), isDamage)
  assert.throws(() => reader(1, 2).end(), isDamage)
})

it('every read of random bytes ends: with a value or a VaultError', () => {
  const random = new SeededRandom(seed)
  for (let round = 0; round < 3000; round++) {
    const read = new ByteReader(random.bytes(random.below(40)), 'test')
    const before = read.remaining
    try {
      for (;;) {
        const at = read.offset
        const action = random.below(7)
        if (action === 0) read.u8()
        else if (action === 1) read.u16()
        else if (action === 2) read.u32()
        else if (action === 3) read.u64()
        else if (action === 4) assert.ok(Number.isSafeInteger(read.varint()))
        else if (action === 5) assert.ok(Number.isSafeInteger(read.svarint()))
        else assert.ok(read.bytes(30).length <= 30)
        assert.ok(read.offset > at && read.offset + read.remaining === before)
      }
    } catch (error) {
      assert.ok(isDamage(error), String(error))
    }
  }
})

it('a writer grows, resets and keeps what finish() gave', () => {
  const writer = new ByteWriter(1)
  writer.u8(1).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d0e0fn).bytes(Uint8Array.of(9, 9))
  const first = writer.finish()
  assert.equal(Buffer.from(first).toString('hex'), '01030207060504' + '0f0e0d0c0b0a0908' + '020909')
  writer.reset()
  writer.u8(7)
  assert.deepEqual([...writer.view()], [7])
  assert.equal(first[0], 1)
})
