import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { Circuit } from '../../src/backend/circuit.ts'
import { FaultyBackend } from '../../src/backend/faulty.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { RetryBackend, type RetryEvent } from '../../src/backend/retry.ts'
import { VaultError } from '../../src/errors/vault-error.ts'
import { objectName } from '../../src/ids/ids.ts'
import { ManualClock, seededRandom } from './manual-clock.ts'

const away = new VaultError('storage-unreachable', 'away', { retry: 'later' })

/** A circuit that call `0` has found open; the calls wait for it, each until its deadline. */
async function openCircuit(deadlines: readonly number[]): Promise<{ circuit: Circuit; prober: object; outcomes: string[] }> {
  const circuit = new Circuit()
  const prober = {}
  for (let failure = 0; failure < 5; failure++) circuit.failed(prober, away, 0)
  const outcomes = deadlines.map(() => 'waits')
  for (const [index, deadlineMs] of deadlines.entries()) {
    void circuit.pass({}, deadlineMs, undefined).then(
      () => (outcomes[index] = 'goes'),
      (error: unknown) => (outcomes[index] = error === away ? 'gives up' : String(error)),
    )
  }
  await turn()
  return { circuit, prober, outcomes }
}

describe('circuit', () => {
  test('opens after five failures in a row of whatever call, and not before', async () => {
    const circuit = new Circuit()
    for (let failure = 0; failure < 4; failure++) circuit.failed({}, away, 0)
    circuit.answered()
    for (let failure = 0; failure < 4; failure++) circuit.failed({}, away, 0)
    assert.equal(circuit.isOpen, false)
    const last = {}
    circuit.failed(last, away, 0)
    assert.ok(circuit.isOpen && circuit.isProbedBy(last))
  })

  test('while it is open one call passes, the others wait until it is answered', async () => {
    const { circuit, prober, outcomes } = await openCircuit([100, 100])
    await circuit.pass(prober, 100, undefined)
    assert.deepEqual(outcomes, ['waits', 'waits'])
    assert.equal(circuit.answered(), true)
    await turn()
    assert.deepEqual(outcomes, ['goes', 'goes'])
    assert.equal(circuit.answered(), false, 'it had been closed')
  })

  test('a probe that fails ends the waiting of those whose time is over', async () => {
    const { circuit, prober, outcomes } = await openCircuit([50, 150])
    circuit.failed(prober, away, 100)
    await turn()
    assert.deepEqual(outcomes, ['gives up', 'waits'])
  })

  test('a prober that leaves is followed by one that waited', async () => {
    const { circuit, prober, outcomes } = await openCircuit([100, 100])
    circuit.left(prober)
    await turn()
    assert.deepEqual(outcomes, ['goes', 'waits'])
  })

  test('a signal ends the waiting', async () => {
    const { circuit } = await openCircuit([])
    const abort = new AbortController()
    const waiting = circuit.pass({}, 100, abort.signal)
    abort.abort()
    await assert.rejects(waiting, { code: 'interrupted' })
    await assert.rejects(circuit.pass({}, 100, abort.signal), { code: 'interrupted' })
  })
})

describe('retry of many calls', () => {
  const name = objectName('a/b')

  test('in an outage one of twenty calls asks on and speaks; afterwards all come through', async () => {
    const clock = new ManualClock()
    let attempts = 0
    let isAway = false
    const faulty = new FaultyBackend(new MemoryBackend(), () => {
      attempts++
      return isAway ? { kind: 'fail-before', error: away } : undefined
    }, clock)
    const events: RetryEvent[] = []
    let answers = 0
    const backend = new RetryBackend(faulty, {
      clock, random: seededRandom(1), onAnswer: () => answers++,
      onRetry: (event) => {
        events.push(event)
        if (events.length === 30) isAway = false
      },
    })
    await backend.put(name, new Uint8Array(1))
    isAway = true
    attempts = 0
    await Promise.all(Array.from({ length: 20 }, () => backend.get(name)))
    // Twenty that began together, the probes, and each once more.
    assert.ok(attempts <= 20 + 30 + 20, `${attempts} attempts`)
    assert.equal(answers, 1)
    const [before = 0, last = 0] = events.slice(-2).map(({ attempt }) => attempt)
    assert.equal(last, before + 1, 'the waits of one call, counted on')
    assert.ok(backend.counts.retries >= 30)
  })

  test('all give up when the budget is spent, none waits for ever', async () => {
    const clock = new ManualClock()
    const faulty = new FaultyBackend(new MemoryBackend(), ({ index }) => (index === 0 ? undefined : { kind: 'fail-before', error: away }), clock)
    const backend = new RetryBackend(faulty, { clock, random: seededRandom(2), budgetMs: 60_000 })
    await backend.put(name, new Uint8Array(1))
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => backend.get(name)))
    assert.ok(results.every((result) => result.status === 'rejected' && result.reason === away))
  })
})
