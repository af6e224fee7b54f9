// Goal: a storage that puts something huge in the place of a small object exhausts no memory: it is refused by its size,
// before it is read, and only that object counts as damaged. Method: a backend that says how much was asked of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { systemKdf } from '../../src/crypto/kdf.ts'
import { objectName } from '../../src/ids/ids.ts'
import { SEGMENT_BYTES_MAX, SMALL_OBJECT_BYTES_MAX } from '../../src/limits/limits.ts'
import { packName } from '../../src/pack/layout.ts'
import { Repository } from '../../src/repository/repository.ts'
import { readPackDirectory } from '../../src/repository/pack-adoption.ts'
import { readWholePack } from '../../src/repository/whole-pack.ts'
import { MarkReader } from '../../src/session/marks.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { checkVault, makeSmallVault, MARK, PIN, SESSION, type SmallVault } from '../check/small-vault.ts'

const isDamaged = (error: unknown): boolean => isVaultError(error, 'vault-damaged')

/** Replaces an object by one of `sizeBytes`; returns what undoes it. */
async function swell({ backend }: SmallVault, name: string, sizeBytes: number): Promise<() => void> {
  const object = objectName(name)
  const original = await backend.get(object)
  const huge = new Uint8Array(sizeBytes)
  huge.set(original)
  backend.damage(object, () => huge)
  return () => backend.damage(object, () => original)
}

test('swollen snapshots, marks, slots, segments and config are refused by their size', async () => {
  const vault = await makeSmallVault(1)
  const { backend, keys, password } = vault
  const names = [...backend.names()]
  const first = (prefix: string): string => names.find((name) => name.startsWith(prefix)) ?? ''
  const bytesDown = async (work: () => Promise<unknown>): Promise<number> => {
    const before = backend.counts.bytesDown
    await work()
    return backend.counts.bytesDown - before
  }
  const repository = new Repository(backend, vault)

  let undo = await swell(vault, first('snapshots/'), SMALL_OBJECT_BYTES_MAX + 1)
  assert.ok(await bytesDown(async () => {
    const { snapshots, damaged } = await repository.snapshots()
    assert.deepEqual([snapshots.length, damaged.length], [2, 1])
  }) < 100_000)
  undo()

  undo = await swell(vault, MARK, SMALL_OBJECT_BYTES_MAX + 1)
  assert.equal(await bytesDown(() => assert.rejects(new MarkReader(backend, keys).read(), isDamaged)), 0)
  undo()

  undo = await swell(vault, first('index/'), SEGMENT_BYTES_MAX + 1)
  assert.ok(await bytesDown(async () => {
    assert.equal((await repository.loadIndex({ onDamage: 'report' })).damaged.length, 1)
  }) < 1_000_000)
  undo()

  for (const [name, sizeBytes] of [[first('keys/'), 65537], ['config', 65537]] as const) {
    undo = await swell(vault, name, sizeBytes)
    const opening = (): Promise<unknown> => Repository.open(backend, { password, kdf: systemKdf }).catch((error: unknown) => assert.ok(isVaultError(error)))
    assert.ok(await bytesDown(opening) < 65537, name)
    undo()
  }
})

test('check names what is swollen and does not read it', async () => {
  const vault = await makeSmallVault(2)
  const names = [...vault.backend.names()]
  const swollen = [SESSION, PIN, MARK, ...['snapshots/', 'keys/'].map((prefix) => names.find((name) => name.startsWith(prefix)) ?? '')]
  for (const name of swollen) {
    const undo = await swell(vault, name, SMALL_OBJECT_BYTES_MAX + 1)
    const { findings, bytesRead } = await checkVault(vault)
    assert.ok(findings.some(({ object, severity }) => object === name && severity === 'error'), name)
    assert.ok(bytesRead < SMALL_OBJECT_BYTES_MAX, name)
    undo()
  }
})

test('a pack is read as long as the index says: what was appended is left, and its blobs stay readable', async () => {
  const vault = await makeSmallVault(3)
  const { index } = await new Repository(vault.backend, vault).loadIndex()
  const [pack] = index.packs
  assert.ok(pack)
  const original = await vault.backend.get(packName(pack.kind, pack.id))
  await swell(vault, packName(pack.kind, pack.id), pack.sizeBytes + 5_000_000)
  assert.equal(Buffer.compare(await readWholePack(vault.backend, pack), original), 0)
})

test('a pack of no bytes, or of more than a pack may have, is damaged and no bug', async () => {
  const vault = await makeSmallVault(4)
  const { index } = await new Repository(vault.backend, vault).loadIndex()
  const [pack] = index.packs
  assert.ok(pack)
  for (const sizeBytes of [0, 2 ** 40]) {
    const lying = new Proxy(vault.backend, {
      get: (target, key) => {
        if (key === 'stat') return async () => ({ name: packName(pack.kind, pack.id), sizeBytes, modifiedMs: 0 })
        const value: unknown = Reflect.get(target, key)
        return typeof value === 'function' ? value.bind(target) : value
      },
    }) as MemoryBackend
    await assert.rejects(readPackDirectory(lying, vault.keys, pack.kind, pack.id), isDamaged)
  }
})
