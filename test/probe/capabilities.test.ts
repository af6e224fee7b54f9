// Goal: what is recorded is read back, what is not understood counts as unknown, and a change is told.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { StorageMemory } from '../../src/cache/storage-memory.ts'
import { capabilityDifferences, parseStorageRecord, type StorageRecord } from '../../src/probe/capabilities.ts'

const record: StorageRecord = {
  endpoint: 'https://s3.example.org', bucket: 'b', probed: '2026-11-27T06:32:37.000Z',
  capabilities: {
    conditionalPut: 'honoured', checksum: 'returned', wrongChecksum: 'refused', versioning: 'enabled', objectLock: 'enabled',
    defaultRetention: { mode: 'GOVERNANCE', days: 3 },
  },
}

test('a record survives JSON; words of a later version are unknown', () => {
  assert.deepEqual(parseStorageRecord(JSON.parse(JSON.stringify(record))), record)
  const later = { ...record, more: 1, capabilities: { ...record.capabilities, conditionalPut: 'sometimes', defaultRetention: { mode: 'FOREVER' } } }
  const { defaultRetention: _none, ...others } = record.capabilities
  assert.deepEqual(parseStorageRecord(later)?.capabilities, { ...others, conditionalPut: 'unknown' })
  for (const value of [undefined, null, 'x', {}, { ...record, bucket: 5 }]) assert.equal(parseStorageRecord(value), undefined)
})

test('differences are what was known both times and is another now', () => {
  const { capabilities } = record
  assert.deepEqual(capabilityDifferences(capabilities, capabilities), [])
  assert.deepEqual(capabilityDifferences(capabilities, { ...capabilities, conditionalPut: 'ignored', checksum: 'unknown' }), [
    { name: 'conditionalPut', recorded: 'honoured', now: 'ignored' },
  ])
  assert.deepEqual(capabilityDifferences(capabilities, { ...capabilities, defaultRetention: { mode: 'GOVERNANCE', days: 1 } }), [
    { name: 'defaultRetention', recorded: 'GOVERNANCE for 3 days', now: 'GOVERNANCE for 1 day' },
  ])
})

test('a machine remembers one record an endpoint and bucket; what is damaged is forgotten', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 's3vault-memory-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const memory = new StorageMemory(directory)
  assert.equal(memory.recall(record), undefined)
  memory.remember(record)
  memory.remember({ ...record, bucket: 'c' })
  const newer = { ...record, probed: '2026-12-01T00:00:00.000Z' }
  memory.remember(newer)
  assert.deepEqual(new StorageMemory(directory).recall(record), newer)
  assert.equal(memory.recall({ ...record, bucket: 'c' })?.probed, record.probed)
  assert.equal(memory.recall({ ...record, endpoint: 'http://other' }), undefined)
  writeFileSync(join(directory, 'storage.json'), '[{]')
  assert.equal(memory.recall(record), undefined)
  memory.remember(record)
  assert.deepEqual(memory.recall(record), record)
  new StorageMemory(join(directory, 'gone')).remember(record) // best effort: no error
})
