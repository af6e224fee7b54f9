import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, test } from 'node:test'
import { DirectoryBackend } from '../../src/backend/directory.ts'
import { LimitBackend } from '../../src/backend/limit.ts'
import { parseLocation } from '../../src/backend/location.ts'
import { openBackend } from '../../src/backend/open.ts'
import { RetryBackend } from '../../src/backend/retry.ts'
import { objectName } from '../../src/ids/ids.ts'

const scratch = await mkdtemp(join(tmpdir(), 's3vault-open-'))
after(() => rm(scratch, { recursive: true }))

describe('open', () => {
  test('a directory: opened when there, made only when asked for, limited only when asked for', async () => {
    const location = parseLocation(join(scratch, 'vault'))
    await assert.rejects(openBackend(location), { code: 'vault-missing' })
    assert.ok((await openBackend(location, { intent: 'create' })) instanceof DirectoryBackend)
    assert.ok((await openBackend(location)) instanceof DirectoryBackend)
    assert.ok((await openBackend(location, { upBytesPerSecond: 1e6 })) instanceof LimitBackend)
  })

  test('a bucket: against the server program, with keys and endpoint from the environment', async () => {
    const program = join(import.meta.dirname, '../support/s3-server/main.js')
    const child = spawn(process.execPath, [program, 'bucket'], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const [line] = await once(createInterface(child.stdout), 'line')
      const { endpoint, accessKeyId, secretAccessKey } = JSON.parse(String(line)) as Record<string, string>
      const environment = { AWS_ENDPOINT_URL_S3: endpoint, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
      Object.assign(process.env, environment)
      const backend = await openBackend(parseLocation('s3://bucket/deep/vault'))
      assert.ok(backend instanceof RetryBackend)
      assert.equal(backend.location, 's3://bucket/deep/vault')
      await backend.put(objectName('x'), new Uint8Array(5))
      assert.equal((await backend.stat(objectName('x'))).sizeBytes, 5)
      await backend.close()
      for (const variable of Object.keys(environment)) delete process.env[variable]
    } finally {
      child.kill()
    }
  })
})
