// Goal: `doctor` works before there is a vault and after, needs no password, and what `init` records is what it compares
// with. Method: the real program against servers of this process.
import assert from 'node:assert/strict'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, after } from 'node:test'
import type { DoctorResult } from '../../src/operations/doctor.ts'
import type { ProbeFinding } from '../../src/probe/finding.ts'
import { Cli, summaryOf, type CliRun } from '../support/cli.ts'
import { startS3Server } from '../support/s3-server/server.ts'
import { found } from '../probe/probing.ts'
import { s3Environment } from './storage-sites.ts'

const BUCKET = 'doctor-bucket'
const REPO = `s3://${BUCKET}/laptop`

const findingsOf = ({ records }: CliRun): ProbeFinding[] =>
  records.filter(({ type }) => type === 'finding') as unknown as ProbeFinding[]

describe('doctor of a bucket', async () => {
  const server = await startS3Server({ buckets: [BUCKET, 'other-bucket'] })
  after(() => server.close())
  const cli = new Cli({ after })
  Object.assign(cli.env, s3Environment(server))
  const bucket = server.state.bucket(BUCKET)
  const doctor = (code: number, repo = REPO): Promise<CliRun> => cli.expect(code, ['doctor', '--json', '-r', repo])

  it('before init: a table for people, and the place stays empty', async () => {
    const { stdout, stderr } = await cli.expect(0, ['doctor', '-r', REPO])
    assert.match(stdout, /^PROBE +STATE +SEEN/)
    assert.match(stdout, /^conditional PUT +ok +the second PUT of a name is refused: 412/m)
    assert.match(stdout, /^vault +ok +none yet/m)
    assert.match(stdout, /: a vault works there.* \(\d+ requests\)\n$/)
    assert.equal(stderr, '')
    assert.ok(stdout.split('\n').every((line) => line.length <= 120))
    assert.ok(!(stdout + stderr).includes(server.secretAccessKey))
    assert.deepEqual(bucket.keys(), [])
    assert.deepEqual(readdirSync(cli.path('home')), [], 'nothing is left on this machine either')
  })

  it('init records what it probed, with few requests', async () => {
    const before = server.requests.length
    await cli.init(REPO)
    const probes = server.requests.slice(before).filter(({ key, query }) => key.includes('/doctor/') || query.size > 1)
    assert.ok(probes.length <= 15, `${probes.length} requests`)
    assert.deepEqual(bucket.keys().filter((key) => key.includes('doctor')), [])
    const summary = summaryOf<DoctorResult>(await doctor(0))
    assert.deepEqual(summary.recorded?.capabilities, {
      conditionalPut: 'honoured', checksum: 'returned', wrongChecksum: 'refused', versioning: 'off', objectLock: 'off',
    })
    assert.equal(summary.recorded?.endpoint, server.endpoint)
    assert.equal(summary.recorded?.bucket, BUCKET)
    assert.deepEqual(summary.recorded?.capabilities, summary.capabilities)
  })

  it('a backup into it probes nothing', async () => {
    cli.write('source/file', 'content\n')
    rmSync(cli.cacheDirectory, { recursive: true })
    const before = server.requests.length
    await cli.backup([cli.path('source')])
    const made = server.requests.slice(before)
    assert.deepEqual(made.filter(({ key, operation }) => key.includes('doctor') || operation === 'DeleteObject'), [])
    assert.ok(made.filter(({ operation }) => operation === 'PutObject').every(({ headers }) => headers['if-none-match'] === '*'))
    await cli.check()
  })

  it('what has changed since is told', async () => {
    bucket.versioning = 'Enabled'
    const run = await doctor(0)
    assert.deepEqual(summaryOf<DoctorResult>(run).differences, [{ name: 'versioning', recorded: 'off', now: 'enabled' }])
    assert.match(found(findingsOf(run), 'recorded at init').seen, /versioning was off, is enabled$/)
    bucket.versioning = 'Unversioned'
  })

  it('through another endpoint the record does not count, and is said not to', async () => {
    const other = await startS3Server({ buckets: [BUCKET], conditionalPut: 'ignored', credentials: server })
    try {
      for (const key of bucket.keys()) {
        const [version] = bucket.versionsOf(key)
        if (version !== undefined) other.state.bucket(BUCKET).add(key, version)
      }
      const env = { S3VAULT_S3_ENDPOINT: other.endpoint }
      await cli.backup([cli.path('source')], 0, { env })
      const isProbe = ({ key }: { key: string }): boolean => key.includes('/doctor/')
      assert.equal(other.requests.filter(isProbe).length, 3, 'two PUTs, one DELETE')
      const before = other.requests.length
      await cli.backup([cli.path('source')], 0, { env })
      assert.equal(other.requests.slice(before).filter(isProbe).length, 0, 'remembered')
      const run = await cli.expect(0, ['doctor', '--json', '-r', REPO], { env })
      assert.match(found(findingsOf(run), 'recorded at init').means, /another endpoint/)
    } finally {
      await other.close()
    }
  })

  it('an unfit place has exit code 14, one that does not answer 13', async () => {
    assert.equal(summaryOf<DoctorResult>(await doctor(14, 's3://no-such-bucket/x')).verdict, 'unfit')
    const { stdout } = await cli.expect(14, ['doctor', '-r', REPO], { env: { AWS_SECRET_ACCESS_KEY: 'wrong' } })
    assert.match(stdout, /^credentials +missing .*SignatureDoesNotMatch/m)
    const silent = await startS3Server()
    await silent.close()
    const run = await cli.expect(13, ['doctor', '--json', '-r', REPO], { env: { S3VAULT_S3_ENDPOINT: silent.endpoint } })
    assert.equal(summaryOf<DoctorResult>(run).verdict, 'unreachable')
  })

  it('a key that cannot delete: init and backup work, check notes what the probes left', async () => {
    server.setFault(({ operation }) => operation === 'DeleteObject' ? { kind: 'error', code: 'AccessDenied' } : undefined)
    const person = new Cli({ after })
    Object.assign(person.env, s3Environment(server))
    await person.expect(0, ['doctor', '-r', 's3://other-bucket'])
    await person.init('s3://other-bucket')
    await person.backup([cli.path('source')])
    const { errors, findings } = await person.check()
    assert.equal(errors, 0)
    assert.deepEqual(findings.map(({ kind }) => kind), ['probe-objects'])
    server.setFault(undefined)
  })
})

describe('doctor of a directory', () => {
  const cli = new Cli({ after })

  it('works before init and after, and names a damaged config', async () => {
    const place = cli.path('vault')
    const before = await cli.expect(0, ['doctor', '--json', '-r', place])
    assert.match(found(findingsOf(before), 'directory').seen, /not there yet/)
    await cli.init(place)
    const names = readdirSync(place)
    const after = await cli.expect(0, ['doctor', '--json', '-r', place])
    assert.match(found(findingsOf(after), 'vault').seen, /^[0-9a-f]{32}$/)
    assert.deepEqual(readdirSync(place), names)
    cli.write('vault/config', 'no config')
    const damaged = await cli.expect(14, ['doctor', '--json', '-r', place])
    assert.equal(found(findingsOf(damaged), 'vault').state, 'failed')
    await cli.expect(14, ['doctor', '-r', join(place, 'config')])
  })
})
