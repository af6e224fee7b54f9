// Goal: an envelope opens only as what it is: kind, name, vault, epoch; every bit counts.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ENVELOPE_KINDS, openEnvelope, sealEnvelope, type EnvelopeKind } from '../../src/crypto/envelope.ts'
import { Keyring } from '../../src/crypto/keyring.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { vaultId } from '../../src/ids/ids.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const seed = testSeed()
console.log(`seed ${seed}`)
const random = new SeededRandom(seed)
const vault = vaultId('0123456789abcdef0123456789abcdef')
const master = random.bytes(32)
const keys = new Keyring({ vault, masters: [{ epoch: 1, master }] })
const isRefused = (error: unknown): boolean => isVaultError(error, 'vault-damaged', 'vault-newer')
const open = (bytes: Uint8Array): Uint8Array => openEnvelope(keys, 'pin', 'pins/a', bytes, 'pin')

it('round trip of every kind and length', () => {
  for (const kind of Object.keys(ENVELOPE_KINDS) as EnvelopeKind[]) {
    for (const length of [0, 1, 15, 16, 17, 5000]) {
      const plain = random.bytes(length)
      const sealed = sealEnvelope(keys, random, kind, 'a/b', plain)
      assert.deepEqual(Buffer.from(openEnvelope(keys, kind, 'a/b', sealed, 'x')), Buffer.from(plain))
    }
  }
})

it('every flipped bit and every cut is refused', () => {
  const sealed = sealEnvelope(keys, random, 'pin', 'pins/a', random.bytes(30))
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const flipped = Uint8Array.from(sealed)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert.throws(() => open(flipped), isRefused, `bit ${bit}`)
  }
  for (let length = 0; length < sealed.length; length++) assert.throws(() => open(sealed.subarray(0, length)), isRefused)
  assert.throws(() => open(Buffer.concat([sealed, Buffer.alloc(1)])), isRefused)
})

it('is bound to kind, name and vault', () => {
  const sealed = sealEnvelope(keys, random, 'pin', 'pins/a', random.bytes(30))
  assert.throws(() => openEnvelope(keys, 'session', 'pins/a', sealed, 'x'), isRefused)
  assert.throws(() => openEnvelope(keys, 'pin', 'pins/b', sealed, 'x'), isRefused)
  const other = new Keyring({ vault: vaultId('f'.repeat(32)), masters: [{ epoch: 1, master }] })
  assert.throws(() => openEnvelope(other, 'pin', 'pins/a', sealed, 'x'), isRefused)
  const asSession = Uint8Array.from(sealed)
  asSession[5] = ENVELOPE_KINDS.session
  assert.throws(() => openEnvelope(keys, 'session', 'pins/a', asSession, 'x'), isRefused, 'kinds have keys of their own')
})

it('old epochs stay readable with the new key, new ones are unreadable with the old', () => {
  const rotated = new Keyring({ vault, masters: [{ epoch: 1, master }, { epoch: 2, master: random.bytes(32) }] })
  const old = sealEnvelope(keys, random, 'pin', 'pins/a', Uint8Array.of(1))
  const young = sealEnvelope(rotated, random, 'pin', 'pins/a', Uint8Array.of(2))
  assert.deepEqual([...openEnvelope(rotated, 'pin', 'pins/a', old, 'x')], [1])
  assert.deepEqual([...openEnvelope(rotated, 'pin', 'pins/a', young, 'x')], [2])
  assert.throws(() => open(young), (error) => isVaultError(error, 'vault-damaged') && /epoch 2/.test(error.message))
})
