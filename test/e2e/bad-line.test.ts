// Goal: what a line and a provider do to requests costs time and nothing else; what only a person can mend is said in one
// line, and what was done until then is not lost. The long form, in front of real servers, is in test/slow/.
// Method: the program behind a proxy that breaks its requests on the wire, seeded; the server is the one of this process.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, before, describe, it, type TestContext } from 'node:test'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { Cli } from '../support/cli.ts'
import { afterDataPacks, FAULT_KINDS, seededFaults } from '../support/fault-proxy/faults.ts'
import { retriesOf, TroubledLine } from '../support/fault-proxy/troubled-line.ts'
import { startS3Server, type S3Server } from '../support/s3-server/server.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'
import { s3Environment } from './storage-sites.ts'

const seed = testSeed()
const BUCKET = 'bad-line'
const FILES = 30
const OUTAGE_MS = 2000

describe('a bad line', () => {
  let server: S3Server
  let lineCount = 0
  before(async () => {
    console.log(`seed ${seed}`)
    server = await startS3Server({ buckets: [BUCKET] })
  })
  after(() => server.close())

  const makeLine = (t: TestContext): Promise<TroubledLine> =>
    TroubledLine.make(t, server, BUCKET, { seed: `${seed}-${++lineCount}`, fileCount: FILES })

  it('one request in five meets with something: backups, check and restore come out right', async (t) => {
    const line = await makeLine(t)
    // Those that wait for the timeout take their time in test/slow/.
    const quick = FAULT_KINDS.filter((kind) => kind !== 'expired-token' && kind !== 'stall' && kind !== 'trickle')
    const retries = await line.survives(seededFaults(new SeededRandom(seed), 0.2, quick))
    t.diagnostic(`${retries} retries; ${JSON.stringify(line.proxy.counts())}`)
    assert.ok(retries > 0)
  })

  it('an outage in the middle of a backup is sat out', async (t) => {
    const { cli, proxy, source } = await makeLine(t)
    proxy.setFaults(afterDataPacks(2, () => void proxy.outage(OUTAGE_MS)))
    const run = await cli.expect(0, ['backup', '--json', source])
    assert.ok(retriesOf(run) > 0)
    assert.equal((await cli.check(['--read-data'])).errors, 0)
  })

  it('keys that expire for good: one line, exit code 14, nothing half done; with new keys the next run goes on', async (t) => {
    const { cli, proxy, source } = await makeLine(t)
    proxy.setFaults(afterDataPacks(3, () => {}, 'expired-token'))
    const said = await cli.failsInWords(14, ['backup', source])
    assert.match(said, /^s3vault: cannot write .*ExpiredToken.*\n  hint: .*expired.*\n$/)
    proxy.setFaults(() => undefined)
    assert.deepEqual(await cli.snapshots(), [], 'nothing is committed')
    const next = await cli.backup([source])
    assert.ok(next.bytesStored < FILES * 100_000, `${next.bytesStored} bytes: what the first run stored is not stored again`)
    assert.equal((await cli.check(['--read-data'])).errors, 0)
    await cli.restore([`latest:${source}`, '-t', cli.path('back')])
    assert.deepEqual(compareTrees(source, cli.path('back')), [])
  })

  it('keys that expire while a file has new ones: the run goes on with those', async (t) => {
    const { cli, proxy, source } = await makeLine(t)
    const { accessKeyId, secretAccessKey } = server
    const useToken = (sessionToken: string): void => {
      cli.write('home/.aws/credentials', `[default]\naws_access_key_id = ${accessKeyId}\n` +
        `aws_secret_access_key = ${secretAccessKey}\naws_session_token = ${sessionToken}\n`)
      server.setCredentials({ accessKeyId, secretAccessKey, sessionToken })
    }
    for (const variable of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) delete cli.env[variable]
    useToken('first')
    t.after(() => server.setCredentials({ accessKeyId, secretAccessKey }))
    const renewed = new Set<string>()
    proxy.setFaults(({ method, path }) => {
      // At the first PUT of each kind: sessions, packs, segments, and the snapshot, which is signed by ourselves.
      const [, , , kind = ''] = path.split('/')
      if (method === 'PUT' && !renewed.has(kind)) useToken(`token ${renewed.add(kind).size}`)
      return undefined
    })
    const run = await cli.expect(0, ['backup', '--json', source])
    proxy.setFaults(() => undefined)
    assert.deepEqual([...renewed].sort(), ['index', 'packs', 'sessions', 'snapshots'])
    assert.equal(run.stderr, '')
    assert.equal((await cli.check()).errors, 0)
  })

  it("the SDK's own warnings never reach the person", async (t) => {
    const cli = new Cli(t)
    const profile = cli.path('profile')
    writeFileSync(profile, `[other]\naws_access_key_id = ${server.accessKeyId}\naws_secret_access_key = ${server.secretAccessKey}\n`, { mode: 0o600 })
    // Two sources of keys at once: of that it warns.
    const env = { ...s3Environment(server), AWS_PROFILE: 'other', AWS_SHARED_CREDENTIALS_FILE: profile, S3VAULT_PASSWORD: 'x' }
    const said = await cli.failsInWords(10, ['snapshots', '-r', `s3://${BUCKET}/nothing`], { env })
    assert.match(said, /^s3vault: /, 'no warning before it')
  })
})
