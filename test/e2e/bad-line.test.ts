// Goal: what a line and a provider do to requests costs time and nothing else. The long form, in front of real servers, is
// in test/slow/.
// Method: the program behind a proxy that breaks its requests on the wire, seeded; the server is the one of this process.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { FAULT_KINDS, seededFaults } from '../support/fault-proxy/faults.ts'
import { TroubledLine } from '../support/fault-proxy/troubled-line.ts'
import { startS3Server, type S3Server } from '../support/s3-server/server.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const seed = testSeed()
const BUCKET = 'bad-line'

describe('a bad line', () => {
  let server: S3Server
  before(async () => {
    console.log(`seed ${seed}`)
    server = await startS3Server({ buckets: [BUCKET] })
  })
  after(() => server.close())

  it('one request in three meets with something: backups, check and restore come out right', async (t) => {
    const line = await TroubledLine.make(t, server, BUCKET, { seed, fileCount: 40 })
    const passing = FAULT_KINDS.filter((kind) => kind !== 'expired-token' && kind !== 'stall')
    const retries = await line.survives(seededFaults(new SeededRandom(seed), 0.3, passing))
    t.diagnostic(`${retries} retries; ${JSON.stringify(line.proxy.counts())}`)
    assert.ok(retries > 0)
  })
})
