// Goal: the doctor tells the truth about a bucket, whatever server it is on, and leaves nothing behind that it may delete.
// Method: servers of this process that do as real ones do, well or badly; every difference must show in its line.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../src/async/clock.ts'
import { systemClock } from '../../src/async/clock.ts'
import { isHindrance } from '../../src/probe/finding.ts'
import type { FaultHook } from '../support/s3-server/server.ts'
import { BUCKET, found, notOk, placeOf, probe, startServer, storedVersions } from './probing.ts'

const GOOD = { conditionalPut: 'honoured', checksum: 'returned', wrongChecksum: 'refused' } as const
/** Waits take no time. */
const hastyClock: Clock = { ...systemClock, sleep: async () => {} }

test('a good server: all is ok but what a plain bucket lacks, and nothing stays', async (t) => {
  const server = await startServer(t)
  const report = await probe(server)
  assert.deepEqual(notOk(report.findings), { 'Object Lock': 'missing', 'versioning': 'missing' })
  assert.deepEqual(report.capabilities, { ...GOOD, versioning: 'off', objectLock: 'off' })
  assert.deepEqual(report.leftBehind, [])
  assert.deepEqual(storedVersions(server), [])
  assert.equal(report.endpoint, server.endpoint)
  assert.equal(new Set(report.findings.map(({ name }) => name)).size, report.findings.length, 'each probe has one line')
  assert.ok(report.requests < 80, `${report.requests} requests`)
  const text = JSON.stringify(report)
  assert.ok(!text.includes(server.secretAccessKey) && !text.includes(server.accessKeyId), 'no key is printed')
  assert.match(found(report.findings, 'credentials').seen, new RegExp(`…${server.accessKeyId.slice(-4)} `))
})

test('a versioned bucket: every version and marker of the probes is deleted', async (t) => {
  const server = await startServer(t)
  server.state.bucket(BUCKET).versioning = 'Enabled'
  const report = await probe(server)
  assert.deepEqual(notOk(report.findings), { 'Object Lock': 'missing' })
  assert.equal(found(report.findings, 'DELETE of a version').state, 'ok')
  assert.deepEqual(report.capabilities, { ...GOOD, versioning: 'enabled', objectLock: 'off' })
  assert.deepEqual(storedVersions(server), [])
})

test('a bucket whose versions stay: the probes of a second run add nothing', async (t) => {
  const server = await startServer(t)
  Object.assign(server.state.bucket(BUCKET), { versioning: 'Enabled', hasObjectLock: true, defaultRetention: { mode: 'GOVERNANCE', days: 3 } })
  const first = await probe(server)
  assert.deepEqual(first.capabilities, { ...GOOD, versioning: 'enabled', objectLock: 'enabled', defaultRetention: { mode: 'GOVERNANCE', days: 3 } })
  assert.equal(found(first.findings, 'DELETE of a version').state, 'limited')
  assert.equal(found(first.findings, 'left behind').state, 'limited')
  assert.ok(first.leftBehind.length > 0)
  const stored = storedVersions(server)
  const second = await probe(server)
  assert.deepEqual(storedVersions(server), stored)
  assert.deepEqual(second.leftBehind, first.leftBehind)
  assert.deepEqual(second.capabilities, first.capabilities)
  assert.deepEqual(notOk(second.findings), notOk(first.findings))
})

test('a key that may not delete: a backup works, and a second run adds nothing', async (t) => {
  const server = await startServer(t, { fault: denying('DeleteObject') })
  const first = await probe(server)
  assert.equal(found(first.findings, 'DELETE').state, 'limited')
  assert.equal(found(first.findings, 'overwriting').state, 'limited', 'no delete is no protection while it can overwrite')
  assert.equal(first.findings.some(isHindrance), false)
  const stored = storedVersions(server)
  assert.deepEqual(first.leftBehind, [...new Set(stored)])
  await probe(server)
  assert.deepEqual(storedVersions(server), stored)
})

test('a server that looks at nothing: each omission has its line', async (t) => {
  const server = await startServer(t, { conditionalPut: 'ignored', checksumOnHead: 'absent', digests: 'none', signatureExpiry: 'ignored' })
  const { findings, capabilities } = await probe(server)
  assert.deepEqual(notOk(findings), {
    'Object Lock': 'missing', 'versioning': 'missing', 'conditional PUT': 'limited', 'conditional PUT in a race': 'limited',
    'SHA-256 kept': 'limited', 'wrong SHA-256 refused': 'limited', 'damaged upload refused': 'failed',
    'expiring signature': 'failed', 'damaged snapshot refused': 'limited',
  })
  assert.deepEqual(findings.filter(isHindrance).map(({ name }) => name), ['damaged upload refused'])
  assert.deepEqual(capabilities, {
    conditionalPut: 'ignored', checksum: 'absent', wrongChecksum: 'accepted', versioning: 'off', objectLock: 'off',
  })
  assert.deepEqual(storedVersions(server), [])
})

test('a server that verifies the signed digest alone is fit', async (t) => {
  const { findings } = await probe(await startServer(t, { digests: 'signed' }))
  assert.equal(found(findings, 'wrong SHA-256 refused').state, 'limited')
  assert.equal(found(findings, 'damaged upload refused').state, 'ok')
  assert.equal(findings.some(isHindrance), false)
})

test('a server that refuses the condition itself counts as one that ignores it', async (t) => {
  const server = await startServer(t, { conditionalPut: 'refused' })
  const { findings, capabilities } = await probe(server)
  assert.equal(capabilities?.conditionalPut, 'ignored')
  assert.match(found(findings, 'conditional PUT').seen, /501 NotImplemented/)
  assert.equal(findings.some(isHindrance), false)
  assert.deepEqual(storedVersions(server), [])
})

test('a policy that demands the condition is no hindrance, and makes a key append-only', async (t) => {
  const server = await startServer(t, { fault: ({ operation, headers }) =>
    operation === 'DeleteObject' || (operation === 'PutObject' && headers['if-none-match'] === undefined)
      ? { kind: 'error', code: 'AccessDenied' } : undefined })
  const { findings } = await probe(server)
  assert.equal(found(findings, 'overwriting').state, 'ok')
  assert.match(found(findings, 'overwriting').means, /new objects only/)
  assert.equal(findings.some(isHindrance), false)
})

/** Refuses an operation, as a policy does. */
function denying(...operations: readonly string[]): FaultHook {
  return ({ operation }) => operations.includes(operation) ? { kind: 'error', code: 'AccessDenied' } : undefined
}

for (const [operation, name] of [
  ['PutObject', 'PUT'], ['GetObject', 'GET'], ['HeadObject', 'HEAD'], ['ListObjectsV2', 'LIST'],
] as const) {
  test(`without the right to ${operation} no vault works, and ${name} says so`, async (t) => {
    const { findings } = await probe(await startServer(t, { fault: denying(operation) }))
    assert.equal(found(findings, name).state, 'missing')
    assert.match(found(findings, name).means, /allow s3:/)
    assert.ok(isHindrance(found(findings, name)))
    assert.equal(found(findings, 'credentials').state, 'ok', 'the key itself is known')
  })
}

test('settings that may not be read are unknown, and no hindrance; versioning shows by an upload', async (t) => {
  const server = await startServer(t, {
    fault: denying('GetBucketVersioning', 'GetObjectLockConfiguration', 'GetBucketLifecycleConfiguration', 'GetBucketPolicyStatus'),
  })
  server.state.bucket(BUCKET).versioning = 'Enabled'
  const { findings, capabilities } = await probe(server)
  assert.deepEqual(notOk(findings), { 'Object Lock': 'unknown', 'lifecycle rules': 'unknown', 'public access': 'unknown' })
  assert.equal(capabilities?.versioning, 'enabled')
  assert.equal(capabilities?.objectLock, 'unknown')
})

test('keys, bucket, region and clock that are wrong are named as such', async (t) => {
  const server = await startServer(t, { region: 'eu-south-7' })
  const askWith = async (connection: Parameters<typeof placeOf>[1], bucket = BUCKET): Promise<Record<string, string>> =>
    notOk((await probe(server, { ...placeOf(server, connection), bucket })).findings)
  const region = 'eu-south-7'
  const keyRefused = { credentials: 'missing', region: 'unknown' }
  const lacks = { 'Object Lock': 'missing', 'versioning': 'missing' }
  assert.deepEqual(await askWith({ region }), lacks)
  assert.deepEqual(await askWith({ region, credentials: { ...credentialsOf(server), secretAccessKey: 'wrong' } }), keyRefused)
  assert.deepEqual(await askWith({ region, credentials: { ...credentialsOf(server), accessKeyId: 'AKNOBODY' } }), keyRefused)
  assert.deepEqual(await askWith({ region }, 'no-such-bucket'), { bucket: 'missing' })
  assert.deepEqual(await askWith({}), { ...lacks, region: 'missing' }, 'the rest is probed in the right region')
  const { findings } = await probe(server)
  assert.match(found(findings, 'region').seen, /lies in eu-south-7, requests are made for us-east-1/)
})

const credentialsOf = ({ accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string }) => ({ accessKeyId, secretAccessKey })

test('a clock that the server refuses is told, and the rest is probed all the same', async (t) => {
  const server = await startServer(t, { nowMs: () => Date.now() + 20 * 60_000 })
  const { findings } = await probe(server)
  assert.match(found(findings, 'clock').seen, /^1(199|200|201) s behind the server$/)
  assert.deepEqual(notOk(findings), { 'Object Lock': 'missing', 'versioning': 'missing', 'clock': 'limited' })
})

test('a lifecycle rule that deletes backups is a hindrance; a public bucket is told', async (t) => {
  const server = await startServer(t)
  const bucket = server.state.bucket(BUCKET)
  bucket.isPublic = true
  bucket.lifecycleXml = '<LifecycleConfiguration><Rule><ID>tidy up</ID><Filter><Prefix>some/</Prefix></Filter>' +
    '<Status>Enabled</Status><Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>'
  const { findings } = await probe(server)
  const rules = found(findings, 'lifecycle rules')
  assert.ok(isHindrance(rules))
  assert.match(rules.seen, /tidy up/)
  assert.equal(found(findings, 'public access').state, 'limited')
})

test('storage classes and a lock are tried only when asked for', async (t) => {
  const server = await startServer(t)
  Object.assign(server.state.bucket(BUCKET), { versioning: 'Enabled', hasObjectLock: true })
  const plain = await probe(server)
  assert.ok(!plain.findings.some(({ name }) => name === 'storage classes' || name === 'lock on an object'))
  assert.ok(!server.requests.some(({ operation, headers }) => operation === 'PutObjectRetention' || 'x-amz-storage-class' in headers))
  const { findings } = await probe(server, { storageClasses: 'try', lock: 'try', clock: hastyClock })
  assert.match(found(findings, 'storage classes').seen, /^STANDARD_IA, .*DEEP_ARCHIVE$/)
  assert.equal(found(findings, 'lock on an object').state, 'ok')
  assert.equal(found(findings, 'left behind').state, 'limited', 'the lock still holds, since nobody waited')
})

test('a server that does not answer is a finding and a failure; one that hiccups is asked again', async (t) => {
  const closed = await startServer(t)
  await closed.close()
  const report = await probe(closed, { clock: hastyClock })
  assert.equal(report.failure?.code, 'storage-unreachable')
  assert.ok(report.findings.some(isHindrance))
  assert.equal(report.capabilities, undefined)
  let count = 0
  const shaky = await startServer(t, { fault: () => ++count % 3 === 0 ? { kind: 'error', code: 'SlowDown' } : undefined })
  const { findings } = await probe(shaky, { clock: hastyClock })
  assert.deepEqual(notOk(findings), { 'Object Lock': 'missing', 'versioning': 'missing' })
})
