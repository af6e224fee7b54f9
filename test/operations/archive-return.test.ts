// Goal: archived packs are asked for once, waited for with few requests, and found again by a run that comes later.
// Method: an archive in memory on a clock that jumps.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Archive, ArchiveState, Backend } from '../../src/backend/backend.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { VaultError } from '../../src/errors/vault-error.ts'
import { objectName } from '../../src/ids/ids.ts'
import { ArchiveReturn, type ReturnSummary } from '../../src/operations/archive-return.ts'
import { surveyArchive } from '../../src/operations/archive-survey.ts'
import type { Progress } from '../../src/operations/events.ts'
import type { NeededPack } from '../../src/operations/pack-needs.ts'
import { ManualClock } from '../backend/manual-clock.ts'

const HOUR_MS = 3600_000
const packs = (count: number): NeededPack[] => Array.from({ length: count }, (_, i) =>
  ({ name: objectName(`packs/d/${i}`), storageClass: 'GLACIER', sizeBytes: 10, bytes: 10, ranges: 1 }))

/** Each object is readable `hours` of its own after it was asked for. */
class MemoryArchive implements Archive {
  readonly clock = new ManualClock()
  readonly readyMs = new Map<string, number>()
  looks = 0
  requests = 0
  readonly #hours: (name: string) => number

  constructor(hours: (name: string) => number) {
    this.#hours = hours
  }

  async state(name: string): Promise<ArchiveState> {
    this.looks++
    const readyMs = this.readyMs.get(name)
    if (readyMs === undefined) return 'archived'
    return readyMs <= this.clock.nowMs() ? 'readable' : 'returning'
  }

  async bringBack(name: string): Promise<ArchiveState> {
    this.requests++
    this.readyMs.set(name, this.clock.nowMs() + this.#hours(name) * HOUR_MS)
    return this.state(name)
  }

  /** Archived objects are refused; `isReadable`: the class is an archive by its name only. */
  backend(isReadable = false): Backend {
    return Object.assign(new MemoryBackend(), {
      archive: this,
      get: async () => {
        if (!isReadable) throw new VaultError('object-archived', 'archived')
        return new Uint8Array(1)
      },
    })
  }

  async run(needed: readonly NeededPack[], events: (progress: Progress) => void = () => undefined, signal?: AbortSignal): Promise<ReturnSummary> {
    const survey = await surveyArchive(this.backend(), needed)
    return new ArchiveReturn(this.backend(), survey, {
      clock: this.clock, speed: 'standard', days: 3, signal, events: (event) => void (event.type === 'progress' && events(event)),
    }).run()
  }
}

test('a thousand packs that take four to five hours: one request each, and few looks while waiting', async () => {
  const archive = new MemoryArchive((name) => 4 + Number(name.split('/')[2]) / 1000)
  const seen: Progress[] = []
  const { requested, waitedMs } = await archive.run(packs(1000), (progress) => seen.push(progress))
  assert.equal(requested, 1000)
  assert.equal(archive.requests, 1000)
  assert.ok(waitedMs >= 4.9 * HOUR_MS && waitedMs < 5.5 * HOUR_MS, `${waitedMs / HOUR_MS} hours`)
  // Two for each pack at both ends, and some polls of four; more only while they are coming in.
  assert.ok(archive.looks < 12_000, `${archive.looks} looks`)
  assert.ok(Math.max(...archive.clock.sleepsMs) <= 600_000)
  assert.deepEqual([seen.at(-1)?.itemsDone, seen.at(-1)?.itemsTotal, seen.at(-1)?.bytesDone], [1000, 1000, 10_000])
  assert.ok(seen.every(({ itemsDone }, i) => itemsDone >= (seen[i - 1]?.itemsDone ?? 0)))
})

test('waiting asks for a few packs only, however many there are', async () => {
  const archive = new MemoryArchive(() => 5)
  await archive.run(packs(1000))
  const polls = archive.clock.sleepsMs.length
  assert.ok(archive.looks <= 2 * 1000 + 1000 + 4 * polls, `${archive.looks} looks, ${polls} polls`)
})

test('what is returning or readable already is not asked for again', async () => {
  const archive = new MemoryArchive(() => 5)
  const needed = packs(3)
  archive.readyMs.set(needed[0]?.name ?? '', archive.clock.nowMs() + HOUR_MS)
  archive.readyMs.set(needed[1]?.name ?? '', archive.clock.nowMs() - 1)
  const { readable, archived, returning } = await surveyArchive(archive.backend(), needed)
  assert.deepEqual([readable.length, archived.length, returning.length], [1, 1, 1])
  assert.equal((await archive.run(needed)).requested, 1)
  assert.equal(archive.requests, 1)
})

test('a class that only has the name of an archive needs nothing brought back', async () => {
  const archive = new MemoryArchive(() => 5)
  assert.deepEqual(await surveyArchive(archive.backend(true), packs(3)), { readable: [], archived: [], returning: [] })
  assert.equal(archive.looks, 3)
})

test('what is there at once is not waited for', async () => {
  const archive = new MemoryArchive(() => 0)
  assert.deepEqual(await archive.run(packs(2)), { requested: 2, waitedMs: 0 })
  assert.deepEqual(archive.clock.sleepsMs, [])
})

test('an interruption ends the wait', async () => {
  const archive = new MemoryArchive(() => 5)
  const abort = new AbortController()
  const run = archive.run(packs(2), () => abort.abort(new Error('stop')), abort.signal)
  await assert.rejects(run, (error) => error instanceof VaultError && error.code === 'interrupted')
  assert.equal(archive.requests, 2)
})
