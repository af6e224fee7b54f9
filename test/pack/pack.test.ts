// Goal: what a pack holds comes back, through its own directory and through copies of sealed blobs; no damage to any byte
// crashes a reader or yields wrong data.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { compress, decompress } from '../../src/compress/codec.ts'
import { BlobOpener, BlobSealer } from '../../src/crypto/data-key.ts'
import { Keyring, type BlobType } from '../../src/crypto/keyring.ts'
import { AssertionError } from '../../src/errors/assert.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { toHex, vaultId, type BlobId } from '../../src/ids/ids.ts'
import { packName, parsePackName } from '../../src/pack/layout.ts'
import { readPackTail, type PackContents } from '../../src/pack/pack-reader.ts'
import { PackWriter, type SealedPack } from '../../src/pack/pack-writer.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const seed = testSeed()
console.log(`seed ${seed}`)
const random = new SeededRandom(seed)
const keys = new Keyring({ vault: vaultId('0123456789abcdef0123456789abcdef'), masters: [{ epoch: 1, master: random.bytes(32) }] })

interface Blob {
  readonly type: BlobType
  readonly id: BlobId
  readonly plain: Uint8Array
}

function randomBlob(lengthMax: number): Blob {
  const type = (['data', 'tree', 'content', 'xattr', 'links'] as const)[random.below(5)] ?? 'data'
  const length = random.below(lengthMax)
  const plain = random.below(2) === 0 ? random.bytes(length) : new Uint8Array(length).fill(random.below(256))
  return { type, id: keys.blobId(type, plain), plain }
}

function addTo(writer: PackWriter, { type, id, plain }: Blob): void {
  const { codec, bytes } = compress(plain, { codec: 'zstd', level: 3 })
  writer.add(type, id, bytes, codec, plain.length)
}

function pack(blobs: readonly Blob[], bufferBytes = 1 << 20, kind: 'data' | 'metadata' = 'metadata'): SealedPack {
  const writer = new PackWriter(kind, keys.vault, new BlobSealer(keys, random), new Uint8Array(bufferBytes))
  for (const blob of blobs) addTo(writer, blob)
  return writer.finish()
}

function contentsOf(bytes: Uint8Array, kind: 'data' | 'metadata' = 'metadata', ring = keys): PackContents {
  const contents = readPackTail(ring.vault, new BlobOpener(ring), kind, bytes, bytes.length, 'pack')
  assert.ok(typeof contents === 'object')
  return contents
}

/** Plain bytes of every blob that opens, by id. Throws only VaultErrors. */
function readBack(bytes: Uint8Array): Map<string, Buffer> {
  const { keys: table, entries } = contentsOf(bytes)
  const opener = new BlobOpener(keys)
  const read = new Map<string, Buffer>()
  for (const entry of entries) {
    const key = table[entry.keyIndex]
    assert.ok(key)
    const stored = opener.openBlob(key, entry.type, entry.id, bytes.subarray(entry.offset, entry.offset + entry.length))
    const plain = decompress(stored, entry.codec, entry.rawLength)
    assert.deepEqual(keys.blobId(entry.type, plain), entry.id)
    read.set(toHex(entry.id), Buffer.from(plain))
  }
  return read
}

it('round trip', () => {
  for (let round = 0; round < 100; round++) {
    const blobs = Array.from({ length: random.below(40) }, () => randomBlob(3000))
    const sealed = pack(blobs)
    const read = readBack(sealed.bytes)
    for (const { id, plain } of blobs) assert.deepEqual(read.get(toHex(id)), Buffer.from(plain))
    const name = packName('metadata', sealed.id)
    assert.deepEqual(parsePackName(name), { kind: 'metadata', id: sealed.id })
  }
})

it('a tail that is too short says how much it needs', () => {
  const { bytes } = pack(Array.from({ length: 30 }, () => randomBlob(500)))
  for (const length of [20, 21, 100]) {
    const needed = readPackTail(keys.vault, new BlobOpener(keys), 'metadata', bytes.subarray(-length), bytes.length, 'pack')
    assert.ok(typeof needed === 'number' && needed > length && needed < bytes.length)
    const contents = readPackTail(keys.vault, new BlobOpener(keys), 'metadata', bytes.subarray(-needed), bytes.length, 'pack')
    assert.ok(typeof contents === 'object' && contents.entries.length === 30)
  }
})

it('every byte changed: a VaultError or the right data', () => {
  const blobs = Array.from({ length: 5 }, () => randomBlob(80))
  const original = pack(blobs).bytes
  const sound = new Map(blobs.map(({ id, plain }) => [toHex(id), Buffer.from(plain)]))
  for (let at = 0; at < original.length; at++) {
    for (const mask of [1 << random.below(8), 0xff]) {
      const bytes = new Uint8Array(original)
      bytes[at] = (bytes[at] ?? 0) ^ mask
      try {
        for (const [id, plain] of readBack(bytes)) assert.deepEqual(plain, sound.get(id))
      } catch (error) {
        assert.ok(isVaultError(error, 'vault-damaged', 'vault-newer'), `byte ${at}: ${String(error)}`)
      }
    }
  }
  for (let length = 0; length < original.length; length++) {
    assert.throws(() => readBack(original.slice(0, length)), (error) => isVaultError(error), `cut to ${length}`)
  }
})

it('random bytes with a sound footer are VaultErrors', () => {
  const { bytes } = pack([randomBlob(50)])
  for (let round = 0; round < 3000; round++) {
    const hostile = Buffer.concat([random.bytes(random.below(300)), bytes.subarray(-20)])
    hostile.writeUInt32LE(random.below(400), hostile.length - 20)
    hostile.writeUInt32LE(random.below(400), hostile.length - 16)
    hostile.writeUInt16LE(random.below(4), hostile.length - 12)
    assert.throws(() => readPackTail(keys.vault, new BlobOpener(keys), 'metadata', hostile, hostile.length, 'pack'),
      (error) => isVaultError(error), `round ${round}`)
  }
})

it('is bound to its kind and vault, a blob to its type and id', () => {
  const blob = randomBlob(100)
  const { bytes } = pack([blob])
  assert.throws(() => contentsOf(bytes, 'data'), (error) => isVaultError(error, 'vault-damaged'))
  const other = new Keyring({ vault: vaultId('f'.repeat(32)), masters: keys.material.masters })
  assert.throws(() => contentsOf(bytes, 'metadata', other), (error) => isVaultError(error, 'vault-damaged'))
  const { keys: [key], entries: [entry] } = contentsOf(bytes)
  assert.ok(key && entry)
  const sealed = bytes.subarray(entry.offset, entry.offset + entry.length)
  const opener = new BlobOpener(keys)
  opener.openBlob(key, entry.type, entry.id, sealed)
  const wrongType = entry.type === 'data' ? 'tree' : 'data'
  assert.throws(() => opener.openBlob(key, wrongType, entry.id, sealed), (error) => isVaultError(error, 'vault-damaged'))
  const wrongId = keys.blobId('data', random.bytes(3))
  assert.throws(() => opener.openBlob(key, entry.type, wrongId, sealed), (error) => isVaultError(error, 'vault-damaged'))
})

it('sealed blobs of several packs copied into one stay readable', () => {
  const sources = Array.from({ length: 4 }, () => Array.from({ length: 1 + random.below(6) }, () => randomBlob(300)))
  const writer = new PackWriter('metadata', keys.vault, new BlobSealer(keys, random), new Uint8Array(1 << 20))
  for (const blobs of sources) {
    const { bytes } = pack(blobs)
    const { keys: table, entries } = contentsOf(bytes)
    for (const entry of entries) {
      const key = table[entry.keyIndex]
      assert.ok(key)
      writer.addSealed(entry, key, bytes.subarray(entry.offset, entry.offset + entry.length))
    }
    addTo(writer, randomBlob(100))
  }
  const read = readBack(writer.finish().bytes)
  for (const { id, plain } of sources.flat()) assert.deepEqual(read.get(toHex(id)), Buffer.from(plain))
})

it('fits() says truly what fits, down to small buffers', () => {
  for (const bufferBytes of [512, 1000, 4096, 65536]) {
    const writer = new PackWriter('data', keys.vault, new BlobSealer(keys, random), new Uint8Array(bufferBytes))
    let count = 0
    for (;;) {
      const blob = randomBlob(60)
      if (!writer.fits(blob.plain.length)) break
      writer.add('data', blob.id, blob.plain, 0, blob.plain.length)
      count++
    }
    const tooLarge = new Uint8Array(bufferBytes)
    assert.throws(() => writer.add('data', keys.blobId('data', tooLarge), tooLarge, 0, bufferBytes), AssertionError)
    const { bytes } = writer.finish()
    assert.ok(bytes.length <= bufferBytes)
    assert.equal(contentsOf(bytes, 'data').entries.length, count)
  }
})

it('an empty pack reads back empty', () => {
  assert.equal(contentsOf(pack([]).bytes).entries.length, 0)
})
