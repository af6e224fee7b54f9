// Goal: as many transfers run as the line is worth, and limits hold. Method: a line in virtual time that is always asked
// for more than it gives; what it carried is held against what it could have carried.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LimitBackend } from '../../src/backend/limit.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { objectName } from '../../src/ids/ids.ts'
import { EventClock } from './event-clock.ts'
import { SimulatedLine, type LineOptions } from './simulated-line.ts'

const MB = 1e6

interface Load {
  /** Callers that always have another object. */
  readonly callers: number
  readonly objectBytes: number
  readonly seconds: number
}

interface Carried {
  readonly line: SimulatedLine
  /** Share of the line's rate that was used, second half of the time. */
  readonly share: number
  /** Mean number of transfers under way, second half of the time. */
  readonly meanUnderWay: number
  readonly elapsedMs: number
}

let serial = 0

/** Sends or fetches for a time. */
async function carry(
  direction: 'up' | 'down', options: Omit<LineOptions, 'clock'>, load: Load, limits: { max?: number; rate?: number } = {},
): Promise<Carried> {
  const clock = new EventClock()
  const line = new SimulatedLine({ ...options, clock })
  const rate = limits.rate === undefined ? {} : { upBytesPerSecond: limits.rate, downBytesPerSecond: limits.rate }
  const backend = new LimitBackend(line, { clock, requestsInFlightMax: limits.max ?? 16, ...rate })
  const stored = objectName('packs/stored')
  const bytes = new Uint8Array(load.objectBytes)
  if (direction === 'down') await clock.run(line.put(stored, bytes))
  const startMs = clock.elapsedMs()
  const halfMs = startMs + (load.seconds / 2) * 1000
  const endMs = startMs + load.seconds * 1000
  const second = { bytes: 0, underWay: 0, samples: 0 }
  const caller = async (): Promise<void> => {
    while (clock.elapsedMs() < endMs) {
      try {
        if (direction === 'up') await backend.put(objectName(`packs/${serial++}`), bytes)
        else await backend.get(stored)
        if (clock.elapsedMs() > halfMs) second.bytes += load.objectBytes
      } catch (error) {
        if (!isVaultError(error, 'storage-unreachable')) throw error
        await clock.sleep(500)
      }
    }
  }
  const sampler = async (): Promise<void> => {
    for (; clock.elapsedMs() < endMs; await clock.sleep(100)) {
      if (clock.elapsedMs() <= halfMs) continue
      second.underWay += line.underWay
      second.samples++
    }
  }
  await clock.run(Promise.all([sampler(), ...Array.from({ length: load.callers }, caller)]))
  const seconds = (clock.elapsedMs() - halfMs) / 1000
  return {
    line, share: second.bytes / seconds / options.bytesPerSecond, meanUnderWay: second.underWay / second.samples,
    elapsedMs: clock.elapsedMs() - startMs,
  }
}

describe('transfers', () => {
  test('a line that two transfers fill is filled by few, not by all that may run', async () => {
    const { share, meanUnderWay } = await carry(
      'up', { bytesPerSecond: 2 * MB, transferBytesPerSecond: 10 * MB, latencyMs: 50 }, { callers: 16, objectBytes: 4 * MB, seconds: 300 },
    )
    assert.ok(share > 0.95, `share ${share}`)
    assert.ok(meanUnderWay < 5, `${meanUnderWay} under way`)
  })

  test('where each transfer gets little, more of them run', async () => {
    const { share, meanUnderWay } = await carry(
      'up', { bytesPerSecond: 20 * MB, transferBytesPerSecond: 1.4 * MB, latencyMs: 100 }, { callers: 24, objectBytes: 4 * MB, seconds: 120 },
    )
    assert.ok(share > 0.9, `share ${share}`)
    assert.ok(meanUnderWay > 12, `${meanUnderWay} under way`)
  })

  test('small objects from afar: waiting is hidden by as many as may run', async () => {
    const { share, meanUnderWay } = await carry(
      'down', { bytesPerSecond: 100 * MB, transferBytesPerSecond: 100 * MB, latencyMs: 100 }, { callers: 24, objectBytes: 50_000, seconds: 60 },
    )
    assert.ok(meanUnderWay > 14, `${meanUnderWay} under way`)
    assert.ok(share > 0.06, `share ${share}: 16 * 50 KB every 101 ms are 0.08`)
  })

  test('a storage that asks to slow down is refused little in the long run', async () => {
    const { line, share } = await carry(
      'up', { bytesPerSecond: 10 * MB, transferBytesPerSecond: 2 * MB, latencyMs: 20, transfersAllowed: 3 },
      { callers: 16, objectBytes: 1 * MB, seconds: 300 },
    )
    assert.ok(share > 0.3, `share ${share}: three transfers at once are 0.6`)
    assert.ok(line.refused < 150, `${line.refused} refusals in 300 s`)
  })

  test('never more than the limit, whatever it would bring', async () => {
    const { line } = await carry(
      'down', { bytesPerSecond: 100 * MB, transferBytesPerSecond: 5 * MB, latencyMs: 50 }, { callers: 16, objectBytes: 4 * MB, seconds: 20 }, { max: 3 },
    )
    assert.equal(line.underWayMax, 3)
  })

  for (const direction of ['up', 'down'] as const) {
    test(`a rate holds and is used, ${direction}`, async () => {
      const { share } = await carry(
        direction, { bytesPerSecond: 20 * MB, transferBytesPerSecond: 20 * MB, latencyMs: 50 },
        { callers: 4, objectBytes: 500_000, seconds: 60 }, { rate: 2 * MB },
      )
      assert.ok(share > 0.095 && share < 0.103, `share ${share} of a tenth`)
    })
  }

  test('a rate flows evenly: no second carries more than two seconds\' worth', async () => {
    const clock = new EventClock()
    const line = new SimulatedLine({ clock, bytesPerSecond: 100 * MB, transferBytesPerSecond: 100 * MB, latencyMs: 10 })
    const backend = new LimitBackend(line, { clock, requestsInFlightMax: 4, upBytesPerSecond: MB })
    const moved: { atMs: number; bytes: number }[] = []
    const spied = line.put.bind(line)
    line.put = (name, bytes, options = {}) => {
      const { pace } = options
      assert.ok(pace)
      const pass = async (size: number): Promise<void> => {
        await pace.pass(size)
        moved.push({ atMs: clock.elapsedMs(), bytes: size })
      }
      return spied(name, bytes, { ...options, pace: { ...pace, pass } })
    }
    const packs = Array.from({ length: 4 }, (_, index) => backend.put(objectName(`packs/even-${index}`), new Uint8Array(8 * MB)))
    await clock.run(Promise.all(packs))
    for (const { atMs } of moved) {
      const bytes = moved.filter((other) => other.atMs >= atMs && other.atMs < atMs + 1000).reduce((sum, other) => sum + other.bytes, 0)
      assert.ok(bytes <= 2.1 * MB, `${bytes} bytes within a second`)
    }
  })

  test('a small put does not wait for packs on a slow line', async () => {
    const clock = new EventClock()
    const line = new SimulatedLine({ clock, bytesPerSecond: 100_000, transferBytesPerSecond: 100_000, latencyMs: 50 })
    const backend = new LimitBackend(line, { clock, requestsInFlightMax: 1, upBytesPerSecond: 50_000 })
    const packs = Array.from({ length: 4 }, (_, index) => backend.put(objectName(`packs/slow-${index}`), new Uint8Array(10 * MB)))
    const renewal = (async () => {
      await clock.sleep(1000)
      const startMs = clock.elapsedMs()
      await backend.put(objectName('sessions/1'), new Uint8Array(300))
      return clock.elapsedMs() - startMs
    })()
    assert.ok((await clock.run(renewal)) < 1000)
    await clock.run(Promise.all(packs))
  })
})
