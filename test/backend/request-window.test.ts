import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import { RequestWindow } from '../../src/backend/request-window.ts'
import { RetryBackend } from '../../src/backend/retry.ts'
import { FaultyBackend } from '../../src/backend/faulty.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { VaultError } from '../../src/errors/vault-error.ts'
import { objectName } from '../../src/ids/ids.ts'
import { ManualClock, seededRandom } from './manual-clock.ts'

/** Runs `count` pieces of work at once; returns how many were under way together at most. */
async function togetherAtMost(window: RequestWindow, count: number): Promise<number> {
  let running = 0
  let most = 0
  await Promise.all(Array.from({ length: count }, () => window.with(async () => {
    most = Math.max(most, ++running)
    await turn()
    running--
  }, undefined)))
  return most
}

test('window: nothing is held back until the storage asks for it; then half, and more again as it answers', async () => {
  const clock = new ManualClock()
  const window = new RequestWindow(8, clock)
  assert.equal(await togetherAtMost(window, 20), 20)
  const complain = async (): Promise<void> => {
    await turn()
    window.shrink()
  }
  await Promise.all(Array.from({ length: 8 }, () => window.with(complain, undefined)))
  assert.equal(window.limit, 4, 'eight complaints at once are one')
  assert.equal(await togetherAtMost(window, 20), 4)
  for (const expected of [2, 1, 1]) {
    clock.timeMs += 2000
    await Promise.all(Array.from({ length: 8 }, () => window.with(complain, undefined)))
    assert.equal(window.limit, expected)
  }
  for (let answers = 0; answers < 1 + 2 + 3; answers++) window.grow()
  assert.equal(window.limit, 4)
  for (let answers = 0; answers < 4 + 5 + 6 + 7; answers++) window.grow()
  assert.equal(await togetherAtMost(window, 20), 20)
})

test('retry: not before the time that the server asked for, and not for longer than five minutes', async () => {
  const clock = new ManualClock()
  for (const [retryAfterMs, leastMs, mostMs] of [[7000, 7000, 8000], [10 ** 9, 300_000, 301_000]] as const) {
    const busy = new VaultError('storage-unreachable', 'busy', { retry: 'later', isOverload: true, retryAfterMs })
    const faulty = new FaultyBackend(new MemoryBackend(), ({ index }) => (index === 0 ? undefined : index === 1 ? { kind: 'fail-before', error: busy } : undefined), clock)
    const backend = new RetryBackend(faulty, { clock, random: seededRandom(1) })
    await backend.put(objectName('a'), new Uint8Array(1))
    await backend.get(objectName('a'))
    const waitedMs = clock.sleepsMs.at(-1) ?? 0
    assert.ok(waitedMs >= leastMs && waitedMs <= mostMs, `${waitedMs} ms`)
  }
})
