// Goal: every blob comes back as it was; hostile bytes give a VaultError and no more memory than was promised.
import assert from 'node:assert/strict'
import { createHash, randomInt } from 'node:crypto'
import { test } from 'node:test'
import { deflateRawSync, inflateRawSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { AssertionError } from '../../src/errors/assert.ts'
import { VaultError, type ErrorCode } from '../../src/errors/vault-error.ts'
import { BLOB_RAW_BYTES_MAX } from '../../src/limits/limits.ts'
import {
  CODEC_DEFLATE, CODEC_NONE, CODEC_ZSTD, compress, decompress, type CompressionPreference,
} from '../../src/compress/codec.ts'

const seed = Number(process.env.SEED ?? randomInt(1, 2 ** 31))
console.log(`codec.test: SEED=${seed}`)

function numbers(state: number): (end: number) => number {
  let index = 0
  return (end) => createHash('sha256').update(`${state}/${index++}`).digest().readUIntBE(0, 6) % end
}

function randomBlob(state: number, lengthBytes: number): Uint8Array {
  const outputLength = Math.max(lengthBytes, 1)
  return createHash('shake256', { outputLength }).update(`${state}`).digest().subarray(0, lengthBytes)
}

/** Words from a small dictionary: compresses to about a third. */
function textBlob(state: number, lengthBytes: number): Uint8Array {
  const random = randomBlob(state, Math.ceil(lengthBytes / 2) + 1)
  const words = Array.from({ length: 256 }, (_, index) => {
    return createHash('md5').update(`${index}`).digest('hex').slice(0, 2 + (index % 9))
  })
  let text = ''
  for (let at = 0; text.length < lengthBytes; at++) text += `${words[random[at] ?? 0]} `
  return Buffer.from(text.slice(0, lengthBytes))
}

const ZSTD: CompressionPreference = { codec: 'zstd', level: 3 }
const DEFLATE: CompressionPreference = { codec: 'deflate', level: 6 }
const PREFERENCES: readonly CompressionPreference[] = [
  { codec: 'none' }, ZSTD, { codec: 'zstd', level: 1 }, { codec: 'zstd', level: 19 }, DEFLATE, { codec: 'deflate', level: 1 },
]
const LENGTHS = [0, 1, 63, 64, 65, 1000, 1024, 1025, 8192, 65535, 65536, 100_000, 1_048_577]

function failsWith(code: ErrorCode, run: () => unknown, title?: string): void {
  assert.throws(run, (error) => error instanceof VaultError && error.code === code && !error.message.includes('\n'), title)
}

test('every kind and length of blob comes back, by every preference', () => {
  for (const preference of PREFERENCES) {
    for (const lengthBytes of LENGTHS) {
      for (const [kind, raw] of Object.entries({
        text: textBlob(seed, lengthBytes), random: randomBlob(seed, lengthBytes), zeros: new Uint8Array(lengthBytes),
      })) {
        const { codec, bytes } = compress(raw, preference)
        const title = `${kind}, ${lengthBytes} bytes, ${JSON.stringify(preference)}`
        assert.ok(Buffer.from(decompress(bytes, codec, raw.length)).equals(raw), title)
        if (codec === CODEC_NONE) assert.equal(bytes, raw, title)
        else assert.ok(bytes.length <= raw.length * 0.97, title)
        if (kind === 'random') assert.equal(codec, CODEC_NONE, title)
        else if (lengthBytes >= 1000 && preference.codec !== 'none') assert.notEqual(codec, CODEC_NONE, title)
      }
    }
  }
})

test('what other implementations make is read, and they read ours', () => {
  const raw = textBlob(seed, 200_000)
  assert.deepEqual(decompress(deflateRawSync(raw), CODEC_DEFLATE, raw.length), new Uint8Array(raw))
  assert.ok(inflateRawSync(compress(raw, DEFLATE).bytes).equals(raw))
  assert.ok(zstdDecompressSync(compress(raw, ZSTD).bytes).equals(raw))
})

test('a blob that compresses by less than 3 % is stored as it is, by a little more it is not', () => {
  const mixed = (textShare: number): Uint8Array => {
    const textBytes = Math.floor(400_000 * textShare)
    return Buffer.concat([textBlob(seed, textBytes), randomBlob(seed, 400_000 - textBytes)])
  }
  assert.equal(compress(mixed(0.02), ZSTD).codec, CODEC_NONE)
  assert.equal(compress(mixed(0.2), ZSTD).codec, CODEC_ZSTD)
})

test('a wrong length is vault-damaged', () => {
  const raw = textBlob(seed, 50_000)
  for (const preference of [{ codec: 'none' } as const, ZSTD, DEFLATE]) {
    const { codec, bytes } = compress(raw, preference)
    const lengths = [0, 1, bytes.length - 1, 49_999, 50_001, BLOB_RAW_BYTES_MAX, BLOB_RAW_BYTES_MAX + 1, -1, 1.5, NaN, Infinity]
    for (const lengthBytes of lengths) {
      failsWith('vault-damaged', () => decompress(bytes, codec, lengthBytes), `codec ${codec}, length ${lengthBytes}`)
    }
  }
})

test('an unknown codec is vault-newer', () => {
  for (const codec of [3, 4, 7, 255, -1, 1.5, NaN]) {
    failsWith('vault-newer', () => decompress(new Uint8Array(5), codec, 10))
  }
})

test('a bomb and a frame that claims a huge window stay within the promised memory', () => {
  const rawLengthBytes = 10_000
  const zeros = new Uint8Array(64 * 1024 * 1024)
  const flat = textBlob(seed, rawLengthBytes)
  // RFC 8878: magic, a descriptor without content size, the window, and one block that repeats a byte 10,000 times.
  const block = [0, 8, 16].map((at) => (((rawLengthBytes << 3) | 3) >> at) & 0xff)
  const frame = (windowLog: number): Uint8Array =>
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, (windowLog - 10) << 3, ...block, 7])
  assert.ok(Buffer.alloc(rawLengthBytes, 7).equals(decompress(frame(14), CODEC_ZSTD, rawLengthBytes)))
  const cases: [string, number, Uint8Array][] = [
    ['zstd bomb', CODEC_ZSTD, zstdCompressSync(zeros).subarray(0, rawLengthBytes - 1)],
    ['zstd window of 32 KiB', CODEC_ZSTD, frame(15)],
    ['zstd window of 128 MiB', CODEC_ZSTD, frame(27)],
    ['deflate bomb', CODEC_DEFLATE, deflateRawSync(zeros).subarray(0, rawLengthBytes - 1)],
    ['two frames', CODEC_ZSTD, Buffer.concat([zstdCompressSync(flat), zstdCompressSync(flat)])],
  ]
  const before = process.memoryUsage().arrayBuffers
  for (const [title, codec, bytes] of cases) failsWith('vault-damaged', () => decompress(bytes, codec, rawLengthBytes), title)
  const grownBytes = process.memoryUsage().arrayBuffers - before
  assert.ok(grownBytes < 1024 * 1024, `grew by ${grownBytes} bytes`)
})

test('flipped, truncated, extended and random bytes give the blob, other bytes of its length, or vault-damaged', () => {
  const below = numbers(seed)
  let damaged = 0
  for (let round = 0; round < 3000; round++) {
    const raw = textBlob(below(1000), 100 + below(3000))
    const { codec, bytes } = compress(raw, round % 2 === 0 ? ZSTD : DEFLATE)
    assert.notEqual(codec, CODEC_NONE)
    let hostile = new Uint8Array(bytes)
    const way = below(4)
    if (way === 0) for (let flips = 1 + below(4); flips > 0; flips--) hostile[below(hostile.length)] = below(256)
    else if (way === 1) hostile = hostile.subarray(0, below(hostile.length))
    else if (way === 2) hostile = new Uint8Array([...hostile, ...randomBlob(round, 1 + below(20))])
    else hostile = new Uint8Array(randomBlob(round + seed, below(raw.length)))
    try {
      assert.equal(decompress(hostile, codec, raw.length).length, raw.length)
    } catch (error) {
      assert.ok(error instanceof VaultError && error.code === 'vault-damaged', `round ${round}: ${String(error)}`)
      damaged++
    }
  }
  assert.ok(damaged > 1500, `${damaged} of 3000 were refused`)
})

test('our own mistakes are assertions', () => {
  const raw = textBlob(seed, 1000)
  for (const level of [0, 20, 1.5]) assert.throws(() => compress(raw, { codec: 'zstd', level }), AssertionError)
  for (const level of [0, 10, 1.5]) assert.throws(() => compress(raw, { codec: 'deflate', level }), AssertionError)
  assert.throws(() => compress(new Uint8Array(BLOB_RAW_BYTES_MAX + 1), ZSTD), AssertionError)
})
