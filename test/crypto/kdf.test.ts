// Goal: password hashing is argon2id of RFC 9106, and a hostile key slot cannot make it expensive.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { argon2id } from '@noble/hashes/argon2.js'
import { checkArgon2, systemKdf, type Argon2Parameters } from '../../src/crypto/kdf.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const seed = testSeed()
console.log(`seed ${seed}`)

it('equals @noble/hashes', async () => {
  const random = new SeededRandom(seed)
  for (const [memoryKiB, passes, lanes] of [[8, 1, 1], [64, 2, 1], [64, 1, 4], [200, 3, 3]] as const) {
    const salt = random.bytes(16)
    const password = `pass ${random.below(1e6)} é`
    const ours = await systemKdf.argon2id(password, salt, { memoryKiB, passes, lanes })
    const theirs = argon2id(Buffer.from(password.normalize('NFC')), salt, { m: memoryKiB, t: passes, p: lanes, dkLen: 32 })
    assert.deepEqual(Buffer.from(ours), Buffer.from(theirs))
  }
})

it('the same passphrase composed and decomposed is one', async () => {
  const parameters = { memoryKiB: 8, passes: 1, lanes: 1 }
  const salt = new Uint8Array(16)
  assert.deepEqual(await systemKdf.argon2id('\u00e9', salt, parameters), await systemKdf.argon2id('e\u0301', salt, parameters))
})

it('parameters out of bounds are refused before use', async () => {
  const sound: Argon2Parameters = { memoryKiB: 65536, passes: 3, lanes: 4 }
  assert.equal(checkArgon2(sound), sound)
  const hostile: readonly object[] = [
    { memoryKiB: 2 ** 21 }, { memoryKiB: 31 }, { memoryKiB: -1 }, { memoryKiB: 1e300 }, { memoryKiB: '65536' }, { passes: 0 },
    { passes: 17 }, { passes: 1.5 }, { lanes: 0 }, { lanes: 17 }, { lanes: Number.NaN }, { lanes: undefined },
  ]
  for (const change of hostile) {
    const parameters = { ...sound, ...change } as Argon2Parameters
    assert.throws(() => checkArgon2(parameters), (error) => isVaultError(error, 'vault-damaged'), JSON.stringify(change))
    await assert.rejects(systemKdf.argon2id('x', new Uint8Array(16), parameters), (error) => isVaultError(error, 'vault-damaged'))
  }
})
