// Goal: storage classes, archives and what bills rest on, through all the decorators that a vault is opened with.
// Method: the in-process server, whose archive takes as long as the test says.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Archive, Backend, Billing } from '../../src/backend/backend.ts'
import { FaultyBackend } from '../../src/backend/faulty.ts'
import { openBackend } from '../../src/backend/open.ts'
import { CachedBackend } from '../../src/cache/cached-backend.ts'
import { VaultError } from '../../src/errors/vault-error.ts'
import { objectName, type ObjectName } from '../../src/ids/ids.ts'
import { startS3Server } from '../support/s3-server/server.ts'
import { ManualClock, seededRandom } from './manual-clock.ts'

const HOUR_MS = 3600_000
const server = await startS3Server({ buckets: ['plain', 'versioned'], archiveDelayMs: 4 * HOUR_MS })
const folder = mkdtempSync(join(tmpdir(), 's3vault-archive-'))
after(async () => {
  rmSync(folder, { recursive: true })
  await server.close()
})

const REQUEST = { speed: 'bulk', days: 2 } as const
const failsWith = (code: string) => (error: unknown): boolean => error instanceof VaultError && error.code === code

async function open(bucket: string, storageClass?: string): Promise<Backend & { archive: Archive; billing: Billing }> {
  const clock = new ManualClock()
  const opened = await openBackend({ kind: 's3', bucket, prefix: 'v' }, {
    clock, random: seededRandom(1),
    s3: {
      endpoint: server.endpoint, region: 'us-east-1', credentials: server,
      storageClassFor: (name) => (name.startsWith('cold/') ? storageClass : undefined),
    },
  })
  const backend = new CachedBackend(new FaultyBackend(opened, () => undefined, clock), folder)
  assert.ok(backend.archive && backend.billing)
  return backend as Backend as Backend & { archive: Archive; billing: Billing }
}

/** As if the hours had passed. */
function finishReturn(name: ObjectName): void {
  const version = server.state.bucket('plain').current(`v/${name}`)
  assert.ok(version?.returned)
  version.returned = { ...version.returned, fromMs: 0 }
}

test('listing and stat name the class; what was not chosen is STANDARD', async () => {
  const backend = await open('plain', 'STANDARD_IA')
  await backend.put(objectName('cold/x'), new Uint8Array(5))
  await backend.put(objectName('warm/x'), new Uint8Array(5))
  assert.deepEqual(Object.fromEntries(backend.billing.putsByClass), { STANDARD_IA: 1 })
  for (const [name, storageClass] of [['cold/x', 'STANDARD_IA'], ['warm/x', 'STANDARD']] as const) {
    assert.equal((await backend.stat(objectName(name))).storageClass, storageClass)
    for await (const info of backend.list(name)) assert.equal(info.storageClass, storageClass)
  }
})

test('an archived object is refused until it was brought back, and asking twice is no error', async () => {
  const backend = await open('plain', 'DEEP_ARCHIVE')
  const name = objectName('cold/archived')
  await backend.put(name, Uint8Array.of(1, 2, 3))
  await assert.rejects(backend.get(name), failsWith('object-archived'))
  assert.equal(await backend.archive.state(name), 'archived')
  assert.equal(await backend.archive.bringBack(name, REQUEST), 'returning')
  assert.equal(await backend.archive.bringBack(name, REQUEST), 'returning')
  assert.equal(await backend.archive.state(name), 'returning')
  await assert.rejects(backend.get(name), failsWith('object-archived'))
  finishReturn(name)
  assert.equal(await backend.archive.state(name), 'readable')
  assert.deepEqual([...(await backend.get(name))], [1, 2, 3])
  assert.equal(await backend.archive.bringBack(name, REQUEST), 'readable')
  assert.equal(server.state.bucket('plain').current(`v/${name}`)?.returned?.tier, 'Bulk')
  const { put, stat } = backend.counts
  assert.deepEqual([put, stat], [4, 3])
})

test('what is in no archive is readable, and what is missing is missing', async () => {
  const backend = await open('plain')
  const name = objectName('warm/readable')
  await backend.put(name, new Uint8Array(1))
  assert.equal(await backend.archive.state(name), 'readable')
  assert.equal(await backend.archive.bringBack(name, REQUEST), 'readable')
  await assert.rejects(backend.archive.state(objectName('warm/absent')), failsWith('object-missing'))
  await assert.rejects(backend.archive.bringBack(objectName('warm/absent'), REQUEST), failsWith('object-missing'))
})

test('a class that the server does not have is refused with its name, and nothing is stored', async () => {
  const backend = await open('plain', 'NO_SUCH_CLASS')
  await assert.rejects(backend.put(objectName('cold/nope'), new Uint8Array(1)), (error) => {
    assert.ok(failsWith('storage-refused')(error))
    assert.match((error as VaultError).hint ?? '', /NO_SUCH_CLASS/)
    return true
  })
  await assert.rejects(backend.stat(objectName('cold/nope')), failsWith('object-missing'))
})

test('passing failures of the archive are repeated', async () => {
  const backend = await open('plain', 'GLACIER')
  const name = objectName('cold/troubled')
  await backend.put(name, new Uint8Array(1))
  let failures = 0
  server.setFault(({ operation }) => (operation === 'RestoreObject' && failures++ < 2 ? { kind: 'error', code: 'SlowDown' } : undefined))
  assert.equal(await backend.archive.bringBack(name, REQUEST), 'returning')
  server.setFault(undefined)
  assert.equal(failures, 3)
})

test('the bill: host and region, old versions but not current ones, unfinished uploads of the vault only', async () => {
  server.state.bucket('versioned').versioning = 'Enabled'
  const backend = await open('versioned', 'GLACIER')
  for (let i = 0; i < 3; i++) {
    await backend.put(objectName('cold/gone'), new Uint8Array(10))
    await backend.delete(objectName('cold/gone'))
  }
  await backend.put(objectName('warm/here'), new Uint8Array(1))
  assert.deepEqual(await backend.billing.place(), { host: '127.0.0.1', region: 'us-east-1' })
  const versions = await backend.billing.noncurrentVersions()
  assert.deepEqual(versions.map(({ sizeBytes, storageClass }) => [sizeBytes, storageClass]), [[10, 'GLACIER'], [10, 'GLACIER'], [10, 'GLACIER']])
  assert.equal(await backend.billing.unfinishedUploads(), 0)
  const upload = { headers: {}, parts: new Map(), startedMs: 0 }
  server.state.bucket('versioned').uploads.set('1', { ...upload, key: 'v/cold/parts' }).set('2', { ...upload, key: 'other' })
  assert.equal(await backend.billing.unfinishedUploads(), 1)
})
