// Goal: a remembered key slot saves requests and never opens what it should not, nor hides what is wrong with others.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { OpenedSlots } from '../../src/cache/opened-slots.ts'
import { systemKdf } from '../../src/crypto/kdf.ts'
import { objectName, type ObjectName } from '../../src/ids/ids.ts'
import { newSecret } from '../../src/repository/init.ts'
import { unlock } from '../../src/repository/unlock.ts'
import { makeVault, type MadeVault } from '../support/vault-maker.ts'

const scratch = mkdtempSync(join(tmpdir(), 's3vault-slots-'))
after(() => rmSync(scratch, { recursive: true }))
const memory = new OpenedSlots(scratch)
const backend = new MemoryBackend()
let vault: MadeVault

beforeEach(async () => {
  for await (const { name } of backend.list('')) await backend.delete(name)
  vault = await makeVault(backend)
})

async function open(password = vault.password): Promise<{ get: number; list: number }> {
  const { get, list } = { ...backend.counts }
  await unlock(backend, password, systemKdf, { memory })
  return { get: backend.counts.get - get, list: backend.counts.list - list }
}

function remembered(): ObjectName {
  const name = memory.recall(vault.config.vault)
  assert.ok(name)
  return name
}

test('the second opening reads config and one slot', async () => {
  assert.deepEqual(await open(), { get: 3, list: 1 })
  assert.deepEqual(await open(), { get: 2, list: 0 })
})

test('another password opens by another slot, and a wrong one by none', async () => {
  await open()
  assert.deepEqual(await open(vault.recoveryKey), { get: 4, list: 1 })
  assert.deepEqual(await open(vault.recoveryKey), { get: 2, list: 0 })
  await assert.rejects(open(newSecret()), { code: 'password-wrong' })
})

test('a slot that is revoked, damaged or was never one is looked for anew', async () => {
  await open()
  const slot = remembered()
  const bytes = await backend.get(slot)
  await backend.delete(slot)
  await assert.rejects(open(), { code: 'password-wrong' })
  await backend.put(slot, Buffer.from('damaged'))
  await assert.rejects(open(), (error: Error & { hint?: string }) => error.hint?.includes(slot) === true)
  await backend.delete(slot)
  await backend.put(slot, bytes)
  for (const text of ['', 'config', '../keys', `keys/${'0'.repeat(64)}`]) {
    writeFileSync(join(scratch, vault.config.vault, 'opened-slot'), text)
    await open()
  }
})

test('a memory that cannot be written or read costs requests only', async () => {
  mkdirSync(join(scratch, vault.config.vault, 'opened-slot'), { recursive: true })
  assert.deepEqual(await open(), { get: 3, list: 1 })
  assert.deepEqual(await open(), { get: 3, list: 1 })
  assert.equal(new OpenedSlots('/proc/none').recall(vault.config.vault), undefined)
  new OpenedSlots('/proc/none').remember(vault.config.vault, objectName(`keys/${'0'.repeat(64)}`))
})
