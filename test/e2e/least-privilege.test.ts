// Goal: keys with the rights that `s3vault policy` prints are enough for what their role is to do, and for no more.
// Method: the printed documents, given to other keys of the S3 server of the tests, which evaluates them; the program runs
// with these keys. Nothing but the document says what is allowed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PolicyDocument, Role } from '../../src/policy/policy-document.ts'
import { Cli, summaryOf, type Scope } from '../support/cli.ts'
import type { AccessPolicy } from '../support/s3-server/access-policy.ts'
import type { Credentials } from '../support/s3-server/authentication.ts'
import { startS3Server, type S3Server } from '../support/s3-server/server.ts'
import { s3Environment } from './storage-sites.ts'

const BUCKET = 'e2e-bucket'
const REPO = `s3://${BUCKET}/some/prefix`

interface Site {
  readonly cli: Cli
  readonly server: S3Server
  /** The environment of a new key with the role's policy, changed by `edit`. */
  as(role: Role, edit?: (policy: PolicyDocument) => AccessPolicy): Promise<Record<string, string>>
}

async function makeSite(t: Scope): Promise<Site> {
  const server = await startS3Server({ buckets: [BUCKET] })
  t.after(() => server.close())
  const bucket = server.state.bucket(BUCKET)
  bucket.versioning = 'Enabled'
  const cli = new Cli(t)
  Object.assign(cli.env, s3Environment(server))
  cli.write('source/a', 'content')
  const as: Site['as'] = async (role, edit = (policy) => policy) => {
    const { stdout } = await cli.expect(0, ['policy', role, '-r', REPO])
    return keysOf(server.addUser(edit(JSON.parse(stdout) as PolicyDocument)))
  }
  return { cli, server, as }
}

const keysOf = ({ accessKeyId, secretAccessKey }: Credentials): Record<string, string> =>
  ({ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey })

/** The document as Amazon's form of it would be: every PUT with If-None-Match. */
function withConditions(policy: PolicyDocument): AccessPolicy {
  const condition = { Null: { 's3:if-none-match': 'false' } }
  return { Statement: policy.Statement.map((each) => (each.Action.includes('s3:PutObject') ? { ...each, Condition: condition } : each)) }
}

for (const form of ['as printed', 'with enforced conditional writes'] as const) {
  test(`a backup with an append-only key, ${form}: first, unchanged, changed, interrupted; checked with a read-only key`, async (t) => {
    const { cli, server, as } = await makeSite(t)
    await cli.init(REPO)
    const adder = { env: await as('append-only', form === 'as printed' ? undefined : withConditions) }
    const reader = { env: await as('read-only') }
    const before = server.requests.length
    for (const text of form === 'as printed' ? ['first', 'first', 'second'] : ['first', 'second']) {
      cli.write('source/b', text)
      const { stderr } = await cli.expect(0, ['backup', cli.path('source')], adder)
      assert.equal(stderr, '', 'no warning')
    }
    cli.write('source/large', Buffer.alloc(20_000_000, 'x'))
    await cli.run(['backup', cli.path('source')], { ...adder, onStart: (child) => setTimeout(() => child.kill('SIGKILL'), 700) })
    await cli.expect(0, ['backup', cli.path('source')], adder)
    const sent = server.requests.slice(before)
    assert.deepEqual(sent.filter(({ operation }) => operation.startsWith('Delete')), [], 'nothing is even tried to be deleted')
    assert.ok(sent.filter(({ operation }) => operation === 'PutObject').every(({ headers }) => headers['if-none-match'] === '*'))
    assert.equal((await cli.check(['--read-data'], 0, reader)).errors, 0)
    await cli.restore(['latest', '-t', cli.path('back')], 0, reader)
    assert.equal((await cli.fails(14, ['backup', cli.path('source')], reader)).code, 'storage-denied')
  })
}

test('an append-only key makes a vault, and finds that there is none, though missing objects are answered 403', async (t) => {
  const { cli, as } = await makeSite(t)
  const adder = await as('append-only')
  assert.equal((await cli.fails(10, ['snapshots', '-r', REPO], { env: { ...adder, S3VAULT_PASSWORD: 'x' } })).code, 'vault-missing')
  Object.assign(cli.env, adder)
  await cli.init(REPO)
  await cli.backup([cli.path('source')])
  assert.equal((await cli.fails(11, ['init', '-r', REPO, '--generate-secret', cli.path('other')])).code, 'vault-exists')
})

test('what each role may do beside its vault and against it: nothing', async (t) => {
  const { cli, server, as } = await makeSite(t)
  await cli.init(REPO)
  const { S3Client, DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } = await import('@aws-sdk/client-s3')
  const clientFor = (env: Record<string, string>): InstanceType<typeof S3Client> => new S3Client({
    endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1,
    credentials: { accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '', secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '' },
  })
  const config = { Bucket: BUCKET, Key: 'some/prefix/config' }
  const attempts = {
    elsewhere: () => new GetObjectCommand({ Bucket: BUCKET, Key: 'other/secret' }),
    beside: () => new PutObjectCommand({ Bucket: BUCKET, Key: 'some/prefix2/x', Body: 'x' }),
    listAll: () => new ListObjectsV2Command({ Bucket: BUCKET }),
    remove: () => new DeleteObjectCommand(config),
    removeVersion: () => new DeleteObjectCommand({ ...config, VersionId: server.state.bucket(BUCKET).current(config.Key)?.versionId ?? '' }),
    overwrite: () => new PutObjectCommand({ ...config, Body: 'x' }),
  }
  const tried = async (env: Record<string, string>, names: readonly (keyof typeof attempts)[]): Promise<string[]> => {
    const client = clientFor(env)
    t.after(() => client.destroy())
    const refused: string[] = []
    for (const name of names) {
      await client.send(attempts[name]() as InstanceType<typeof GetObjectCommand>).catch((error: Error) => refused.push(`${name} ${error.name}`))
    }
    return refused
  }
  const all = Object.keys(attempts) as (keyof typeof attempts)[]
  const outside = ['elsewhere', 'beside', 'listAll'] as const
  const refusals = (names: readonly string[]): string[] => names.map((name) => `${name} AccessDenied`)
  assert.deepEqual(await tried(await as('read-only'), all), refusals(all))
  assert.deepEqual(await tried(await as('append-only', withConditions), all), refusals(all))
  assert.deepEqual(await tried(await as('append-only'), all.filter((name) => name !== 'overwrite')),
    refusals([...outside, 'remove', 'removeVersion']))
  assert.deepEqual(await tried(await as('full'), outside), refusals(outside))
  assert.equal((await cli.check()).errors, 0, 'the vault is as it was')
})

test('append-only is promised where the bucket keeps versions or refuses to overwrite, and nowhere else', async (t) => {
  const { cli, server } = await makeSite(t)
  const bucket = server.state.bucket(BUCKET)
  const policyOf = async (...args: string[]): Promise<{ policy: PolicyDocument; appendOnly?: string }> =>
    summaryOf(await cli.expect(0, ['policy', '--json', '-r', REPO, ...args]))
  const conditions = ({ policy }: { policy: PolicyDocument }): number => JSON.stringify(policy).split('s3:if-none-match').length - 1

  const kept = await policyOf('append-only')
  assert.deepEqual([kept.appendOnly, conditions(kept)], ['versioning', 0], 'no condition that this server may not know')
  for (const state of ['Suspended', 'Unversioned'] as const) {
    bucket.versioning = state
    const refusal = await cli.fails(14, ['policy', 'append-only', '-r', REPO])
    assert.match(refusal.message, /no key can be append-only there: versioning is (suspended|off)/)
  }
  assert.equal((await policyOf('append-only', '--offline')).appendOnly, 'unchecked')
  assert.match((await cli.expect(0, ['policy', 'append-only', '-r', REPO, '--offline'])).stderr, /NOT CHECKED/)

  const deny = { Effect: 'Deny', Principal: '*', Action: ['s3:PutObject'], Condition: { Null: { 's3:if-none-match': 'true' } } }
  const enforce = (Resource: string): void => void (bucket.policy = JSON.stringify({ Statement: [{ ...deny, Resource }] }))
  enforce(`arn:aws:s3:::${BUCKET}/elsewhere/*`)
  assert.match((await cli.fails(14, ['policy', 'append-only', '-r', REPO])).message, /no key can be append-only/)
  enforce(`arn:aws:s3:::${BUCKET}/*`)
  const enforced = await policyOf('append-only')
  assert.deepEqual([enforced.appendOnly, conditions(enforced)], ['conditional-writes', 2])
  assert.deepEqual(bucket.keys(), [], 'what was tried is gone')
  server.setFault(({ operation }) => (operation === 'PutObject' ? { kind: 'error', code: 'AccessDenied' } : undefined))
  assert.equal((await cli.fails(14, ['policy', 'append-only', '-r', REPO])).code, 'storage-denied', 'a key that writes nothing proves nothing')
})

test('for Amazon the policy requires the condition; nothing is asked for other roles, nor of a directory', async (t) => {
  const cli = new Cli(t)
  const offline = await cli.expect(0, ['policy', 'append-only', '--offline', '-r', REPO, '--s3-region', 'cn-north-1'])
  const { Statement } = JSON.parse(offline.stdout) as PolicyDocument
  assert.ok(Statement.every(({ Resource }) => Resource.startsWith('arn:aws-cn:s3:::e2e-bucket')))
  assert.deepEqual(Statement.find(({ Sid }) => Sid === 'AddToVault')?.Condition, { Null: { 's3:if-none-match': 'false' } })
  const quiet = await cli.expect(0, ['policy', 'full', '-q', '-r', REPO, '--bucket-policy', '--principal', 'arn:aws:iam::1:user/a'])
  assert.equal(quiet.stderr, '')
  assert.deepEqual((JSON.parse(quiet.stdout) as PolicyDocument).Statement[0]?.Principal, { AWS: 'arn:aws:iam::1:user/a' })
  for (const args of [['full'], ['full', '-r', '/x'], ['everything', '-r', REPO], ['-r', REPO], ['full', '-r', REPO, '--bucket-policy']]) {
    await cli.failsInWords(2, ['policy', ...args])
  }
})
