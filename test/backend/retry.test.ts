import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { FaultChooser } from '../../src/backend/faulty.ts'
import { FaultyBackend } from '../../src/backend/faulty.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { RetryBackend } from '../../src/backend/retry.ts'
import { VaultError } from '../../src/errors/vault-error.ts'
import { objectName } from '../../src/ids/ids.ts'
import { contractTests, namesIn } from './contract.ts'
import { ManualClock, seededFractions, seededRandom } from './manual-clock.ts'

const seed = Number(process.env['S3VAULT_TEST_SEED'] ?? Date.now() % 1e9)
console.log(`retry: seed ${seed}`)

/** Every third call or so fails in a way that a retry mends; fenced puts and the counted object are spared. */
function passingFaults(fraction: () => number): FaultChooser {
  const kinds = ['fail-before', 'fail-after'] as const
  return ({ name, isFenced }) => {
    if (isFenced || name.startsWith('counts/') || fraction() > 0.3) return undefined
    return { kind: kinds[Math.floor(fraction() * kinds.length)] ?? 'fail-before' }
  }
}

contractTests({
  title: 'retry around a third of calls failing',
  open: async () => {
    const clock = new ManualClock()
    const faulty = new FaultyBackend(new MemoryBackend(), passingFaults(seededFractions(seed)), clock)
    return new RetryBackend(faulty, { clock, random: seededRandom(seed) })
  },
})

const later = new VaultError('storage-unreachable', 'away', { retry: 'later' })
const name = objectName('a/b')
const bytes = new Uint8Array([1, 2, 3])

function setUp(choose: FaultChooser, budgetMs?: number): { memory: MemoryBackend; clock: ManualClock; backend: RetryBackend } {
  const clock = new ManualClock()
  const memory = new MemoryBackend()
  const options = { clock, random: seededRandom(seed), ...(budgetMs === undefined ? {} : { budgetMs }) }
  return { memory, clock, backend: new RetryBackend(new FaultyBackend(memory, choose, clock), options) }
}

describe('retry', () => {
  test('goes on until the budget is spent, then throws the last error; waits grow to their cap', async () => {
    const { backend, clock } = setUp(({ index }) => (index === 0 ? undefined : { kind: 'fail-before', error: later }))
    await backend.put(name, bytes)
    const startMs = clock.timeMs
    await assert.rejects(backend.get(name), (error) => error === later)
    const spentMs = clock.timeMs - startMs
    assert.ok(spentMs <= 15 * 60_000 && spentMs > 13 * 60_000, `${spentMs} ms`)
    assert.ok(clock.sleepsMs.every((ms, index) => ms <= Math.min(30_000, 500 * 2 ** index)))
    assert.ok(Math.max(...clock.sleepsMs) > 20_000)
  })

  test('storage that never answered is given up after half a minute, one that refused has answered', async () => {
    const silent = setUp(() => ({ kind: 'fail-before', error: later }))
    const startMs = silent.clock.timeMs
    await assert.rejects(silent.backend.get(name), (error) => error === later)
    assert.ok(silent.clock.timeMs - startMs <= 30_000)
    const refusing = setUp(({ index }) => (index === 0 ? undefined : { kind: 'fail-before', error: later }))
    await assert.rejects(refusing.backend.get(name), { code: 'object-missing' })
    const secondMs = refusing.clock.timeMs
    await assert.rejects(refusing.backend.get(name), (error) => error === later)
    assert.ok(refusing.clock.timeMs - secondMs > 13 * 60_000)
  })

  test('what a retry cannot mend is thrown at once', async () => {
    const { backend, clock } = setUp(() => undefined)
    await assert.rejects(backend.get(name), { code: 'object-missing' })
    const denied = new VaultError('storage-denied', 'no')
    const refusing = setUp(() => ({ kind: 'fail-before', error: denied }))
    await assert.rejects(refusing.backend.put(name, bytes), (error) => error === denied)
    assert.equal(clock.sleepsMs.length + refusing.clock.sleepsMs.length, 0)
  })

  test('a fenced put is handed on once', async () => {
    const { backend, clock } = setUp(() => ({ kind: 'fail-before', error: later }))
    await assert.rejects(backend.put(name, bytes, { fence: { expiresAfterMs: 1000, check: () => {} } }), (error) => error === later)
    assert.equal(clock.sleepsMs.length, 0)
  })

  test('a lost response of a put is found to be our own success', async () => {
    const { backend, memory, clock } = setUp(({ index }) => (index === 0 ? { kind: 'fail-after' } : undefined))
    await backend.put(name, bytes)
    assert.equal(clock.sleepsMs.length, 1)
    assert.deepEqual(memory.names(), [name])
  })

  test('a listing that breaks goes on behind the last name, each once', async () => {
    const { backend, memory } = setUp(({ method, index }) => (method === 'list' && index < 12 ? { kind: 'fail-after' } : undefined))
    const names = Array.from({ length: 40 }, (_, index) => objectName(`n/${String(index).padStart(2, '0')}`))
    for (const each of names) await memory.put(each, bytes)
    assert.deepEqual(await namesIn(backend, 'n/', { startAfter: 'n/03' }), names.slice(4))
  })

  test('a signal ends the waiting', async () => {
    const abort = new AbortController()
    const { backend } = setUp(() => {
      abort.abort()
      return { kind: 'fail-before', error: later }
    })
    await assert.rejects(backend.get(name, undefined, { signal: abort.signal }), { code: 'interrupted' })
  })

  test('tells about each wait', async () => {
    const clock = new ManualClock()
    const events: number[] = []
    const faulty = new FaultyBackend(new MemoryBackend(), ({ index }) => (index < 3 ? { kind: 'fail-before' } : undefined), clock)
    const backend = new RetryBackend(faulty, { clock, random: seededRandom(seed), onRetry: ({ attempt }) => events.push(attempt) })
    await backend.serverTimeMs()
    assert.deepEqual(events, [1, 2, 3])
  })
})
