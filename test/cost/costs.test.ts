// Goal: the arithmetic of a bill, against figures worked out by hand.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { archiveTime, archiveWarning, isArchiveClass } from '../../src/cost/archive-classes.ts'
import { StorageLedger } from '../../src/cost/ledger.ts'
import { daysStillBilled } from '../../src/cost/minimum-duration.ts'
import { findPrices, parsePriceTable, type Prices } from '../../src/cost/price-table.ts'
import { readingCosts, requestCosts } from '../../src/cost/transfer-costs.ts'

const GB = 1e9
const DAY_MS = 24 * 3600 * 1000
const plain = { storagePerGBMonth: 0.02, putPer1000: 5, getPer1000: 1, retrievalPerGB: 0, minimumDays: 0, minimumBytes: 0 }
const table = parsePriceTable({
  format: 's3vault-prices', version: 1,
  providers: [{
    name: 'P', hosts: ['p'], currency: 'EUR', gigabyteBytes: GB, date: '2026', source: 'https://p',
    regions: [{
      name: '*', egressPerGB: 0.1, listPer1000: 10,
      classes: {
        STANDARD: plain,
        RARE: { ...plain, storagePerGBMonth: 0.01, retrievalPerGB: 0.01, minimumDays: 30, minimumBytes: 128_000 },
        COLD: {
          ...plain, storagePerGBMonth: 0.001, putPer1000: 50, minimumDays: 180, overheadBytes: 32_000, overheadStandardBytes: 8000,
          archive: { standard: { perGB: 0.02, per1000: 0.1 }, bulk: { perGB: 0.0025 } },
        },
      },
    }],
  }],
}, 'test')
const prices = findPrices(table, 'p', 'r') as Prices
const near = (actual: number | undefined, expected: number): void =>
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`)

test('a month of storage, by class, the largest first', () => {
  const ledger = new StorageLedger(prices, 0)
  for (let i = 0; i < 1000; i++) ledger.add({ sizeBytes: GB / 1000, modifiedMs: 0, storageClass: 'STANDARD' })
  for (let i = 0; i < 1000; i++) ledger.add({ sizeBytes: 2 * GB / 1000, modifiedMs: 0, storageClass: 'COLD' })
  const [cold, standard] = ledger.holdings()
  assert.deepEqual([cold?.storageClass, cold?.objects, cold?.bytes], ['COLD', 1000, 2 * GB])
  near(standard?.monthly, 0.02)
  // 32 MB more at its own price, 8 MB at STANDARD's.
  near(cold?.monthly, 2.032 * 0.001 + 0.008 * 0.02)
})

test('small objects count with the minimum size of their class', () => {
  const ledger = new StorageLedger(prices, 0)
  for (let i = 0; i < 1000; i++) ledger.add({ sizeBytes: 1, modifiedMs: 0, storageClass: 'RARE' })
  near(ledger.holdings()[0]?.monthly, 0.128 * 0.01)
})

test('what is younger than its minimum is counted, with what deleting it now would still cost', () => {
  const nowMs = 1000 * DAY_MS
  const ledger = new StorageLedger(prices, nowMs)
  ledger.add({ sizeBytes: GB, modifiedMs: nowMs - 20 * DAY_MS, storageClass: 'RARE' })
  ledger.add({ sizeBytes: GB, modifiedMs: nowMs - 30 * DAY_MS, storageClass: 'RARE' })
  const young = ledger.holdings()[0]?.young
  assert.deepEqual([young?.objects, young?.bytes], [1, GB])
  near(young?.stillBilled, 0.01 * (10 / 30))
})

test('the rule of minimum duration: what has lain long enough may go, and a clock that is behind gives nothing away', () => {
  assert.equal(daysStillBilled(90, 0, 90 * DAY_MS), 0)
  assert.equal(daysStillBilled(90, 0, 89 * DAY_MS), 1)
  assert.equal(daysStillBilled(90, 10 * DAY_MS, 0), 90)
  assert.equal(daysStillBilled(0, 0, 0), 0)
})

test('classes and storage without prices are counted, and never priced at nothing', () => {
  const unknownClass = new StorageLedger(prices, 0)
  unknownClass.add({ sizeBytes: GB, modifiedMs: 0, storageClass: 'ODD' })
  assert.equal(unknownClass.holdings()[0]?.monthly, undefined)
  const unknownPlace = new StorageLedger(undefined, 0)
  unknownPlace.add({ sizeBytes: GB, modifiedMs: 0 })
  assert.deepEqual([unknownPlace.holdings()[0]?.storageClass, unknownPlace.holdings()[0]?.monthly], ['STANDARD', undefined])
})

test('requests: a PUT at the price of its class, deletes free, downloads by the GB', () => {
  const { requests, downloads } = requestCosts(prices, { put: 3000, get: 1000, list: 100, stat: 1000, bytesDown: 5 * GB, putsByClass: { COLD: 1000 } })
  near(requests, 2 * 5 + 50 + 2 * 1 + 1)
  near(downloads, 0.5)
})

test('reading: an archive brings whole objects back and keeps a copy; what has no price is named', () => {
  const readings = [
    { storageClass: 'RARE', objects: 1000, bytes: GB, objectBytes: 3 * GB },
    { storageClass: 'COLD', objects: 1000, bytes: GB, objectBytes: 3 * GB },
  ]
  const standard = readingCosts(prices, readings, 'standard', 3)
  near(standard.download, 0.2)
  near(standard.retrieval, 0.01 + 3 * 0.02 + 0.1)
  near(standard.requests, 2)
  near(standard.copies, 3 * 0.02 * 0.1)
  near(standard.total, 0.2 + 0.17 + 2 + 0.006)
  assert.deepEqual(standard.unpriced, [])
  assert.deepEqual(readingCosts(prices, readings, 'bulk', 3).unpriced, ['requests to bring back from COLD (bulk)'])
  assert.deepEqual(readingCosts(prices, readings, 'expedited', 3).unpriced, ['bringing back from COLD (expedited)'])
  assert.deepEqual(readingCosts(prices, [{ storageClass: 'ODD', objects: 1, bytes: 1, objectBytes: 1 }], 'bulk', 1).unpriced, ['reading from ODD'])
})

test('archive classes, their tiers, and what a person should know of them', () => {
  assert.deepEqual(['GLACIER', 'DEEP_ARCHIVE', 'GLACIER_IR', 'STANDARD', undefined].map(isArchiveClass), [true, true, false, false, false])
  assert.equal(archiveTime('DEEP_ARCHIVE', 'expedited'), undefined)
  assert.match(archiveWarning('DEEP_ARCHIVE') ?? '', /180 days at least and 40 KB more .* up to 12 hours/)
  assert.equal(archiveWarning('STANDARD_IA'), undefined)
})
