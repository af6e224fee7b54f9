// Goal: an entry has one encoding, comes back as it was, and hostile bytes are VaultErrors without large allocations.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ByteReader } from '../../src/bytes/reader.ts'
import { ByteWriter } from '../../src/bytes/writer.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { encodeEntry, isSoundName, readEntry, readLinkRecord, writeEntry, writeLinkRecord } from '../../src/tree/entry-codec.ts'
import { randomEntry, randomInode, randomName } from '../support/random-entries.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const seed = testSeed()
console.log(`seed ${seed}`)

it('entries: decode and encode again gives the same bytes', () => {
  const random = new SeededRandom(seed)
  for (let round = 0; round < 5000; round++) {
    const bytes = encodeEntry(randomEntry(random, randomName(random)))
    const reader = new ByteReader(bytes, 'entry')
    const entry = readEntry(reader)
    reader.end()
    assert.deepEqual(Buffer.from(encodeEntry(entry)), Buffer.from(bytes))
  }
})

it('link records: the same', () => {
  const random = new SeededRandom(seed)
  for (let round = 0; round < 3000; round++) {
    const parents = Array.from({ length: random.below(5) }, () => Buffer.from(random.bytes(8)).readBigUInt64LE())
    const writer = new ByteWriter()
    const link = Buffer.from(random.bytes(8)).readBigUInt64LE()
    writeLinkRecord(writer, { link, nlink: random.below(9), parents, inode: randomInode(random, true) })
    const reader = new ByteReader(writer.finish(), 'record')
    const record = readLinkRecord(reader)
    reader.end()
    const again = new ByteWriter()
    writeLinkRecord(again, record)
    assert.deepEqual(again.finish(), writer.finish())
  }
})

it('what decodes after a flip encodes to the same bytes again, or is refused', () => {
  const random = new SeededRandom(seed + 1)
  let sound = 0
  let other = 0
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from(encodeEntry(randomEntry(random, Buffer.from(`n${random.below(1000)}`))))
    const at = random.below(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
    try {
      const reader = new ByteReader(bytes, 'entry')
      const entry = readEntry(reader)
      reader.end()
      const writer = new ByteWriter()
      writeEntry(writer, entry)
      if (Buffer.compare(writer.finish(), bytes) === 0) sound++
      else other++ // owner names that are not UTF-8, extension fields: dropped or replaced
    } catch (error) {
      assert.ok(isVaultError(error, 'vault-damaged', 'vault-newer'), String(error))
    }
  }
  assert.ok(sound > 1000)
  assert.ok(other < sound / 10, `${other} of ${sound} have another encoding`)
})

it('names that cannot be are refused', () => {
  for (const name of ['', '.', '..', 'a/b', '/', 'a\0', '\0']) assert.equal(isSoundName(Buffer.from(name)), false, JSON.stringify(name))
  for (const name of ['...', '.a', '..a', ' ', '\\', 'a\nb', '\u00e4']) assert.ok(isSoundName(Buffer.from(name)), JSON.stringify(name))
  assert.equal(isSoundName(new Uint8Array(4097).fill(0x61)), false)
  assert.ok(isSoundName(Uint8Array.of(0xff, 0xfe)))
})

it('huge counts in few bytes fail before anything is allocated', () => {
  const random = new SeededRandom(seed + 2)
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
  for (let round = 0; round < 5000; round++) {
    const bytes = Uint8Array.from([1, 0x61, ...random.bytes(2), ...new Array<number>(random.below(6)).fill(0xff), ...random.bytes(30)])
    for (const read of [readEntry, readLinkRecord]) {
      try {
        read(new ByteReader(bytes, 'x'))
      } catch (error) {
        assert.ok(isVaultError(error), String(error))
      }
    }
  }
  const grown = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before
  assert.ok(grown < 200 * 2 ** 20, `${grown} bytes`)
})
