// Goal: the next window is fetched while one is being written, and the two never wait for each other's room.
import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import type { ByteRange } from '../../src/backend/backend.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import type { ObjectName } from '../../src/ids/ids.ts'
import type { PackRecord } from '../../src/index/vault-index.ts'
import type { PlannedRange } from '../../src/restorer/fetch-plan.ts'
import { BYTES_IN_FLIGHT_MAX, RANGE_BYTES_MAX, RangeFetcher, type UnitSink } from '../../src/restorer/range-fetching.ts'

class AnyPack extends MemoryBackend {
  asked = 0

  override async get(_name: ObjectName, range?: ByteRange): Promise<Uint8Array> {
    this.asked++
    await turn()
    return new Uint8Array(range?.length ?? 0)
  }
}

const PACK = { id: 'ab'.repeat(32), kind: 'data' } as PackRecord

const ranges = (count: number, bytes: number): PlannedRange[] =>
  Array.from({ length: count }, (_, index) => {
    const [start, end] = [index * bytes, (index + 1) * bytes]
    return { pack: PACK, start, end, units: [{ blobs: [], start, end }] }
  })

const sinkThatWaits = (ready: Promise<unknown>): UnitSink => ({
  unit: async () => void (await ready),
  lost: (_range, error) => assert.fail(error),
  fetched: () => undefined,
})

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn()
}

test('what the next window needs is asked for before the one before is written', async () => {
  const backend = new AnyPack({ isRemote: true })
  const fetcher = new RangeFetcher(backend, 2, undefined)
  const written = Promise.withResolvers<void>()
  const first = fetcher.fetchAll(ranges(2, 1000), sinkThatWaits(written.promise))
  const second = fetcher.fetchAll(ranges(3, 1000), sinkThatWaits(first))
  await turns(20)
  assert.equal(backend.asked, 5)
  written.resolve()
  await Promise.all([first, second])
})

test('windows larger than the room for fetched bytes come to an end, one after the other', { timeout: 20_000 }, async () => {
  const backend = new AnyPack({ isRemote: true })
  const fetcher = new RangeFetcher(backend, 2, undefined)
  const size = RANGE_BYTES_MAX.remote
  const count = Math.ceil(BYTES_IN_FLIGHT_MAX.remote / size) + 2
  const first = fetcher.fetchAll(ranges(count, size), sinkThatWaits(turns(5)))
  const second = fetcher.fetchAll(ranges(count, size), sinkThatWaits(first))
  const third = fetcher.fetchAll(ranges(1, size), sinkThatWaits(second))
  await Promise.all([first, second, third])
  assert.equal(backend.asked, 2 * count + 1)
})

test('a window that fails leaves the next one its room', async () => {
  const backend = new AnyPack({ isRemote: true })
  const fetcher = new RangeFetcher(backend, 2, undefined)
  const failing: UnitSink = { ...sinkThatWaits(turns(0)), unit: () => Promise.reject(new Error('disk')) }
  const first = fetcher.fetchAll(ranges(3, 1000), failing)
  const second = fetcher.fetchAll(ranges(3, 1000), sinkThatWaits(turns(1)))
  await assert.rejects(first, { message: 'disk' })
  await second
})
