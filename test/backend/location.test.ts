import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { formatLocation, parseLocation } from '../../src/backend/location.ts'

describe('location', () => {
  test('directories are taken as they are', () => {
    for (const path of ['/srv/vault', 'relative/dir', '.', './s3', 'C:thing', 'with space', 'a:b']) {
      assert.deepEqual(parseLocation(path), { kind: 'directory', path })
    }
  })

  test('S3: bucket and prefix, slashes at the ends dropped', () => {
    assert.deepEqual(parseLocation('s3://bucket'), { kind: 's3', bucket: 'bucket', prefix: '' })
    assert.deepEqual(parseLocation('s3://bucket/'), { kind: 's3', bucket: 'bucket', prefix: '' })
    assert.deepEqual(parseLocation('S3://my.bucket/a/b-c/'), { kind: 's3', bucket: 'my.bucket', prefix: 'a/b-c' })
    assert.equal(formatLocation(parseLocation('s3://bucket/a/')), 's3://bucket/a')
    assert.equal(formatLocation(parseLocation('s3://bucket/')), 's3://bucket')
    assert.equal(formatLocation(parseLocation('/x')), '/x')
  })

  test('malformed ones are refused and never repeated: they may hold a key', () => {
    const malformed = [
      '', 's3://', 's3:///prefix', 's3://AKID:SECRET@bucket/x', 's3://bucket/../x', 's3://bucket/a//b', 's3://bucket/a b',
      's3:bucket/SECRET', 'https://u:SECRET@h/b',
    ]
    for (const text of malformed) {
      assert.throws(() => parseLocation(text), (error: Error & { code?: string; hint?: string }) =>
        error.code === 'usage' && !`${error.message} ${error.hint}`.includes('SECRET'), text)
    }
  })
})
