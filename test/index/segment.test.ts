// Goal: a segment repeats packs exactly; damaged ones are refused; authentic nonsense never crashes or hangs.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { it } from 'node:test'
import { sealEnvelope } from '../../src/crypto/envelope.ts'
import { Keyring } from '../../src/crypto/keyring.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { blobId, packId, segmentId, toHex, vaultId } from '../../src/ids/ids.ts'
import {
  decodePack, encodePack, openSegment, parseSegmentName, sealSegment, segmentName, type IndexedPack,
} from '../../src/index/segment.ts'
import { VaultIndex } from '../../src/index/vault-index.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const seed = testSeed()
console.log(`seed ${seed}`)
const random = new SeededRandom(seed)
const keys = new Keyring({ vault: vaultId('0123456789abcdef0123456789abcdef'), masters: [{ epoch: 1, master: random.bytes(32) }] })

function randomPack(): IndexedPack {
  const keyCount = 1 + random.below(4)
  let offset = 16
  const entries = Array.from({ length: random.below(50) }, () => {
    const length = 28 + random.below(100_000)
    const entry = {
      id: blobId(random.bytes(32)), type: 'data' as const, keyIndex: random.below(keyCount), offset, length, codec: random.below(8),
      rawLength: random.below(2 ** 26 - 1024),
    }
    offset += length
    return entry
  })
  return {
    id: packId(toHex(random.bytes(32))), kind: random.below(2) === 0 ? 'data' : 'metadata', sizeBytes: offset + 500,
    keys: Array.from({ length: keyCount }, () =>
      ({ form: random.below(3), domain: random.below(3), epoch: 1, wrapped: random.bytes(72) })),
    entries,
  }
}

it('round trip, into an index that finds every blob', () => {
  for (let round = 0; round < 50; round++) {
    const packs = Array.from({ length: random.below(10) }, randomPack)
    for (const pack of packs) assert.deepEqual(decodePack(encodePack(pack)), pack)
    const supersedes = Array.from({ length: random.below(3) }, () => segmentId(toHex(random.bytes(32))))
    const { id, bytes } = sealSegment(keys, random, { supersedes, packs: packs.map(encodePack) })
    assert.equal(parseSegmentName(segmentName(id)), id)
    const segment = openSegment(keys, id, bytes)
    assert.deepEqual(segment.supersedes, supersedes)
    const index = new VaultIndex(100)
    index.addSegment(id, segment)
    index.addSegment(id, segment) // again: nothing doubles
    assert.equal(index.table.count, packs.reduce((sum, { entries }) => sum + entries.length, 0))
    for (const pack of packs) {
      for (const entry of pack.entries) {
        const [location, other] = index.locate(entry.id)
        assert.equal(other, undefined)
        assert.ok(location)
        const { offset, length, codec, rawLength, keyIndex } = location
        assert.deepEqual({ offset, length, codec, rawLength, keyIndex }, {
          offset: entry.offset, length: entry.length, codec: entry.codec, rawLength: entry.rawLength, keyIndex: entry.keyIndex,
        })
        assert.equal(location.pack.id, pack.id)
        assert.deepEqual(Buffer.from(location.key.wrapped), Buffer.from(pack.keys[entry.keyIndex]?.wrapped ?? []))
      }
    }
  }
})

it('key tables in the index do not keep the segment in memory', () => {
  const { id, bytes } = sealSegment(keys, random, { supersedes: [], packs: [randomPack(), randomPack()].map(encodePack) })
  const index = new VaultIndex(100)
  index.addSegment(id, openSegment(keys, id, bytes))
  for (const pack of index.packs) for (const key of pack.keys) assert.equal(key.wrapped.buffer.byteLength, key.wrapped.byteLength)
})

it('any damage is refused by the name alone, and another name too', () => {
  const { id, bytes } = sealSegment(keys, random, { supersedes: [], packs: [encodePack(randomPack())] })
  for (let round = 0; round < 500; round++) {
    const flipped = new Uint8Array(bytes)
    const at = random.below(bytes.length)
    flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8))
    assert.throws(() => openSegment(keys, id, flipped), (error) => isVaultError(error, 'vault-damaged'))
  }
  assert.throws(() => openSegment(keys, segmentId('0'.repeat(64)), bytes), (error) => isVaultError(error, 'vault-damaged'))
})

it('authentic but malformed payloads are VaultErrors, also when they decode into an index', () => {
  const sound = (() => {
    const { id, bytes } = sealSegment(keys, random, { supersedes: [], packs: [randomPack(), randomPack()].map(encodePack) })
    assert.ok(openSegment(keys, id, bytes))
    return [randomPack(), randomPack()].map(encodePack)
  })()
  const payload = Buffer.concat([
    Buffer.from([1, 0, 2]),
    ...sound.flatMap(({ id, kind, keyTable, directory }) => [
      Buffer.from(id, 'hex'), Buffer.from([kind === 'data' ? 1 : 2, 0x80, 0x80, 0x80, 0x7f]), keyTable, directory,
    ]),
  ])
  for (let round = 0; round < 3000; round++) {
    const plain = round % 3 === 0 ? Buffer.from([1, ...random.bytes(random.below(300))]) : Buffer.from(payload)
    const at = random.below(plain.length)
    if (round % 3 !== 0) plain[at] = (plain[at] ?? 0) ^ (1 << random.below(8))
    const bytes = sealEnvelope(keys, random, 'index', 'index', plain)
    const id = segmentId(createHash('sha256').update(bytes).digest('hex'))
    try {
      new VaultIndex(100).addSegment(id, openSegment(keys, id, bytes))
    } catch (error) {
      assert.ok(isVaultError(error, 'vault-damaged', 'vault-newer'), String(error instanceof Error ? error.stack : error))
    }
  }
})

it('condemned packs are no place for anything new, but are still read', () => {
  const pack = randomPack()
  const other = { ...randomPack(), entries: pack.entries, keys: pack.keys, sizeBytes: pack.sizeBytes }
  const index = new VaultIndex(100)
  index.addPack(pack)
  index.addPack(other)
  for (const { id } of pack.entries) {
    assert.equal(index.locate(id).length, 2)
    assert.ok(index.use(id))
  }
  index.condemn([pack.id])
  for (const { id } of pack.entries) assert.equal(index.locate(id)[0]?.pack.id, other.id)
  index.condemn([other.id, packId('0'.repeat(64))])
  for (const { id } of pack.entries) {
    assert.equal(index.use(id), false)
    assert.equal(index.locate(id).length, 2)
  }
  const late = { ...randomPack(), id: packId('0'.repeat(64)) }
  index.addPack(late)
  for (const { id } of late.entries) assert.equal(index.use(id), false, 'condemned before it was known')
})
