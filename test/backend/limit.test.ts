import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { systemClock } from '../../src/async/clock.ts'
import { LimitBackend } from '../../src/backend/limit.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import type { ObjectName } from '../../src/ids/ids.ts'
import { objectName } from '../../src/ids/ids.ts'
import { contractTests } from './contract.ts'
import { ManualClock } from './manual-clock.ts'

contractTests({
  title: 'limit of one request in flight and a rate',
  open: async () =>
    new LimitBackend(new MemoryBackend(), { clock: new ManualClock(), requestsInFlightMax: 1, upBytesPerSecond: 1e6, downBytesPerSecond: 1e6 }),
})

/** A memory backend that takes a turn of the event loop for each put and sees how many are under way. */
class SlowBackend extends MemoryBackend {
  inFlight = 0
  inFlightMax = 0

  override async put(name: ObjectName, bytes: Uint8Array): Promise<void> {
    this.inFlightMax = Math.max(this.inFlightMax, ++this.inFlight)
    await turn()
    this.inFlight--
    await super.put(name, bytes)
  }
}

describe('limit', () => {
  test('never more requests in flight than allowed, and as many', async () => {
    const slow = new SlowBackend()
    const backend = new LimitBackend(slow, { clock: systemClock, requestsInFlightMax: 3 })
    await Promise.all(Array.from({ length: 20 }, (_, index) => backend.put(objectName(`n/${index}`), new Uint8Array(1))))
    assert.equal(slow.inFlightMax, 3)
    assert.equal(backend.connectionsMax, 3)
  })

  test('the rate holds on average, whatever the sizes, after one second saved up', async () => {
    const clock = new ManualClock()
    const backend = new LimitBackend(new MemoryBackend(), { clock, requestsInFlightMax: 2, upBytesPerSecond: 1000, downBytesPerSecond: 500 })
    const startMs = clock.timeMs
    for (const [index, size] of [10, 5000, 1, 989, 4000].entries()) await backend.put(objectName(`n/${index}`), new Uint8Array(size))
    assert.equal(clock.timeMs - startMs, 9000)
    await backend.get(objectName('n/1'))
    assert.equal(clock.timeMs - startMs, 9000 + 9000)
  })

  test('a put while a listing is being read does not deadlock at one slot', async () => {
    const backend = new LimitBackend(new MemoryBackend(), { clock: systemClock, requestsInFlightMax: 1 })
    await backend.put(objectName('a/1'), new Uint8Array(1))
    for await (const info of backend.list('a/')) await backend.put(objectName(`b/${info.sizeBytes}`), new Uint8Array(1))
    assert.equal((await backend.stat(objectName('b/1'))).sizeBytes, 1)
  })
})
