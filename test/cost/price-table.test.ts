// Goal: no price without its source, and a table of one's own is refused with the place that is wrong.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findPrices, loadPriceTable, parsePriceTable } from '../../src/cost/price-table.ts'
import { VaultError } from '../../src/errors/vault-error.ts'

const folder = mkdtempSync(join(tmpdir(), 's3vault-prices-'))
after(() => rmSync(folder, { recursive: true }))

const STANDARD = { storagePerGBMonth: 0.02, putPer1000: 0.005, getPer1000: 0.0004, retrievalPerGB: 0, minimumDays: 0, minimumBytes: 0 }
const region = { name: '*', egressPerGB: 0.1, listPer1000: 0.005, classes: { STANDARD } }
const provider = {
  name: 'Mine', hosts: ['s3.example.org'], currency: 'EUR', gigabyteBytes: 1e9, date: '2026-11-27', source: 'https://example.org', regions: [region],
}
const table = { format: 's3vault-prices', version: 1, providers: [provider] }

test('the built-in table is well formed, and every provider names a page and a date', () => {
  const { providers } = loadPriceTable()
  assert.ok(providers.length >= 4)
  for (const { source, date, regions } of providers) {
    assert.match(source, /^https:\/\//)
    assert.match(date, /^20\d\d/)
    assert.ok(regions.length > 0)
  }
})

test('a server is found by its host name or one above it, and by its region', () => {
  const builtIn = loadPriceTable()
  const priceOf = (host: string, name: string): number | undefined =>
    findPrices(builtIn, host, name)?.region.classes['STANDARD']?.storagePerGBMonth
  assert.equal(priceOf('s3.eu-central-1.amazonaws.com', 'eu-central-1'), 0.0245)
  assert.equal(priceOf('bucket.s3.us-east-1.amazonaws.com', 'us-east-1'), 0.023)
  assert.equal(priceOf('abc.r2.cloudflarestorage.com', 'auto'), 0.015)
  assert.equal(priceOf('s3.amazonaws.com', 'mars-north-1'), undefined)
  assert.equal(priceOf('127.0.0.1', 'us-east-1'), undefined)
  assert.equal(priceOf('evilamazonaws.com', 'us-east-1'), undefined)
})

test('a file takes the place of the built-in table', () => {
  const file = join(folder, 'prices.json')
  writeFileSync(file, JSON.stringify(table))
  const found = findPrices(loadPriceTable(file), 'bucket.s3.example.org', 'anywhere')
  assert.deepEqual([found?.provider.name, found?.origin], ['Mine', file])
})

test('what is wrong with a table is said with its place', () => {
  const withRegion = (change: object): object => ({ ...table, providers: [{ ...provider, regions: [{ ...region, ...change }] }] })
  const withClass = (change: object): object => withRegion({ classes: { STANDARD, COLD: { ...STANDARD, ...change } } })
  const cases: [unknown, RegExp][] = [
    [[], /: must be an object$/],
    [{ ...table, version: 2 }, /must begin with "format"/],
    [{ ...table, providers: [] }, /providers must be a list that is not empty/],
    [{ ...table, providers: [{ ...provider, source: '' }] }, /providers\[0\]\.source must be a text/],
    [{ ...table, providers: [{ ...provider, date: 'yesterday' }] }, /providers\[0\]\.date must be/],
    [{ ...table, providers: [{ ...provider, colour: 'red' }] }, /providers\[0\]\.colour is not known/],
    [withRegion({ egressPerGB: '0.09' }), /providers\[0\]\.regions\[0\]\.egressPerGB must be a number/],
    [withRegion({ classes: {} }), /regions\[0\]\.classes must have the class STANDARD/],
    [withClass({ minimumDays: -1 }), /classes\.COLD\.minimumDays must be a number, 0 or more/],
    [withClass({ storagePerGbMonth: 1 }), /classes\.COLD\.storagePerGbMonth is not known/],
    [withClass({ archive: { overnight: { perGB: 1 } } }), /classes\.COLD\.archive\.overnight is not known; there is expedited, standard, bulk/],
    [withClass({ archive: { bulk: {} } }), /archive\.bulk\.perGB must be a number/],
  ]
  for (const [value, message] of cases) {
    assert.throws(() => parsePriceTable(value, 'FILE'), (error) => {
      assert.ok(error instanceof VaultError && error.code === 'usage')
      assert.match(error.message, message)
      assert.match(error.message, /^price table FILE: /)
      return true
    })
  }
})

test('a file that is not there or no JSON is a mistake of the call', () => {
  writeFileSync(join(folder, 'torn.json'), '{"format":')
  for (const name of ['torn.json', 'absent.json']) {
    assert.throws(() => loadPriceTable(join(folder, name)), (error) => error instanceof VaultError && error.code === 'usage' && error.message.includes(name))
  }
})
