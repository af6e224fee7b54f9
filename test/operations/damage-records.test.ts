// Goal: a loss that one backup meets is recorded, and later backups, of any host and without --force, store again what their
// source still has. And a commit whose outcome is unknown is not given up before it can no longer arrive. Method: the real
// run in memory, on storage that counts as remote, so that nothing is listed that need not be.
import assert from 'node:assert/strict'
import { createCipheriv, createHash } from 'node:crypto'
import { test } from 'node:test'
import { FaultyBackend } from '../../src/backend/faulty.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { check } from '../../src/check/check.ts'
import { VaultError } from '../../src/errors/vault-error.ts'
import type { ObjectName } from '../../src/ids/ids.ts'
import { readLostPacks } from '../../src/session/damage.ts'
import { COMMIT_DEADLINE_MS, MARGIN_MS } from '../../src/session/timing.ts'
import type { UnlockedVault } from '../../src/repository/unlock.ts'
import { memoryDirectory, memoryFile, MemorySource } from '../support/memory-source.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'
import { newSimulatedVault, restoreAll, SimulatedHost, TestClock } from '../support/simulated-backup.ts'

const seed = testSeed()
console.log(`seed ${seed}`)
const random = new SeededRandom(seed)
let streams = 0
const noise = (bytes: number): Uint8Array =>
  createCipheriv('chacha20', createHash('sha256').update(`${seed} ${streams++}`).digest(), Buffer.alloc(16)).update(new Uint8Array(bytes))

interface Scene {
  readonly backend: MemoryBackend
  readonly vault: UnlockedVault
  readonly source: MemorySource
  readonly newHost: (host: string, clock?: TestClock) => SimulatedHost
}

/** `long` has more chunks than an entry holds, and so a content list. */
async function newScene(): Promise<Scene> {
  const backend = new MemoryBackend({ nowMs: () => 1_800_000_000_000, isRemote: true })
  const vault = await newSimulatedVault(backend, random)
  const source = new MemorySource(memoryDirectory({ long: memoryFile(noise(4_000_000)), short: memoryFile(noise(70_000)) }))
  const newHost = (host: string, clock = new TestClock()): SimulatedHost => new SimulatedHost({ vault, clock, random, source, host })
  return { backend, vault, source, newHost }
}

const named = (backend: MemoryBackend, prefix: string): ObjectName[] => backend.names().filter((name) => name.startsWith(prefix))
const idOf = (name: ObjectName): string => name.slice(-64)

async function errors({ backend, vault }: Scene): Promise<string[]> {
  const { findings } = await check({ backend, keys: vault.keys, clock: new TestClock(), random, threads: 0, readData: { by: 'all' } })
  return findings.filter(({ severity }) => severity === 'error').map(({ message }) => message)
}

test('a lost data pack: --force finds and records it; another host heals without --force', async () => {
  const scene = await newScene()
  const { backend, vault, newHost } = scene
  await newHost('one').backup(backend)
  const other = newHost('two')
  await other.backup(backend)
  const [lost] = named(backend, 'packs/d/')
  assert.ok(lost)
  await backend.delete(lost)
  const blind = await other.backup(backend)
  assert.equal(blind.warnings, 0, 'a plain backup to a bucket does not look')
  assert.deepEqual(named(backend, 'damage/'), [])
  // The machine that finds it no longer has the content.
  const empty = new SimulatedHost({ vault, clock: new TestClock(), random, source: new MemorySource(memoryDirectory({ x: memoryFile('x') })), host: 'three' })
  const found = await empty.backup(backend, { reading: 'all' })
  assert.equal(found.warnings, 1)
  assert.deepEqual([...(await readLostPacks(backend, vault.keys))], [idOf(lost)])
  assert.ok((await errors(scene)).some((message) => message.includes('is gone, as is recorded')))
  const healing = await other.backup(backend)
  assert.equal(healing.warnings, 1)
  assert.ok(healing.summary.dataBlobsAdded > 0)
  const still = await errors(scene)
  assert.deepEqual(still.filter((message) => !message.includes('is gone, as is recorded')), [])
  await restoreAll(backend, vault)
  assert.equal(named(backend, 'damage/').length, 1, 'one record is enough')
  assert.equal((await other.backup(backend)).warnings, 0, 'healed')
})

test('a pack that was put back is used again, whatever a record says', async () => {
  const { backend, vault, newHost } = await newScene()
  const host = newHost('one')
  await host.backup(backend)
  const [lost] = named(backend, 'packs/d/')
  assert.ok(lost)
  const bytes = await backend.get(lost)
  await backend.delete(lost)
  const empty = new SimulatedHost({ vault, clock: new TestClock(), random, source: new MemorySource(memoryDirectory({ x: memoryFile('x') })), host: 'two' })
  assert.equal((await empty.backup(backend, { reading: 'all' })).warnings, 1)
  assert.equal(named(backend, 'damage/').length, 1)
  await backend.put(lost, bytes)
  const { warnings, summary } = await host.backup(backend)
  assert.deepEqual([warnings, summary.dataBlobsAdded], [0, 0])
})

test('a lost content list is noticed by a plain backup: stored again at once, recorded, and the next run heals the rest', async () => {
  const scene = await newScene()
  const { backend, vault, newHost } = scene
  const host = newHost('one')
  await host.backup(backend)
  const lost = named(backend, 'packs/m/')
  for (const name of lost) await backend.delete(name)
  const noticing = await host.backup(backend)
  assert.ok(noticing.warnings > 0)
  assert.ok(noticing.summary.metadataBlobsAdded > 0, 'the list is stored again')
  const recorded = await readLostPacks(backend, vault.keys)
  assert.ok(recorded.size > 0)
  for (const id of recorded) assert.ok(lost.some((name) => idOf(name) === id))
  await host.backup(backend)
  const repaired = await errors(scene)
  assert.deepEqual(repaired.filter((message) => !message.includes('is gone')), [])
  await restoreAll(backend, vault)
})

for (const arrives of [true, false]) {
  test(`a commit whose answer is lost and that is then refused ${arrives ? 'counts when it arrives late' : 'fails only after D + M'}`, async () => {
    const { backend, vault, source } = await newScene()
    let late: (() => Promise<void>) | undefined
    class LateClock extends TestClock {
      override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
        await super.sleep(ms, signal)
        if (ms === COMMIT_DEADLINE_MS + MARGIN_MS && arrives) await late?.()
      }
    }
    const clock = new LateClock()
    const host = new SimulatedHost({ vault, clock, random, source, host: 'one' })
    let attempts = 0
    const faulty = new FaultyBackend(backend, ({ isFenced }) => {
      if (!isFenced) return undefined
      return { kind: 'fail-before', ...(attempts++ === 0 ? {} : { error: new VaultError('storage-denied', 'the key was revoked') }) }
    }, clock)
    const put = faulty.put.bind(faulty)
    faulty.put = async (name, bytes, options) => {
      if (options?.fence) late = () => backend.put(name, bytes)
      await put(name, bytes, options)
    }
    const startMs = clock.timeMs
    const run = host.backup(faulty)
    if (arrives) await run
    else await assert.rejects(run, { code: 'storage-denied', message: 'the key was revoked' })
    assert.equal(attempts, 2)
    assert.ok(clock.timeMs - startMs >= COMMIT_DEADLINE_MS + MARGIN_MS)
    assert.equal(named(backend, 'snapshots/').length, arrives ? 1 : 0)
    assert.equal((await restoreAll(backend, vault)).length, arrives ? 1 : 0)
  })
}
