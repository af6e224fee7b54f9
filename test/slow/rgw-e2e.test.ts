// Goal: what works in a directory works in a bucket of a real server.
// Method: the end-to-end tests that know storage sites, run again with a Ceph gateway as their only site. The older one gets
// the round trip alone. Not run again: golden, refusals and default-vault, which are about directories, passwords and the
// machine's own state; limits, whose 3,000 levels and 1,500 directories never meet the storage.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { packageRoot } from '../support/cli.ts'
import { openBuckets } from '../support/rgw/buckets.ts'
import type { CephRelease } from '../support/rgw/ceph-programs.ts'
import { startGateways } from '../support/rgw/gateways.ts'
import type { RgwServer } from '../support/rgw/rgw-server.ts'

const BUCKET = 'end-to-end'
const FILES: Readonly<Record<CephRelease, readonly string[]>> = {
  20: ['round-trip', 'selection', 'listings', 'interruption', 'damage'],
  16: ['round-trip'],
}

const gateways = await startGateways()
for (const gateway of gateways.values()) await openBuckets(gateway, [{ name: BUCKET, kind: 'plain' }])

/** Runs a test file of its own; resolves to its exit code and what it said. */
async function runTests(file: string, gateway: RgwServer): Promise<{ code: number | null; output: string }> {
  const { NODE_TEST_CONTEXT: _context, ...inherited } = process.env // else it would report to the runner of this file
  const env = {
    ...inherited, S3VAULT_TEST_SITE: 'foreign', S3VAULT_TEST_S3_ENDPOINT: gateway.endpoint, S3VAULT_TEST_S3_BUCKET: BUCKET,
    AWS_ACCESS_KEY_ID: gateway.accessKeyId, AWS_SECRET_ACCESS_KEY: gateway.secretAccessKey,
  }
  const args = ['--test', '--test-reporter=spec', '--enable-source-maps', join(packageRoot, 'dist/test/e2e', `${file}.test.js`)]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const pieces: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => pieces.push(piece))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, output: Buffer.concat(pieces).toString() }
}

for (const [release, gateway] of gateways) {
  for (const file of FILES[release]) {
    test(`Ceph ${release}: ${file}`, async () => {
      const { code, output } = await runTests(file, gateway)
      assert.equal(code, 0, output)
      assert.match(output, /ℹ pass [1-9]/, 'something was tested')
    })
  }
}
