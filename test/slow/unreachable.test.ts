// Goal: a server that never answers ends in one clear line, not in an endless wait.
// Method: the address of a server that is gone; the program's own patience, which is half a minute.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { s3Environment } from '../e2e/storage-sites.ts'
import { Cli } from '../support/cli.ts'
import { startS3Server } from '../support/s3-server/server.ts'

test('unreachable endpoint: exit code 13 within a minute and a half', async (t) => {
  const cli = new Cli(t)
  const server = await startS3Server({ buckets: ['bucket'] })
  await server.close()
  const startMs = performance.now()
  const env = { ...s3Environment(server), S3VAULT_PASSWORD: 'x' }
  const run = await cli.expect(13, ['snapshots', '-r', 's3://bucket/prefix'], { env })
  assert.ok(performance.now() - startMs < 90_000)
  assert.match(run.stderr, /^s3vault: .*\n  hint: check the network, the endpoint and the region\n$/m)
  assert.equal(run.stdout, '')
})
