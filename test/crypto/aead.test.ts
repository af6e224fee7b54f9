// Goal: both sealings are the published ciphers, byte for byte, and authenticate every bit.
// Method: an independent implementation (@noble/ciphers), and a vector of the draft.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { openLong, openShort, sealInto, sealLong, SEAL_OVERHEAD_BYTES, XSEAL_OVERHEAD_BYTES } from '../../src/crypto/aead.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const seed = testSeed()
console.log(`seed ${seed}`)

const fixed = (bytes: Uint8Array): { bytes: () => Uint8Array } => ({ bytes: () => bytes })

it('draft-irtf-cfrg-xchacha-03, appendix A.3.1', () => {
  const key = Buffer.from('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f', 'hex')
  const nonce = Buffer.from('404142434445464748494a4b4c4d4e4f5051525354555657', 'hex')
  const aad = Buffer.from('50515253c0c1c2c3c4c5c6c7', 'hex')
  const plain = Buffer.from(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  )
  const sealed = Buffer.from(sealLong(key, fixed(nonce), aad, plain)).toString('hex')
  assert.equal(sealed.slice(48, 80), 'bd6d179d3e83d43b9576579493c0e939')
  assert.equal(sealed.slice(-32), 'c0875924c1c7987947deafd8780acf49')
})

it('equals @noble/ciphers for random lengths', () => {
  const random = new SeededRandom(seed)
  for (let round = 0; round < 300; round++) {
    const key = random.bytes(32)
    const aad = random.bytes(random.below(100))
    const plain = random.bytes(round < 70 ? round : random.below(5000))
    const xnonce = random.bytes(24)
    const long = sealLong(key, fixed(xnonce), aad, plain)
    assert.equal(long.length, plain.length + XSEAL_OVERHEAD_BYTES)
    assert.deepEqual(Buffer.from(long.subarray(24)), Buffer.from(xchacha20poly1305(key, xnonce, aad).encrypt(plain)))
    assert.deepEqual(Buffer.from(openLong(key, aad, long) ?? []), Buffer.from(plain))
    const nonce = random.bytes(12)
    const short = new Uint8Array(plain.length + SEAL_OVERHEAD_BYTES + 7).fill(0xee)
    assert.equal(sealInto(key, nonce, aad, plain, short, 3), plain.length + SEAL_OVERHEAD_BYTES)
    const sealed = short.subarray(3, short.length - 4)
    assert.deepEqual(Buffer.from(sealed.subarray(12)), Buffer.from(chacha20poly1305(key, nonce, aad).encrypt(plain)))
    assert.deepEqual(Buffer.from(openShort(key, aad, sealed) ?? []), Buffer.from(plain))
    assert.deepEqual([...short.subarray(0, 3), ...short.subarray(-4)], new Array(7).fill(0xee), 'writes its place only')
  }
})

it('every flipped bit, every cut, another key and other additional data are refused', () => {
  const random = new SeededRandom(seed)
  const key = random.bytes(32)
  const aad = random.bytes(9)
  const long = sealLong(key, random, aad, random.bytes(40))
  const short = new Uint8Array(40 + SEAL_OVERHEAD_BYTES)
  sealInto(key, random.bytes(12), aad, random.bytes(40), short, 0)
  for (const [open, sealed] of [[openLong, long], [openShort, short]] as const) {
    assert.ok(open(key, aad, sealed))
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Uint8Array.from(sealed)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.equal(open(key, aad, flipped), undefined)
    }
    for (let length = 0; length < sealed.length; length++) assert.equal(open(key, aad, sealed.subarray(0, length)), undefined)
    assert.equal(open(random.bytes(32), aad, sealed), undefined)
    assert.equal(open(key, aad.subarray(1), sealed), undefined)
  }
})
