// Goal: a backup run keeps its promises at every point where it can be cut off. Method: the real run on memory alone
// (test/support/simulated-backup.ts), with a backend that dies before or after request k, for every k.
import assert from 'node:assert/strict'
import { createCipheriv, createHash } from 'node:crypto'
import { test } from 'node:test'
import type { Backend } from '../../src/backend/backend.ts'
import { FaultyBackend } from '../../src/backend/faulty.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { check } from '../../src/check/check.ts'
import { Repository } from '../../src/repository/repository.ts'
import type { UnlockedVault } from '../../src/repository/unlock.ts'
import { seededRandom } from '../backend/manual-clock.ts'
import { memoryDirectory, memoryFile, MemorySource } from '../support/memory-source.ts'
import { newSimulatedVault, readSnapshotFiles, restoreAll, SimulatedHost, TestClock } from '../support/simulated-backup.ts'

const seed = Number(process.env.S3VAULT_TEST_SEED ?? Date.now() % 1_000_000)
const random = seededRandom(seed)
let streams = 0
/** ChaCha20 under a key from the seed: 3 MB from the seeded random source itself would take most of the test's time. */
const noise = (bytes: number): Uint8Array =>
  createCipheriv('chacha20', createHash('sha256').update(`${seed} ${streams++}`).digest(), Buffer.alloc(16)).update(new Uint8Array(bytes))

const newSource = (): MemorySource =>
  new MemorySource(memoryDirectory({
    'large': memoryFile(noise(2_700_000)),
    'small': memoryFile('hello'),
    'empty': memoryFile(''),
    'dir': memoryDirectory({ 'a': memoryFile(noise(300_000)), 'link': { type: 'symlink', target: 'a' }, 'deep': memoryDirectory() }),
  }))

const expected = (source: MemorySource): Map<string, Buffer> => {
  const files = new Map<string, Buffer>()
  const walk = (node: ReturnType<typeof memoryDirectory>, path: string): void => {
    for (const [name, child] of node.children) {
      if (child.type === 'directory') walk(child, `${path}/${name}`)
      if (child.type === 'file') files.set(`${path}/${name}`, Buffer.from(child.bytes))
    }
  }
  walk(source.root, '')
  return files
}

async function checkErrors(backend: Backend, vault: UnlockedVault): Promise<string[]> {
  const report = await check({
    backend, keys: vault.keys, clock: new TestClock(), random, threads: 0, readData: { by: 'all' },
  })
  return report.findings.filter(({ severity }) => severity === 'error').map(({ object, message }) => `${object}: ${message}`)
}

interface Scene {
  readonly backend: MemoryBackend
  readonly vault: UnlockedVault
  readonly source: MemorySource
  readonly host: SimulatedHost
}

async function newScene(): Promise<Scene> {
  const backend = new MemoryBackend({ nowMs: () => 1_800_000_000_000 })
  const vault = await newSimulatedVault(backend, random)
  const source = newSource()
  const host = new SimulatedHost({ vault, clock: new TestClock(), random, source, host: 'one' })
  return { backend, vault, source, host }
}

class Crash extends Error {}

/** A backend on which the process dies at call `k`: that call happens or not, and none after it. */
function dyingAt(k: number, backend: Backend, moment: 'fail-before' | 'fail-after'): Backend {
  return new FaultyBackend(backend, ({ index }) => {
    if (index < k) return undefined
    return { kind: index === k ? moment : 'fail-before', error: new Crash(`request ${k}`) }
  }, new TestClock())
}

test('what is backed up is read back, and an unchanged run stores nothing and reads no file', async () => {
  const { backend, vault, source, host } = await newScene()
  const first = await host.backup(backend)
  assert.equal(first.warnings, 0)
  assert.deepEqual(await restoreAll(backend, vault), [expected(source)])
  source.readNames.length = 0
  const second = await host.backup(backend)
  assert.deepEqual(source.readNames, [])
  assert.equal(second.summary.dataBlobsAdded + second.summary.metadataBlobsAdded, 0)
  assert.equal(second.summary.filesUnmodified, 4)
  assert.equal(second.parent, first.snapshot?.id)
  assert.equal(source.openHandles, 0, 'every handle is closed')
  assert.deepEqual(await checkErrors(backend, vault), [])
})

test('a run that dies at any request leaves a sound vault, and the next run finishes and repeats no stored pack', async (t) => {
  t.diagnostic(`seed ${seed}`)
  const whole = await newScene()
  const counted = new FaultyBackend(whole.backend, () => undefined, new TestClock())
  let calls = 0
  const counting = new FaultyBackend(counted, () => {
    calls++
    return undefined
  }, new TestClock())
  const full = await whole.host.backup(counting)
  assert.ok(calls >= 10, `only ${calls} requests`)
  let savings = 0
  for (let k = 0; k < calls; k++) {
    for (const moment of ['fail-before', 'fail-after'] as const) {
      const { backend, vault, source, host } = await newScene()
      let made = 0
      const watched = new FaultyBackend(dyingAt(k, backend, moment), () => void made++, new TestClock())
      const died = await host.backup(watched).then(() => false, (error: unknown) => {
        assert.ok(error instanceof Crash, `request ${k} ${moment}: ${String(error)}`)
        return true
      })
      // Each vault has its own keys and so its own cuts: one may need a pack, and a request, less than the one counted.
      assert.ok(died || made <= k, `request ${k} ${moment} failed, and nobody noticed`)
      assert.deepEqual(await checkErrors(backend, vault), [], `after request ${k} ${moment}`)
      const stored = backend.names().filter((name) => name.startsWith('packs/')).length
      const next = await host.backup(backend)
      assert.equal(next.warnings, 0)
      const restored = await restoreAll(backend, vault)
      assert.ok(restored.length === 1 || restored.length === 2, 'the dead run committed or it did not')
      for (const files of restored) assert.deepEqual(files, expected(source))
      assert.deepEqual(await checkErrors(backend, vault), [])
      if (stored > 0) {
        assert.ok(next.summary.bytesStored < full.summary.bytesStored, `request ${k}: ${stored} packs were there, and all was stored again`)
        savings++
      }
    }
  }
  assert.ok(savings > 5, `only ${savings} runs had something to continue`)
})

test('two machines with the same content store it once', async () => {
  const { backend, vault, source, host } = await newScene()
  await host.backup(backend)
  const other = new SimulatedHost({ vault, clock: new TestClock(), random, source, host: 'two' })
  const { summary, parent } = await other.backup(backend)
  assert.equal(summary.dataBlobsAdded, 0)
  assert.equal(parent, undefined)
})

test('a machine that lost its memory reads everything and stores nothing', async () => {
  const { backend, source, host } = await newScene()
  await host.backup(backend)
  host.forgetEverything()
  source.readNames.length = 0
  const { summary } = await host.backup(backend)
  assert.equal(source.readNames.length, 4)
  assert.equal(summary.dataBlobsAdded + summary.metadataBlobsAdded, 0)
})

test('what the machine remembers counts only when the vault has it', async () => {
  const { backend, vault, source, host } = await newScene()
  await host.backup(backend)
  for (const name of backend.names()) if (/^(packs|index|snapshots)\//.test(name)) await backend.delete(name)
  source.readNames.length = 0
  await host.backup(backend)
  assert.deepEqual(source.readNames.sort(), ['a', 'large', 'small'], 'the empty file alone needs nothing of the vault')
  assert.deepEqual(await restoreAll(backend, vault), [expected(source)])
})

test('a lost index is read from the packs, for backup and for restore', async () => {
  const { backend, vault, source, host } = await newScene()
  await host.backup(backend)
  for (const name of backend.names()) {
    if (name.startsWith('index/')) backend.damage(name, (bytes) => bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte)))
  }
  const repository = new Repository(backend, vault)
  const { snapshots } = await repository.snapshots()
  const { damaged } = await repository.loadIndexForReading('listed')
  assert.equal(damaged.length, 1)
  const [snapshot] = snapshots
  assert.ok(snapshot)
  assert.deepEqual(await readSnapshotFiles(repository, snapshot), expected(source))
  const { summary, warnings } = await host.backup(backend)
  assert.equal(warnings, 1, 'the damaged segment is named')
  assert.equal(summary.dataBlobsAdded, 0)
})

test('blobs in marked packs are stored again (rule 7), since prune may delete them', async () => {
  const { backend, vault, host } = await newScene()
  await host.backup(backend)
  const packs = backend.names().filter((name) => name.startsWith('packs/d/')).map((name) => name.split('/').at(-1) ?? '')
  assert.ok(packs.length >= 2)
  const { sealEnvelope } = await import('../../src/crypto/envelope.ts')
  const { objectName } = await import('../../src/ids/ids.ts')
  const name = objectName(`gc/00000001-${'a'.repeat(32)}.mark`)
  const plain = Buffer.from(JSON.stringify({ packs, segments: [] }))
  await backend.put(name, sealEnvelope(vault.keys, random, 'gc', name, plain))
  // While its snapshot stands nothing of it is marked without a copy elsewhere (rule 18): the snapshot was forgotten.
  for (const object of backend.names()) if (object.startsWith('snapshots/')) await backend.delete(object)
  const { summary } = await host.backup(backend)
  assert.ok(summary.dataBlobsAdded > 0)
  for (const pack of packs) for (const object of backend.names()) if (object.endsWith(pack)) await backend.delete(object)
  const repository = new Repository(backend, vault)
  const { snapshots } = await repository.snapshots()
  await repository.loadIndex()
  const last = snapshots.at(-1)
  assert.ok(last)
  await readSnapshotFiles(repository, last)
})

test('a file that vanishes or cannot be opened is a warning, and the rest is there', async () => {
  const { backend, vault, source, host } = await newScene()
  const open = source.openFile.bind(source)
  source.openFile = (directory, name) => {
    if (Buffer.from(name).toString() === 'small') throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' })
    if (Buffer.from(name).toString() === 'a') throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' })
    return open(directory, name)
  }
  const result = await host.backup(backend)
  assert.equal(result.warnings, 2)
  assert.deepEqual(host.warnings.sort(), ['/dir/a: vanished before it was read', '/small: EACCES: permission denied'])
  const [files] = await restoreAll(backend, vault)
  assert.deepEqual([...(files?.keys() ?? [])].sort(), ['/empty', '/large'])
})

test('a snapshot of the series that this machine made and that is gone is a warning, once; a recorded forget is none', async () => {
  const { objectName } = await import('../../src/ids/ids.ts')
  for (const isForgotten of [false, true]) {
    const { backend, host } = await newScene()
    const first = await host.backup(backend)
    for (const name of backend.names()) if (name.startsWith('snapshots/')) await backend.delete(name)
    if (isForgotten) await backend.put(objectName(`forgotten/20260101T000000Z-${first.snapshot?.id}`), Buffer.from('record'))
    assert.equal((await host.backup(backend)).warnings, isForgotten ? 0 : 1)
    assert.equal((await host.backup(backend)).warnings, 0)
  }
})
