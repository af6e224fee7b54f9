// The contract against a real server, when one is given by environment: S3VAULT_TEST_S3_ENDPOINT, S3VAULT_TEST_S3_BUCKET
// (existing, empty), AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY; S3VAULT_TEST_S3_CONDITIONAL=no when it ignores conditions.
// Ceph's gateways are started and asked by test/slow/rgw-contract.test.ts.
import { test } from 'node:test'
import { foreignServer } from '../e2e/storage-sites.ts'
import { foreignContract } from './foreign-contract.ts'

if (process.env['S3VAULT_TEST_S3_ENDPOINT'] === undefined) {
  test('s3: a real server', { skip: 'S3VAULT_TEST_S3_ENDPOINT is not set' }, () => {})
} else {
  const server = foreignServer()
  foreignContract({
    title: server.endpoint,
    bucket: process.env['S3VAULT_TEST_S3_BUCKET'] ?? '',
    s3: { endpoint: server.endpoint, credentials: server, conditionalPut: process.env['S3VAULT_TEST_S3_CONDITIONAL'] !== 'no' },
  })
}
