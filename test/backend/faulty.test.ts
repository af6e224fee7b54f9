import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { BackendFault } from '../../src/backend/faulty.ts'
import { FaultyBackend } from '../../src/backend/faulty.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { objectName } from '../../src/ids/ids.ts'
import { contractTests, namesIn } from './contract.ts'
import { ManualClock } from './manual-clock.ts'

contractTests({
  title: 'faulty, with delays only',
  open: async () => new FaultyBackend(new MemoryBackend(), () => ({ kind: 'delay', delayMs: 5 }), new ManualClock()),
})

describe('faulty', () => {
  const name = objectName('x/y')
  const bytes = new Uint8Array([1, 2, 3])
  const withFault = async (fault: BackendFault | undefined): Promise<{ memory: MemoryBackend; backend: FaultyBackend }> => {
    const memory = new MemoryBackend()
    await memory.put(objectName('x/old'), bytes)
    return { memory, backend: new FaultyBackend(memory, () => fault, new ManualClock()) }
  }

  test('fail-before does nothing, fail-after does all and says it failed', async () => {
    const early = await withFault({ kind: 'fail-before' })
    await assert.rejects(early.backend.put(name, bytes), { code: 'storage-unreachable', retry: 'later' })
    assert.deepEqual(early.memory.names(), ['x/old'])
    const late = await withFault({ kind: 'fail-after' })
    await assert.rejects(late.backend.put(name, bytes), { code: 'storage-unreachable', retry: 'later' })
    assert.deepEqual(late.memory.names(), ['x/old', 'x/y'])
  })

  test('truncate and corrupt change what is got, not what is stored', async () => {
    const old = objectName('x/old')
    const truncating = await withFault({ kind: 'truncate' })
    assert.deepEqual([...(await truncating.backend.get(old))], [1, 2])
    const corrupting = await withFault({ kind: 'corrupt' })
    assert.deepEqual([...(await corrupting.backend.get(old))], [1, 3, 3])
    assert.deepEqual([...(await corrupting.memory.get(old))], [1, 2, 3])
  })

  test('a listing fails half way', async () => {
    const { memory, backend } = await withFault({ kind: 'fail-after' })
    await memory.put(name, bytes)
    const seen: string[] = []
    await assert.rejects(async () => {
      for await (const info of backend.list('')) seen.push(info.name)
    }, { code: 'storage-unreachable' })
    assert.deepEqual(seen, ['x/old'])
    assert.deepEqual(await namesIn(memory, ''), ['x/old', 'x/y'])
  })
})
