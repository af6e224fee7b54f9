// The test server itself, seen through Amazon's SDK and through plain HTTP. The SDK part runs against real servers too
// (test/slow/rgw-contract.test.ts).
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as s3 from '@aws-sdk/client-s3'
import { presignedQuery } from '../../src/backend/s3/presign.ts'
import { clientOf } from '../support/s3-server/clients.ts'
import { startS3Server } from '../support/s3-server/server.ts'
import { childNamed, childText, parseXml, xmlDocument } from '../support/s3-server/xml.ts'
import { serverContract } from './server-contract.ts'

const DAY_MS = 24 * 3600_000
const server = await startS3Server()
after(() => server.close())

const clientFor = (endpoint: string, credentials: { accessKeyId: string; secretAccessKey: string }, more: s3.S3ClientConfig = {}): s3.S3Client =>
  clientOf({ ...credentials, endpoint }, more)

serverContract('own', clientOf(server))

describe('s3 server: what only it is asked', () => {
  const client = clientFor(server.endpoint, server)
  const Bucket = 'signatures'
  before(async () => void (await client.send(new s3.CreateBucketCommand({ Bucket }))))

  test('pages of versions break within a key; a default retention is applied', async () => {
    const locked = 'default-retention'
    await client.send(new s3.CreateBucketCommand({ Bucket: locked, ObjectLockEnabledForBucket: true }))
    const Rule = { DefaultRetention: { Mode: 'GOVERNANCE', Days: 2 } } as const
    await client.send(new s3.PutObjectLockConfigurationCommand({ Bucket: locked, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule } }))
    for (const Key of ['a', 'b', 'b', 'b', 'c']) await client.send(new s3.PutObjectCommand({ Bucket: locked, Key, Body: '' }))
    const seen: (string | undefined)[] = []
    let marker: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {}
    for (let pages = 0; pages < 10; pages++) {
      const page: s3.ListObjectVersionsCommandOutput = await client.send(new s3.ListObjectVersionsCommand({ Bucket: locked, MaxKeys: 2, ...marker }))
      seen.push(...(page.Versions ?? []).map(({ Key }) => Key))
      if (!page.IsTruncated) break
      marker = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
    }
    assert.deepEqual(seen, ['a', 'b', 'b', 'b', 'c'])
    const head = await client.send(new s3.HeadObjectCommand({ Bucket: locked, Key: 'a' }))
    assert.ok((head.ObjectLockRetainUntilDate?.getTime() ?? 0) > Date.now() + DAY_MS)
  })

  test('wrong secret, unknown key, clock off, region other, token missing: each refused by its own code', async () => {
    const code = (expected: string) => (error: Error) => error.name === expected
    const list = (of: s3.S3Client): Promise<unknown> => of.send(new s3.ListObjectsV2Command({ Bucket }))
    await assert.rejects(list(clientFor(server.endpoint, { ...server, secretAccessKey: 'wrong' })), code('SignatureDoesNotMatch'))
    await assert.rejects(list(clientFor(server.endpoint, { accessKeyId: 'AK', secretAccessKey: 'x' })), code('InvalidAccessKeyId'))
    await assert.rejects(list(clientFor(server.endpoint, server, { systemClockOffset: 3600_000 })), code('RequestTimeTooSkewed'))
    const picky = await startS3Server({ region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 't' } })
    try {
      await assert.rejects(list(clientFor(picky.endpoint, picky)), code('AuthorizationHeaderMalformed'))
      await assert.rejects(list(clientFor(picky.endpoint, { accessKeyId: 'a', secretAccessKey: 'b' }, { region: 'eu-west-1' })), code('ExpiredToken'))
    } finally {
      await picky.close()
    }
    assert.equal((await fetch(`${server.endpoint}/${Bucket}`)).status, 403)
  })

  test('presigned: good; expired, not yet valid, another path, another header, an unsigned header: refused', async () => {
    const host = new URL(server.endpoint).host
    const request = async (change: { signedAtMs?: number; path?: string; sent?: Record<string, string> } = {}): Promise<string> => {
      const headers = { host, 'x-amz-meta-a': '1' }
      const signedAtMs = change.signedAtMs ?? Date.now()
      const target = { method: 'PUT', path: `/${Bucket}/presigned`, query: {}, headers, region: 'us-east-1' }
      const query = presignedQuery({ ...target, signedAtMs, expiresSeconds: 60 }, server)
      const url = `${server.endpoint}${change.path ?? `/${Bucket}/presigned`}?${new URLSearchParams(query)}`
      const answer = await fetch(url, { method: 'PUT', body: 'x', headers: change.sent ?? { 'x-amz-meta-a': '1' } })
      return answer.ok ? 'ok' : `${childText(parseXml(await answer.text()), 'Code')}`
    }
    assert.equal(await request(), 'ok')
    assert.equal(await request({ signedAtMs: Date.now() - 62_000 }), 'AccessDenied')
    assert.equal(await request({ signedAtMs: Date.now() + 3600_000 }), 'AccessDenied')
    assert.equal(await request({ path: `/${Bucket}/other` }), 'SignatureDoesNotMatch')
    assert.equal(await request({ sent: { 'x-amz-meta-a': '2' } }), 'SignatureDoesNotMatch')
    assert.equal(await request({ sent: { 'x-amz-meta-a': '1', 'x-amz-meta-b': '1' } }), 'AccessDenied')
  })

  test('XML: what is written is read, odd characters and all', () => {
    const odd = `a<b>&"c'\r\n ü`
    const root = parseXml(xmlDocument('Root', [['One', odd], ['Two', [['Deep', 1]]], ['None', undefined]]))
    assert.equal(root?.children.find(({ name }) => name === 'One')?.text, odd)
    assert.equal(childText(childNamed(root, 'Two'), 'Deep'), '1')
    assert.equal(root?.children.length, 2)
    assert.equal(parseXml('<a><b></a>'), undefined)
    assert.equal(parseXml('not XML'), undefined)
  })
})
