// Goal: the shared table never loses a blob and never shows a wrong place: while it grows, with duplicates, and with
// threads that claim while the main thread places.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { BlobTable, type BlobPlace } from '../../src/index/blob-table.ts'
import { AssertionError } from '../../src/errors/assert.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'
import { idOf, type TableWork } from './table-thread.ts'

const seed = testSeed()
console.log(`seed ${seed}`)
const always = (): boolean => true

const randomPlace = (random: SeededRandom): BlobPlace => ({
  packNumber: random.below(10) === 0 ? 0xffff_fff0 : random.below(100_000), offset: random.below(320 * 2 ** 20),
  length: random.below(2 ** 26), codec: random.below(8), rawLength: random.below(2 ** 26), keyIndex: random.below(512),
})

it('equals a Map of lists, over several levels', () => {
  const random = new SeededRandom(seed)
  const table = new BlobTable({ expectedBlobs: 1 })
  const model = new Map<number, BlobPlace[]>()
  const firstBytes = table.sizeBytes
  for (let i = 0; i < 120_000; i++) {
    const number = random.below(90_000)
    const place = randomPlace(random)
    model.set(number, [...(model.get(number) ?? []), place])
    table.add(idOf(number), place)
  }
  assert.equal(table.count, 120_000)
  assert.ok(table.sizeBytes > firstBytes * 4, 'has grown by two levels or more')
  for (let number = 0; number < 90_000; number++) {
    assert.deepEqual(sorted(table.places(idOf(number), always)), sorted(model.get(number) ?? []))
  }
  for (let number = 90_000; number < 95_000; number++) assert.equal(table.find(idOf(number), always), undefined)
})

const sorted = (places: readonly BlobPlace[]): string[] => places.map((place) => JSON.stringify(Object.entries(place).sort())).sort()

it('a claim is pending until it is placed, and counts once', () => {
  const random = new SeededRandom(seed)
  const table = new BlobTable({ expectedBlobs: 100 })
  const id = idOf(1)
  assert.equal(table.find(id, always), undefined)
  table.claim(id)
  assert.equal(table.find(id, always), -1)
  assert.deepEqual(table.places(id, always), [])
  const place = { ...randomPlace(random), packNumber: 7 }
  table.add(id, place)
  assert.equal(table.find(id, always), 7)
  assert.equal(table.count, 1)
  assert.deepEqual(table.places(id, always), [place])
})

it('unusable places are passed over: another place, else pending, else absent', () => {
  const table = new BlobTable({ expectedBlobs: 100 })
  const place = { packNumber: 1, offset: 0, length: 28, codec: 0, rawLength: 0, keyIndex: 0 }
  const isUsable = (packNumber: number): boolean => packNumber !== 1
  table.add(idOf(2), place)
  assert.equal(table.find(idOf(2), isUsable), undefined)
  table.claim(idOf(2))
  assert.equal(table.find(idOf(2), isUsable), -1)
  table.add(idOf(2), { ...place, packNumber: 2 })
  assert.equal(table.find(idOf(2), isUsable), 2)
  assert.deepEqual(table.places(idOf(2), isUsable).map(({ packNumber }) => packNumber), [2])
})

it('ids that differ late, in the 16 bytes kept, are told apart', () => {
  const table = new BlobTable({ expectedBlobs: 100 })
  const place = { packNumber: 1, offset: 0, length: 28, codec: 0, rawLength: 0, keyIndex: 0 }
  const ids = Array.from({ length: 16 }, (_, at) => new Uint8Array(32).fill(1, at, at + 1))
  for (const [packNumber, id] of ids.entries()) table.add(id, { ...place, packNumber })
  table.add(new Uint8Array(32), { ...place, packNumber: 99 }) // all zeros is an id like any other
  for (const [packNumber, id] of ids.entries()) assert.equal(table.find(id, always), packNumber)
  assert.equal(table.find(new Uint8Array(32), always), 99)
})

it('what does not fit a slot is a bug, not a wrong place', () => {
  const table = new BlobTable({ expectedBlobs: 100 })
  const place = { packNumber: 1, offset: 0, length: 28, codec: 0, rawLength: 0, keyIndex: 0 }
  for (const change of [{ length: 2 ** 26 }, { rawLength: 2 ** 26 }, { keyIndex: 512 }, { codec: 8 }, { packNumber: 2 ** 32 - 1 }]) {
    assert.throws(() => table.add(idOf(1), { ...place, ...change }), AssertionError)
  }
})

const placeOf = (number: number): BlobPlace => ({
  packNumber: number % 1000, offset: number, length: 28, codec: 1, rawLength: number % 2 ** 20, keyIndex: number % 512,
})

it('three threads claim overlapping ids while the main thread places them', { timeout: 120_000 }, async () => {
  const table = new BlobTable({ expectedBlobs: 1 })
  const ranges = [[0, 60_000], [30_000, 60_000], [60_000, 60_000]] as const
  const total = 120_000
  let next = 0
  const place = (until: number): void => {
    for (; next < until; next++) table.add(idOf(next), placeOf(next))
  }
  const lost = await Promise.all(ranges.map(([first, count]) => new Promise<number>((resolve, reject) => {
    const work: TableWork = { shared: table.shared, first, count }
    const worker = new Worker(new URL('./table-thread.js', import.meta.url), { workerData: work })
    worker.on('error', reject)
    worker.on('message', (message: { claimed: number } | { lost: number }) => {
      if ('lost' in message) resolve(message.lost)
      else place(Math.min(next + 300, total)) // beside the threads: places of ids claimed and not yet claimed
    })
  })))
  place(total)
  assert.deepEqual(lost, [0, 0, 0])
  for (let number = 0; number < total; number++) {
    const places = table.places(idOf(number), always)
    assert.equal(places.length, 1, `blob ${number}`)
    assert.deepEqual(places[0], placeOf(number))
    assert.equal(table.find(idOf(number), always), number % 1000)
  }
  assert.ok(table.count >= total && table.count <= total + ranges.length * 60_000)
})
