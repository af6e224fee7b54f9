// Goal: a blob that came wrong once, or was moved since the index was loaded, is still read right.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/async/clock.ts'
import { FaultyBackend } from '../../src/backend/faulty.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { BlockBackend } from '../../src/cache/block-backend.ts'
import { BlockStore } from '../../src/cache/block-store.ts'
import { VaultView } from '../../src/mount/vault-view.ts'
import { Repository } from '../../src/repository/repository.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { makeVault, storeSnapshot, type MadeVault } from '../support/vault-maker.ts'

const bytes = new SeededRandom(3).bytes(5000)
const TIME_MS = Date.UTC(2026, 5, 1)

const vaultOf = async (): Promise<MadeVault & { backend: MemoryBackend }> => {
  const backend = new MemoryBackend()
  return { ...(await makeVault(backend)), backend }
}

test('what is damaged on its way here is fetched again, and does not stay on the disk', async (t) => {
  const vault = await vaultOf()
  await storeSnapshot(vault, { f: { bytes } }, { serverTimeMs: TIME_MS })
  const directory = mkdtempSync(join(tmpdir(), 's3vault-view-'))
  t.after(() => rmSync(directory, { recursive: true }))
  let faults = 1
  // The bit in the middle of the pack's one block.
  const faulty = new FaultyBackend(vault.backend, ({ method, name }) =>
    (method === 'get' && name.startsWith('packs/d/') && faults-- > 0 ? { kind: 'corrupt' } : undefined), systemClock)
  const store = new BlockStore(directory, 2 ** 30)
  const packBytes = (id: string): number | undefined => {
    const packNumber = repository.index.numberOf(id as never)
    return packNumber === undefined ? undefined : repository.index.packs[packNumber]?.sizeBytes
  }
  const blocks = new BlockBackend(faulty, store, packBytes)
  const repository = new Repository(blocks, vault)
  const view = new VaultView({ repository, blocks, isShown: () => true, onProblem: (error) => assert.fail(String(error)) })
  const id = vault.keys.blobId('data', bytes)
  assert.deepEqual(new Uint8Array(await view.load('data', id)), bytes)
  assert.ok(faults < 0, 'the fault was met')
  await blocks.close()
})

test('what was added to the index since it was loaded is found', async () => {
  const vault = await vaultOf()
  await storeSnapshot(vault, { f: { bytes: new Uint8Array(10) } }, { serverTimeMs: TIME_MS })
  const view = new VaultView({ repository: new Repository(vault.backend, vault), isShown: () => true, onProblem: (error) => assert.fail(String(error)) })
  await view.load('data', vault.keys.blobId('data', new Uint8Array(10)))
  await storeSnapshot(vault, { f: { bytes } }, { serverTimeMs: TIME_MS + 1000 })
  assert.deepEqual(new Uint8Array(await view.load('data', vault.keys.blobId('data', bytes))), bytes)
  await assert.rejects(view.load('data', vault.keys.blobId('data', new Uint8Array(11))), /is in no indexed pack/)
})
