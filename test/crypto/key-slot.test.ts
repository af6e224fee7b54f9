// Goal: a slot opens with its password only, and no change to it goes unnoticed or crashes.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { systemKdf, type Kdf } from '../../src/crypto/kdf.ts'
import { makeSlot, openSlot, parseSlot, slotKindOf } from '../../src/crypto/key-slot.ts'
import { formatSecret } from '../../src/crypto/secret-text.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { vaultId } from '../../src/ids/ids.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const seed = testSeed()
console.log(`seed ${seed}`)
const random = new SeededRandom(seed)
const vault = vaultId('0123456789abcdef0123456789abcdef')
const master = random.bytes(32)
/** Real argon2id at the least cost: its parameters stand in the slot but are not what these tests are about. */
const quickKdf: Kdf = { argon2id: (passphrase, salt) => systemKdf.argon2id(passphrase, salt, { memoryKiB: 8, passes: 1, lanes: 1 }) }
const make = (password: string): Promise<Uint8Array> =>
  makeSlot({ vault, master, epoch: 1, password, created: new Date(0), kdf: quickKdf, random })
const secret = formatSecret('secret', random.bytes(32))
const recovery = formatSecret('recovery', random.bytes(32))
const PASSWORDS = ['correct horse', secret, recovery]

it('opens with its own password and no other', async () => {
  for (const password of PASSWORDS) {
    const slot = parseSlot(await make(password), vault, 'slot')
    assert.equal(slot.kind, slotKindOf(password))
    assert.deepEqual((await openSlot(slot, password, quickKdf))?.master, master)
    for (const other of ['wrong', formatSecret('secret', random.bytes(32)), formatSecret('recovery', random.bytes(32)), ...PASSWORDS]) {
      if (other !== password) assert.equal(await openSlot(slot, other, quickKdf), undefined)
    }
  }
})

it('with the real parameters of a new slot', async () => {
  const bytes = await makeSlot({ vault, master, epoch: 1, password: 'real', created: new Date(0), kdf: systemKdf, random })
  assert.deepEqual((await openSlot(parseSlot(bytes, vault, 'slot'), 'real', systemKdf))?.master, master)
})

it('shows nothing of password or master key', async () => {
  const text = Buffer.from(await make('correct horse')).toString()
  assert.ok(!text.includes('correct') && !text.includes(Buffer.from(master).toString('hex')))
})

it('a change of any field is refused or does not open', async () => {
  for (const password of PASSWORDS) {
    const value = JSON.parse(Buffer.from(await make(password)).toString()) as Record<string, unknown>
    const flipHex = (hex: unknown): string => `${String(hex)[0] === '0' ? '1' : '0'}${String(hex).slice(1)}`
    const changes: Record<string, unknown>[] = [
      { vault: flipHex(value['vault']) }, { kind: 'random' }, { kind: 'recovery' },
      { kind: 'passphrase', argon2: undefined }, { epoch: 2 },
      { epoch: 0 }, { salt: flipHex(value['salt']) }, { commitment: flipHex(value['commitment']) },
      { wrapped: flipHex(value['wrapped']) },
      { wrapped: String(value['wrapped']).slice(2) }, { salt: 5 }, { version: 2 }, { version: undefined, vault: 7 },
    ].filter((change) => !('kind' in change) || change.kind !== value['kind'] || 'argon2' in change)
    for (const change of changes) {
      if (value['kind'] !== 'passphrase' && change['kind'] === 'passphrase') change['argon2'] = { memoryKiB: 64, passes: 1, lanes: 1 }
      let master: unknown
      try {
        const slot = parseSlot(Buffer.from(JSON.stringify({ ...value, ...change })), vault, 'slot')
        master = (await openSlot(slot, password, quickKdf))?.master
      } catch (error) {
        assert.ok(isVaultError(error, 'vault-damaged', 'vault-newer'), String(error))
      }
      assert.equal(master, undefined, JSON.stringify(change))
    }
  }
})

it('hostile slots are VaultErrors, before any hashing', async () => {
  const never: Kdf = { argon2id: () => assert.fail('hashed') }
  const value = JSON.parse(Buffer.from(await make('x')).toString()) as object
  const hostile: unknown[] = [
    null, 5, 'x', [], {}, { ...value, argon2: { memoryKiB: 2 ** 30, passes: 3, lanes: 4 } },
    { ...value, argon2: { memoryKiB: 64, passes: 1e9, lanes: 1 } },
    { ...value, argon2: null }, { ...value, argon2: 'x' }, { ...value, argon2: [] }, { ...value, kind: 3 },
  ]
  for (const slot of hostile) {
    const text = JSON.stringify(slot)
    assert.throws(() => parseSlot(Buffer.from(text), vault, 'slot'), (error) => isVaultError(error, 'vault-damaged'), text)
  }
  assert.throws(() => parseSlot(new Uint8Array(65537).fill(0x20), vault, 'slot'), (error) => isVaultError(error, 'vault-damaged'))
  const unknown = parseSlot(Buffer.from(JSON.stringify({ ...value, kind: 'smartcard' })), vault, 'slot')
  assert.equal(await openSlot(unknown, 'x', never), undefined, 'a kind of a later version is passed over')
})

it('random bytes and flipped bits never crash', async () => {
  const sound = await make(secret)
  for (let round = 0; round < 3000; round++) {
    const bytes = round % 3 === 0 ? random.bytes(random.below(500)) : Uint8Array.from(sound)
    const at = random.below(Math.max(bytes.length, 1))
    if (round % 3 !== 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
    try {
      const opened = await openSlot(parseSlot(bytes, vault, 'slot'), secret, quickKdf)
      if (opened) assert.deepEqual(opened.master, master)
    } catch (error) {
      assert.ok(isVaultError(error), String(error))
    }
  }
})
