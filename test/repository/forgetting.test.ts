// Goal: a snapshot is never lost between snapshots/ and forgotten/, and comes back whole or not at all. Method: the real code
// on memory, cut off after each request, and with packs marked, dead and gone.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FaultyBackend } from '../../src/backend/faulty.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { sealEnvelope } from '../../src/crypto/envelope.ts'
import { objectName } from '../../src/ids/ids.ts'
import { forgetSnapshot, listForgotten } from '../../src/repository/forgetting.ts'
import { Repository } from '../../src/repository/repository.ts'
import { undeleteSnapshot } from '../../src/repository/undeleting.ts'
import type { UnlockedVault } from '../../src/repository/unlock.ts'
import type { Backend } from '../../src/backend/backend.ts'
import { seededRandom } from '../backend/manual-clock.ts'
import { memoryDirectory, memoryFile, MemorySource } from '../support/memory-source.ts'
import { newSimulatedVault, restoreAll, SimulatedHost, TestClock } from '../support/simulated-backup.ts'

const random = seededRandom(23)

async function scene(): Promise<{ backend: MemoryBackend; vault: UnlockedVault; open: (backend: Backend) => Repository }> {
  const backend = new MemoryBackend({ nowMs: () => 1_800_000_000_000 })
  const vault = await newSimulatedVault(backend, random)
  const source = new MemorySource(memoryDirectory({ 'a': memoryFile(random.bytes(100_000)), 'b': memoryFile('small') }))
  await new SimulatedHost({ vault, clock: new TestClock(), random, source, host: 'one' }).backup(backend)
  return { backend, vault, open: (of) => new Repository(of, vault) }
}

const only = <T>(list: readonly T[]): T => {
  assert.equal(list.length, 1)
  return list[0] as T
}

test('forget leaves a record with the snapshot in it, undelete brings the same object back', async () => {
  const { backend, vault, open } = await scene()
  const repository = open(backend)
  const snapshot = only((await repository.snapshots()).snapshots)
  const before = await backend.get(snapshot.name)
  assert.ok(await forgetSnapshot(repository, random, snapshot))
  assert.equal((await repository.snapshots()).snapshots.length, 0)
  assert.ok(!(await forgetSnapshot(repository, random, snapshot)), 'somebody forgot it already')
  const record = only((await listForgotten(repository, new Set())).forgotten)
  assert.equal(record.snapshot.id, snapshot.id)
  await undeleteSnapshot({ repository, clock: new TestClock(), random }, record)
  assert.deepEqual(await backend.get(snapshot.name), before)
  assert.equal((await restoreAll(backend, vault)).length, 1)
  assert.equal((await listForgotten(repository, new Set([snapshot.id]))).forgotten.length, 0)
})

test('cut off before or after any request, the snapshot is listed or can be brought back', async () => {
  for (const kind of ['fail-before', 'fail-after'] as const) {
    let cutAt = 0
    for (let isDone = false; !isDone; cutAt++) {
      const { backend, open } = await scene()
      const snapshot = only((await open(backend).snapshots()).snapshots)
      const error = new Error('killed')
      const dying = new FaultyBackend(backend, ({ index }) => (index === cutAt ? { kind, error } : undefined), new TestClock())
      isDone = await forgetSnapshot(open(dying), random, snapshot).catch((caught: unknown) => {
        assert.equal(caught, error)
        return false
      })
      const listed = (await open(backend).snapshots()).snapshots.length
      const records = (await listForgotten(open(backend), new Set())).forgotten.length
      assert.ok(listed + records >= 1, `cut ${kind} request ${cutAt} it is neither listed nor recorded`)
    }
    assert.ok(cutAt > 3, `only ${cutAt} requests were seen`)
  }
})

async function mark(backend: Backend, vault: UnlockedVault, stage: 'mark' | 'dead', packs: readonly string[]): Promise<void> {
  const name = objectName(`gc/00000001-${'a'.repeat(32)}.${stage === 'mark' ? '' : `${'c'.repeat(32)}.`}${stage}`)
  const plain = new TextEncoder().encode(JSON.stringify({ packs, segments: [] }))
  await backend.put(name, sealEnvelope(vault.keys, random, 'gc', name, plain))
}

test('what is marked is pinned, what is dead is copied, what is gone is refused', async () => {
  for (const stage of ['mark', 'dead', 'gone'] as const) {
    const { backend, vault, open } = await scene()
    const repository = open(backend)
    const snapshot = only((await repository.snapshots()).snapshots)
    await forgetSnapshot(repository, random, snapshot)
    const record = only((await listForgotten(repository, new Set())).forgotten)
    const packs = backend.names().filter((name) => name.startsWith('packs/'))
    await mark(backend, vault, 'mark', packs.map((name) => name.slice(-64)))
    if (stage !== 'mark') await mark(backend, vault, 'dead', packs.map((name) => name.slice(-64)))
    if (stage === 'gone') for (const name of packs) await backend.delete(name)
    const undeleting = undeleteSnapshot({ repository: open(backend), clock: new TestClock(), random }, record)
    if (stage === 'gone') {
      await assert.rejects(undeleting, { code: 'snapshot-missing' })
      assert.equal((await repository.snapshots()).snapshots.length, 0)
      continue
    }
    await undeleting
    assert.equal(backend.names().filter((name) => name.startsWith('pins/')).length, 1)
    if (stage === 'dead') for (const name of packs) await backend.delete(name)
    assert.equal((await restoreAll(backend, vault)).length, 1)
  }
})

test('a record that was changed is reported and not trusted', async () => {
  const { backend, open } = await scene()
  const repository = open(backend)
  await forgetSnapshot(repository, random, only((await repository.snapshots()).snapshots))
  const name = backend.names().find((one) => one.startsWith('forgotten/')) ?? ''
  const bytes = await backend.get(objectName(name))
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1
  await backend.delete(objectName(name))
  await backend.put(objectName(name), bytes)
  const listing = await listForgotten(repository, new Set())
  assert.equal(listing.forgotten.length, 0)
  assert.equal(only(listing.damaged).name, name)
})
