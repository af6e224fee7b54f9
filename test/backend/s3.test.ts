import assert from 'node:assert/strict'
import { after, afterEach, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { openBackend } from '../../src/backend/open.ts'
import type { S3Backend, S3BackendOptions } from '../../src/backend/s3.ts'
import { openS3Backend } from '../../src/backend/s3.ts'
import { VaultError } from '../../src/errors/vault-error.ts'
import type { ObjectName } from '../../src/ids/ids.ts'
import { objectName } from '../../src/ids/ids.ts'
import type { Fault } from '../support/s3-server/server.ts'
import { startS3Server } from '../support/s3-server/server.ts'
import { contractTests, namesIn } from './contract.ts'
import { ManualClock, seededFractions, seededRandom } from './manual-clock.ts'

// All servers start before the first test is defined: a pause between two tests would end the file's run.
const seed = Number(process.env['S3VAULT_TEST_SEED'] ?? Date.now() % 1e9)
console.log(`s3: seed ${seed}`)
const fraction = seededFractions(seed)
const passing: readonly Fault[] = [
  { kind: 'drop' }, { kind: 'lost-response' }, { kind: 'truncate', bytes: 10 },
  { kind: 'error', code: 'SlowDown' }, { kind: 'error', code: 'InternalError' }, { kind: 'error', code: 'ConditionalRequestConflict' },
]
const troubled = await startS3Server({
  buckets: ['faulty'],
  fault: ({ key, query }) =>
    key.startsWith('v/fence/') || query.has('X-Amz-Expires') || key.startsWith('v/counts/') || fraction() > 0.15
      ? undefined
      : passing[Math.floor(fraction() * passing.length)],
})
let serverShiftMs = 0
const server = await startS3Server({ buckets: ['contract', 'root', 'faulty', 'bucket'], nowMs: () => Date.now() + serverShiftMs })
const old = await startS3Server({ buckets: ['old'], conditionalPut: 'ignored', checksumOnHead: 'absent' })
after(() => Promise.all([server.close(), old.close(), troubled.close()]))
const shared = { endpoint: server.endpoint, region: 'us-east-1', credentials: server }

contractTests({ title: 's3', open: () => openS3Backend({ ...shared, bucket: 'contract', prefix: 'some/vault' }) })
contractTests({
  title: 's3 without conditional PUT, at the root of its bucket',
  open: () => openS3Backend({ ...shared, bucket: 'root', conditionalPut: false }),
  isCreationAtomic: false,
  manyObjects: 300,
})
contractTests({
  title: 's3 of a server that ignores conditions and returns no checksums',
  open: () => openS3Backend({ ...shared, endpoint: old.endpoint, credentials: old, bucket: 'old', conditionalPut: false }),
  isCreationAtomic: false,
  manyObjects: 300,
})

contractTests({
  title: 's3 opened by location, one request in seven failing',
  open: () =>
    openBackend({ kind: 's3', bucket: 'faulty', prefix: 'v' }, {
      s3: { endpoint: troubled.endpoint, region: 'us-east-1', credentials: troubled },
      clock: new ManualClock(),
      random: seededRandom(seed),
    }),
  manyObjects: 1100,
})

const bytes = new TextEncoder().encode('content')
let nameCount = 0
const newName = (): ObjectName => objectName(`n/${++nameCount}`)
const open = (options: Partial<S3BackendOptions> = {}): Promise<S3Backend> => openS3Backend({ ...shared, bucket: 'bucket', ...options })

/** The error of a call that must fail; neither it nor what hangs on it in print may show the secret. */
async function failureOf(call: Promise<unknown>): Promise<VaultError> {
  const error = await call.then(() => assert.fail('it succeeded'), (caught: unknown) => caught)
  assert.ok(error instanceof VaultError, inspect(error))
  assert.ok(!`${error.message} ${error.hint}`.includes(server.secretAccessKey))
  return error
}

describe('s3: requests', () => {
  afterEach(() => {
    server.setFault(undefined)
    serverShiftMs = 0
  })

  test('a put is one PUT that carries its condition and its SHA-256, and no Expect', async () => {
    const backend = await open({ prefix: 'a/b', storageClassFor: (name) => (name.startsWith('n/') ? 'STANDARD_IA' : undefined) })
    const seenBefore = server.requests.length
    const name = newName()
    await backend.put(name, new Uint8Array(3_000_000))
    const [request, ...more] = server.requests.slice(seenBefore)
    assert.equal(more.length, 0)
    assert.equal(request?.key, `a/b/${name}`)
    assert.equal(request?.headers['if-none-match'], '*')
    assert.equal(request?.headers.expect, undefined)
    assert.match(String(request?.headers['x-amz-checksum-sha256']), /^.{44}$/)
    assert.equal(request?.headers['x-amz-sdk-checksum-algorithm'], 'SHA256')
    assert.equal(request?.headers['content-encoding'], undefined)
    assert.equal(server.state.bucket('bucket').current(`a/b/${name}`)?.storageClass, 'STANDARD_IA')
  })

  test('a put whose answer was lost is found to be our own; without a checksum on HEAD the bytes are compared', async () => {
    for (const each of [await open(), await open({ endpoint: old.endpoint, credentials: old, bucket: 'old', conditionalPut: false })]) {
      const name = newName()
      await each.put(name, bytes)
      await each.put(name, bytes)
      await assert.rejects(each.put(name, new TextEncoder().encode('CONTENT')), { code: 'object-exists' })
    }
  })

  test('what passes is marked for later, what does not is not', async () => {
    const backend = await open()
    const expected: readonly [string, string, string][] = [
      ['SlowDown', 'storage-unreachable', 'later'], ['InternalError', 'storage-unreachable', 'later'],
      ['ConditionalRequestConflict', 'storage-unreachable', 'later'], ['BadDigest', 'storage-unreachable', 'later'],
      ['AccessDenied', 'storage-denied', 'never'], ['InvalidAccessKeyId', 'storage-denied', 'never'],
      ['RequestTimeTooSkewed', 'storage-denied', 'never'], ['ExpiredToken', 'storage-denied', 'never'],
      ['InvalidObjectState', 'object-archived', 'never'], ['NotImplemented', 'storage-refused', 'never'],
      ['NoSuchBucket', 'vault-missing', 'never'], ['NoSuchKey', 'object-missing', 'never'],
    ]
    for (const [code, vaultCode, retry] of expected) {
      server.setFault(() => ({ kind: 'error', code }))
      const error = await failureOf(backend.get(newName()))
      assert.deepEqual([error.code, error.retry], [vaultCode, retry], `${code}: ${error.message}`)
      if (vaultCode === 'storage-denied') assert.ok(error.hint, code)
    }
  })

  test('wrong keys, wrong secret, wrong clock, no bucket, nobody there: each says what to do', async () => {
    const unknown = await failureOf((await open({ credentials: { accessKeyId: 'AKNOBODY', secretAccessKey: 'x' } })).get(newName()))
    assert.equal(unknown.code, 'storage-denied')
    assert.match(unknown.hint ?? '', /access key/)
    const wrong = await failureOf((await open({ credentials: { ...server, secretAccessKey: 'wrong' } })).get(newName()))
    assert.equal(wrong.code, 'storage-denied')
    assert.match(wrong.hint ?? '', /secret/)
    const noBucket = await failureOf(namesIn(await open({ bucket: 'no-such-bucket' }), ''))
    assert.equal(noBucket.code, 'vault-missing')
    assert.match(noBucket.hint ?? '', /create the bucket/)
    const nobody = await failureOf((await open({ endpoint: 'http://127.0.0.1:9' })).get(newName()))
    assert.deepEqual([nobody.code, nobody.retry], ['storage-unreachable', 'later'])
    const endpoint = await failureOf(open({ endpoint: `http://user:${server.secretAccessKey}@127.0.0.1:9` }))
    assert.equal(endpoint.code, 'usage')
  })

  test('without credentials the person is told where they come from', async () => {
    const isolated = { AWS_CONFIG_FILE: '/nonexistent', AWS_SHARED_CREDENTIALS_FILE: '/nonexistent', AWS_EC2_METADATA_DISABLED: 'true' }
    const saved = { ...process.env }
    for (const variable of Object.keys(process.env)) if (variable.startsWith('AWS_')) delete process.env[variable]
    Object.assign(process.env, isolated)
    try {
      const error = await failureOf((await openS3Backend({ bucket: 'bucket', endpoint: server.endpoint })).get(newName()))
      assert.equal(error.code, 'storage-denied')
      assert.match(error.hint ?? '', /AWS_ACCESS_KEY_ID/)
    } finally {
      for (const variable of Object.keys(isolated)) delete process.env[variable]
      Object.assign(process.env, saved)
    }
  })

  test('https to a server that speaks http is not tried for a quarter of an hour', async () => {
    const error = await failureOf((await open({ endpoint: server.endpoint.replace('http:', 'https:') })).get(newName()))
    assert.deepEqual([error.code, error.retry], ['storage-refused', 'never'], error.message)
  })

  test('a body cut short and a dropped connection are for later, a stalled one is given up', async () => {
    const backend = await open({ stallTimeoutMs: 300 })
    const name = newName()
    await backend.put(name, new Uint8Array(200_000))
    for (const fault of [{ kind: 'truncate', bytes: 100 }, { kind: 'drop' }, { kind: 'stall' }] as const) {
      server.setFault(() => fault)
      const error = await failureOf(backend.get(name))
      assert.deepEqual([error.code, error.retry], ['storage-unreachable', 'later'], `${fault.kind}: ${error.message}`)
    }
  })

  test('a clock of ours that is two hours wrong does not matter', async () => {
    for (const shiftMs of [2 * 3600_000, -2 * 3600_000]) {
      serverShiftMs = shiftMs
      const backend = await open()
      const name = newName()
      await backend.put(name, bytes)
      assert.ok(Math.abs((await backend.stat(name)).modifiedMs - Date.now() - shiftMs) < 5000)
    }
  })

  test('a signal stops a request under way', async () => {
    const backend = await open()
    server.setFault(() => ({ kind: 'stall' }))
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 50)
    await assert.rejects(backend.get(newName(), undefined, { signal: abort.signal }), { code: 'interrupted' })
  })

  test('foreign keys below the prefix are not listed', async () => {
    const backend = await open({ prefix: 'foreign' })
    const name = newName()
    await backend.put(name, bytes)
    const bucket = server.state.bucket('bucket')
    const version = bucket.current(`foreign/${name}`)
    assert.ok(version)
    for (const key of ['foreign/odd name', 'foreign//x', 'foreign/', 'foreign/dir/', 'foreign.not']) bucket.add(key, version)
    assert.deepEqual(await namesIn(backend, ''), [name])
  })
})

describe('s3: fences', () => {
  afterEach(() => {
    server.setFault(undefined)
    serverShiftMs = 0
  })

  test("a fenced put is signed to expire by the server's clock, also when ours is two hours off", async () => {
    serverShiftMs = 2 * 3600_000
    const backend = await open()
    const seenBefore = server.requests.length
    await backend.put(newName(), bytes, { fence: { expiresAfterMs: 30_999, check: () => {} } })
    const put = server.requests.slice(seenBefore).find((request) => request.operation === 'PutObject')
    assert.equal(put?.query.get('X-Amz-Expires'), '30')
    assert.equal(put?.headers.authorization, undefined)
    assert.equal(put?.headers['if-none-match'], '*')
  })

  test('sent too late it is refused by the server, which stores nothing: fence-expired', async () => {
    const backend = await open()
    await backend.serverTimeMs()
    const name = newName()
    // The check passes; then the request is held up on its way for longer than the signature lives.
    for (const delayMs of [60_000, 3600_000]) {
      let checks = 0
      const fence = {
        expiresAfterMs: 2000,
        check: (): void => {
          checks++
          serverShiftMs += delayMs
        },
      }
      const error = await failureOf(backend.put(name, bytes, { fence }))
      assert.deepEqual([error.code, error.retry, checks], ['fence-expired', 'later', 1])
    }
    assert.equal(server.state.bucket('bucket').current(name), undefined)
  })

  test('a fence below one second cannot be signed', async () => {
    const backend = await open()
    const error = await failureOf(backend.put(newName(), bytes, { fence: { expiresAfterMs: 999, check: () => {} } }))
    assert.equal(error.code, 'fence-expired')
  })

  test('the check is the last thing before the request: none follows a refusal', async () => {
    const backend = await open()
    await backend.serverTimeMs()
    const seenBefore = server.requests.length
    const refusal = new VaultError('fence-expired', 'lease too short')
    const fence = { expiresAfterMs: 5000, check: (): void => { throw refusal } }
    await assert.rejects(backend.put(newName(), bytes, { fence }), (error) => error === refusal)
    assert.equal(server.requests.length, seenBefore)
  })

  test('session tokens are part of the signature', async () => {
    const { accessKeyId, secretAccessKey } = server
    const credentials = { accessKeyId, secretAccessKey, sessionToken: 'token/with+chars=' }
    const withToken = await startS3Server({ buckets: ['bucket'], credentials })
    try {
      const backend = await open({ endpoint: withToken.endpoint, credentials })
      const name = newName()
      await backend.put(name, bytes, { fence: { expiresAfterMs: 5000, check: () => {} } })
      assert.equal((await backend.stat(name)).sizeBytes, bytes.length)
    } finally {
      await withToken.close()
    }
  })
})
