// Goal: every answer that a server may give leads to the right word. Method: the answers as plain values.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LifecycleRule } from '@aws-sdk/client-s3'
import { overwritingFinding, readingFinding, startAfterFinding } from '../../src/probe/access.ts'
import { lifecycleFinding, lockFinding, publicFinding, versioningByUpload, versioningFinding } from '../../src/probe/bucket-settings.ts'
import { checksumFinding, damageFindings, damageVerdict } from '../../src/probe/checksums.ts'
import { conditionFinding, raceFinding, verdictOfSecond } from '../../src/probe/condition.ts'
import { addressingFinding, clockFinding, credentialSource, endpointFinding, regionFinding, shortKey } from '../../src/probe/connection.ts'
import { lockTrialFinding } from '../../src/probe/lock-trial.ts'
import type { Answer, Refusal } from '../../src/probe/probed-bucket.ts'
import { expiryFindings, wrongSignatureFinding } from '../../src/probe/signatures.ts'
import { storageClassFinding } from '../../src/probe/storage-classes.ts'

const refused = (status: number, code = ''): Refusal => ({ kind: 'refused', status, code })
const done = { kind: 'done', output: { $metadata: {} } } as const satisfies Answer<unknown>

test('a second PUT', () => {
  assert.equal(verdictOfSecond(done).conditionalPut, 'ignored')
  assert.equal(verdictOfSecond(refused(412, 'PreconditionFailed')).conditionalPut, 'honoured')
  assert.equal(verdictOfSecond(refused(409, 'ConditionalRequestConflict')).conditionalPut, 'unknown')
  assert.equal(verdictOfSecond(refused(403)).conditionalPut, 'unknown')
  assert.deepEqual(
    (['honoured', 'ignored', 'unknown'] as const).map((conditionalPut) => conditionFinding({ conditionalPut, seen: '' }).state),
    ['ok', 'limited', 'unknown'],
  )
})

test('a race is never called proven', () => {
  assert.equal(raceFinding([1, 1, 2, 1]).state, 'limited')
  assert.equal(raceFinding([1, 1, 1, 1]).state, 'ok')
  assert.match(raceFinding([1, 1, 1, 1]).means, /not proven otherwise/)
  assert.equal(raceFinding([1, 0, 1, 1]).state, 'unknown')
})

test('listings', () => {
  const verdict = (keys: string[]): string => startAfterFinding(keys, 'a', ['b', 'c']).state
  assert.equal(verdict(['b', 'c']), 'ok')
  assert.equal(verdict(['b', 'c', 'd']), 'ok')
  assert.equal(verdict(['a', 'b', 'c']), 'failed')
  assert.equal(verdict(['c', 'b']), 'failed')
  assert.equal(verdict(['b']), 'failed')
})

test('what is read back', () => {
  const reading = { name: 'GET of a range', expected: 'defg', means: '' }
  assert.equal(readingFinding(reading, 'defg').state, 'ok')
  assert.match(readingFinding(reading, 'abcdefghijklmnopqrstuvwxyz').seen, /range is ignored/)
  assert.equal(readingFinding(reading, 'defh').state, 'failed')
})

test('overwriting', () => {
  assert.deepEqual(
    [overwritingFinding(done, true), overwritingFinding(done, false), overwritingFinding(refused(403), false)].map(({ state }) => state),
    ['ok', 'limited', 'ok'],
  )
})

test('digests that do not fit', () => {
  assert.equal(damageVerdict(done).state, 'accepted')
  assert.equal(damageVerdict(refused(412)).state, 'accepted')
  assert.equal(damageVerdict(refused(400, 'BadDigest')).state, 'refused')
  assert.equal(damageVerdict(refused(403)).state, 'unknown')
  const states = (checksum: 'refused' | 'accepted' | 'unknown'): string[] =>
    damageFindings({ state: checksum, seen: '' }, { state: checksum, seen: '' }).map(({ state }) => state)
  assert.deepEqual(states('refused'), ['ok', 'ok'])
  assert.deepEqual(states('accepted'), ['limited', 'failed'])
  assert.deepEqual(states('unknown'), ['unknown', 'unknown'])
  assert.deepEqual((['returned', 'absent', 'unknown'] as const).map((word) => checksumFinding(word).state), ['ok', 'limited', 'unknown'])
})

test('signatures', () => {
  assert.equal(wrongSignatureFinding(refused(403, 'SignatureDoesNotMatch')).state, 'ok')
  assert.equal(wrongSignatureFinding(done).state, 'failed')
  assert.equal(wrongSignatureFinding(refused(404)).state, 'unknown')
  const damaged = { state: 'refused', seen: '' } as const
  const states = (valid: Answer<unknown>, expired: Answer<unknown>): string[] =>
    expiryFindings({ valid, expired, damaged }).map(({ state }) => state)
  assert.deepEqual(states(done, refused(403)), ['ok', 'ok'])
  assert.deepEqual(states(refused(412), refused(400)), ['ok', 'ok'])
  assert.deepEqual(states(done, done), ['failed', 'ok'])
  assert.deepEqual(states(done, refused(412)), ['failed', 'ok'])
  assert.deepEqual(states(refused(403), refused(403)), ['missing'])
})

test('versioning by settings and by an upload', () => {
  assert.equal(versioningByUpload('unknown', 'v1'), 'enabled')
  assert.equal(versioningByUpload('unknown', undefined), 'off')
  assert.equal(versioningByUpload('off', 'null'), 'suspended')
  assert.equal(versioningByUpload('enabled', undefined), 'enabled')
  assert.deepEqual(
    (['enabled', 'suspended', 'off', 'unknown'] as const).map((word) => versioningFinding(word).state), ['ok', 'missing', 'missing', 'unknown'],
  )
})

test('Object Lock and locks', () => {
  assert.equal(lockFinding({ objectLock: 'off' }).state, 'missing')
  assert.match(lockFinding({ objectLock: 'enabled', defaultRetention: { mode: 'COMPLIANCE', days: 1 } }).seen, /COMPLIANCE for 1 day$/)
  const locked = { locking: done, untilMs: 5000, readBackMs: 5000, deletion: refused(403) }
  assert.equal(lockTrialFinding(locked).state, 'ok')
  assert.equal(lockTrialFinding({ ...locked, deletion: done }).state, 'failed')
  assert.equal(lockTrialFinding({ ...locked, readBackMs: undefined }).state, 'failed')
  assert.equal(lockTrialFinding({ locking: refused(403), untilMs: 0 }).state, 'limited')
  assert.equal(lockTrialFinding({ locking: refused(501), untilMs: 0 }).state, 'missing')
  assert.deepEqual([publicFinding(true).state, publicFinding(false).state], ['limited', 'ok'])
})

test('lifecycle rules', () => {
  const base: LifecycleRule = { Status: 'Enabled', Expiration: { Days: 30 } }
  const state = (rule: LifecycleRule, prefix = 'a/vault/'): string => lifecycleFinding([rule], prefix).state
  assert.equal(state(base), 'failed', 'no filter: the whole bucket')
  assert.equal(state({ ...base, Filter: { Prefix: 'a/' } }), 'failed')
  assert.equal(state({ ...base, Filter: { Prefix: 'a/vault/packs/' } }), 'failed', 'a part of the vault')
  assert.equal(state({ ...base, Filter: { And: { Prefix: 'a/', ObjectSizeGreaterThan: 5 } } }), 'failed')
  assert.equal(state({ ...base, Prefix: 'a/' }), 'failed', 'the old form')
  assert.equal(state({ ...base, Filter: { Prefix: 'b/' } }), 'ok')
  assert.equal(state({ ...base, Filter: { Prefix: 'b/' } }, ''), 'failed', 'a vault at the root')
  assert.equal(state({ ...base, Filter: { Prefix: 'a/vault/doctor/' } }), 'ok', 'only remains of probes')
  assert.equal(state({ ...base, Filter: { Tag: { Key: 'k', Value: 'v' } } }), 'ok', 'our objects have no tags')
  assert.equal(state({ ...base, Status: 'Disabled' }), 'ok')
  assert.equal(state({ Status: 'Enabled', NoncurrentVersionExpiration: { NoncurrentDays: 9 } }), 'ok')
  assert.equal(state({ Status: 'Enabled', Transitions: [{ Days: 1, StorageClass: 'DEEP_ARCHIVE' }] }), 'failed')
  assert.equal(state({ Status: 'Enabled', Transitions: [{ Days: 1, StorageClass: 'STANDARD_IA' }] }), 'ok')
})

test('the way to the bucket', () => {
  assert.equal(shortKey('AKIAIOSFODNN7EXAMPLE'), '…MPLE')
  assert.equal(credentialSource({ CREDENTIALS_ENV_VARS: 'g' }), 'the environment')
  assert.equal(credentialSource({ CREDENTIALS_PROFILE: 'n', CREDENTIALS_STS_ASSUME_ROLE: 'i' }), 'an assumed role')
  assert.equal(credentialSource(undefined), 'the AWS settings')
  const endpoint = (url: string): string => endpointFinding({ endpoint: url, addressing: 'path' }).state
  assert.deepEqual(['https://s3.example.org', 'http://s3.example.org', 'http://127.0.0.1:9000'].map(endpoint), ['ok', 'limited', 'ok'])
  const region = (signed?: string, actual?: string, isAccepted = true): string => regionFinding({ signed, actual, isAccepted }).state
  assert.deepEqual(
    [region('a', 'a'), region('a'), region('a', 'b'), region(undefined, 'a'), region(), region('a', undefined, false)],
    ['ok', 'ok', 'missing', 'missing', 'missing', 'unknown'],
  )
  const clock = (skewSeconds: number): string => clockFinding(1e12, 1e12 + skewSeconds * 1000).state
  assert.deepEqual([clock(0), clock(-59), clock(70), clock(-4000)], ['ok', 'ok', 'limited', 'limited'])
  assert.equal(clockFinding(undefined, 0).state, 'failed')
  assert.match(addressingFinding('path', 'works').seen, /^in the path: works; in the host name: works$/)
})

test('storage classes', () => {
  const verdict = storageClassFinding([
    { name: 'STANDARD_IA', storedAs: 'STANDARD_IA' }, { name: 'GLACIER', storedAs: 'STANDARD' }, { name: 'GLACIER_IR', refusal: '400' },
  ])
  assert.equal(verdict.seen, 'STANDARD_IA; GLACIER stored as STANDARD; GLACIER_IR refused (400)')
  assert.equal(storageClassFinding([{ name: 'GLACIER', refusal: '400' }]).state, 'limited')
})
