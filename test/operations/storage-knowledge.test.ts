// Goal: no request of a backup is spent on what is known, none at all on reading, and nothing is assumed that was not
// probed. Method: the requests that an in-process server sees, of a backend that asks StorageKnowledge.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Backend } from '../../src/backend/backend.ts'
import { openBackend } from '../../src/backend/open.ts'
import { StorageMemory } from '../../src/cache/storage-memory.ts'
import { objectName } from '../../src/ids/ids.ts'
import { StorageKnowledge } from '../../src/operations/storage-knowledge.ts'
import type { StorageRecord } from '../../src/probe/capabilities.ts'
import { startS3Server, type S3Server, type S3ServerOptions } from '../support/s3-server/server.ts'

const BUCKET = 'known-bucket'
const BYTES = new TextEncoder().encode('content')
let nameCount = 0

class Setting {
  readonly server: S3Server
  readonly memory: StorageMemory
  readonly directory: string

  constructor(server: S3Server, directory: string) {
    this.server = server
    this.directory = directory
    this.memory = new StorageMemory(directory)
  }

  record(conditionalPut: StorageRecord['capabilities']['conditionalPut'], endpoint = this.server.endpoint): StorageRecord {
    return {
      endpoint, bucket: BUCKET, probed: '',
      capabilities: { conditionalPut, checksum: 'unknown', wrongChecksum: 'unknown', versioning: 'unknown', objectLock: 'unknown' },
    }
  }

  /** Opens a vault that has this record, lets `work` use it, and returns the requests as `operation` each. */
  async requests(recorded: StorageRecord | undefined, work: (backend: Backend) => Promise<unknown>): Promise<string[]> {
    const connection = { endpoint: this.server.endpoint, region: 'us-east-1', credentials: this.server }
    const knowledge = new StorageKnowledge({ repo: `s3://${BUCKET}/v`, connection })
    const backend = await openBackend(
      { kind: 's3', bucket: BUCKET, prefix: 'v' }, { s3: { ...connection, conditionalPut: knowledge.honoursConditions } },
    )
    knowledge.vaultOpened({ recorded, memory: this.memory })
    const before = this.server.requests.length
    await work(backend)
    await backend.close()
    return this.server.requests.slice(before).map(({ operation }) => operation)
  }
}

async function start(t: TestContext, options: S3ServerOptions = {}): Promise<Setting> {
  const server = await startS3Server({ buckets: [BUCKET], ...options })
  const directory = mkdtempSync(join(tmpdir(), 's3vault-knowledge-'))
  t.after(async () => {
    await server.close()
    rmSync(directory, { recursive: true })
  })
  return new Setting(server, directory)
}

const putOne = (backend: Backend): Promise<void> => backend.put(objectName(`n/${++nameCount}`), BYTES)
const putThree = (backend: Backend): Promise<unknown> => Promise.all([putOne(backend), putOne(backend), putOne(backend)])

test('what the vault records counts, without a request', async (t) => {
  const setting = await start(t)
  assert.deepEqual(await setting.requests(setting.record('honoured'), putOne), ['PutObject'])
  assert.deepEqual(await setting.requests(setting.record('ignored'), putOne), ['HeadObject', 'PutObject'])
})

test('through another endpoint it is probed once, at the first PUT, and remembered; probe objects are gone', async (t) => {
  const setting = await start(t)
  const foreign = setting.record('ignored', 'https://elsewhere.example.org')
  for (const recorded of [foreign, undefined]) {
    const first = await setting.requests(recorded, putThree)
    const probes = recorded === undefined ? [] : ['PutObject', 'PutObject', 'DeleteObject']
    assert.deepEqual(first, [...probes, 'PutObject', 'PutObject', 'PutObject'])
    assert.deepEqual(await setting.requests(recorded, putOne), ['PutObject'])
  }
  assert.equal(setting.memory.recall(setting.record('unknown'))?.capabilities.conditionalPut, 'honoured')
  assert.deepEqual(setting.server.state.bucket(BUCKET).keys().filter((key) => key.startsWith('v/doctor/')), [])
})

test('reading probes nothing', async (t) => {
  const setting = await start(t)
  const requests = await setting.requests(undefined, async (backend) => {
    for await (const _object of backend.list('')) assert.fail('the bucket is empty')
    await assert.rejects(backend.get(objectName('n/none')))
  })
  assert.deepEqual(requests, ['ListObjectsV2', 'GetObject'])
})

test('where conditions are ignored each PUT asks first', async (t) => {
  const setting = await start(t, { conditionalPut: 'ignored' })
  const requests = await setting.requests(undefined, putOne)
  assert.deepEqual(requests, ['PutObject', 'PutObject', 'DeleteObject', 'HeadObject', 'PutObject'])
  const puts = setting.server.requests.filter(({ operation }) => operation === 'PutObject')
  assert.equal(puts.at(-1)?.headers['if-none-match'], undefined)
})

test('what this machine saw itself counts more than what the vault recorded', async (t) => {
  const setting = await start(t)
  setting.memory.remember(setting.record('ignored'))
  assert.deepEqual(await setting.requests(setting.record('honoured'), putOne), ['HeadObject', 'PutObject'])
})

test('what could not be found out is treated as ignored, and asked again the next time', async (t) => {
  const setting = await start(t, { fault: ({ operation, key }) =>
    operation === 'PutObject' && key.includes('/doctor/') ? { kind: 'error', code: 'AccessDenied' } : undefined })
  for (const _run of [1, 2]) {
    assert.deepEqual(await setting.requests(setting.record('unknown'), putOne), ['PutObject', 'HeadObject', 'PutObject'])
  }
})

test('without the right to delete, one object stays and is used again', async (t) => {
  const setting = await start(t, { fault: ({ operation }) => operation === 'DeleteObject' ? { kind: 'error', code: 'AccessDenied' } : undefined })
  const run = async (): Promise<string[]> => setting.requests(undefined, putOne)
  assert.deepEqual(await run(), ['PutObject', 'PutObject', 'DeleteObject', 'PutObject'])
  rmSync(join(setting.directory, 'storage.json'))
  assert.deepEqual(await run(), ['PutObject', 'PutObject'], 'the refusal of the first PUT says all')
  const left = setting.server.state.bucket(BUCKET).keys().filter((key) => key.startsWith('v/doctor/'))
  assert.equal(left.length, 1)
})
