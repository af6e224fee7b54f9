// Goal: on a real server too the printed policies are enough for backups, and keep an append-only key from destroying any.
// Method: as bucket policies for a second user of the server, whom the owner's bucket gives nothing else. Needs a server
// that knows bucket policies (Ceph does) and two of its users; see the variables below.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import * as s3 from '@aws-sdk/client-s3'
import { Cli } from '../support/cli.ts'

const env = process.env
/** The owner's keys are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; ACCESS_KEY:SECRET_KEY:ARN are the second user's. */
const endpoint = env['S3VAULT_TEST_S3_ENDPOINT']
const [userKey = '', userSecret = '', ...userArn] = (env['S3VAULT_TEST_S3_SECOND_USER'] ?? '').split(':')
const skip = endpoint === undefined || userKey === ''
  ? 'needs S3VAULT_TEST_S3_ENDPOINT, the keys of its owner in AWS_*, and S3VAULT_TEST_S3_SECOND_USER=ACCESS_KEY:SECRET_KEY:ARN'
  : false

const clientFor = (accessKeyId: string, secretAccessKey: string): s3.S3Client => new s3.S3Client({
  endpoint: endpoint ?? '', region: 'us-east-1', forcePathStyle: true, maxAttempts: 1, credentials: { accessKeyId, secretAccessKey },
})

test('append-only and read-only keys by bucket policy', { skip }, async (t) => {
  const cli = new Cli(t)
  const owner = { AWS_ACCESS_KEY_ID: env['AWS_ACCESS_KEY_ID'] ?? '', AWS_SECRET_ACCESS_KEY: env['AWS_SECRET_ACCESS_KEY'] ?? '' }
  Object.assign(cli.env, owner, { AWS_REGION: 'us-east-1', S3VAULT_S3_ENDPOINT: endpoint ?? '' })
  const user = { env: { AWS_ACCESS_KEY_ID: userKey, AWS_SECRET_ACCESS_KEY: userSecret } }
  const Bucket = `least-${randomBytes(4).toString('hex')}`
  const repo = `s3://${Bucket}/some/prefix`
  const client = clientFor(owner.AWS_ACCESS_KEY_ID, owner.AWS_SECRET_ACCESS_KEY)
  const userClient = clientFor(userKey, userSecret)
  t.after(() => [client, userClient].forEach((each) => each.destroy()))
  await client.send(new s3.CreateBucketCommand({ Bucket }))
  const apply = async (role: string): Promise<void> => {
    const { stdout } = await cli.expect(0, ['policy', role, '-r', repo, '--bucket-policy', '--principal', userArn.join(':')])
    await client.send(new s3.PutBucketPolicyCommand({ Bucket, Policy: stdout }))
  }
  const isRefused = async (work: Promise<unknown>): Promise<void> => assert.rejects(work, (error: Error) => error.name === 'AccessDenied')

  const refusal = await cli.fails(14, ['policy', 'append-only', '-r', repo])
  assert.match(refusal.message, /versioning is off/)
  await client.send(new s3.PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  await cli.init(repo)
  cli.write('source/a', 'content')

  await apply('append-only')
  for (const text of ['first', 'first', 'second']) {
    cli.write('source/b', text)
    assert.equal((await cli.expect(0, ['backup', cli.path('source')], user)).stderr, '')
  }
  cli.write('source/large', Buffer.alloc(40_000_000, 'x'))
  await cli.run(['backup', cli.path('source')], { ...user, onStart: (child) => setTimeout(() => child.kill('SIGKILL'), 700) })
  await cli.expect(0, ['backup', cli.path('source')], user)
  const config = { Bucket, Key: 'some/prefix/config' }
  const { VersionId } = await client.send(new s3.HeadObjectCommand(config))
  await isRefused(userClient.send(new s3.DeleteObjectCommand(config)))
  await isRefused(userClient.send(new s3.DeleteObjectCommand({ ...config, VersionId })))
  await isRefused(userClient.send(new s3.PutBucketPolicyCommand({ Bucket, Policy: '{}' })))
  await isRefused(userClient.send(new s3.PutObjectCommand({ Bucket, Key: 'other', Body: 'x' })))
  await isRefused(userClient.send(new s3.ListObjectsV2Command({ Bucket })))
  assert.equal((await cli.fails(10, ['snapshots', '-r', `${repo}/none`], user)).code, 'vault-missing')

  await apply('read-only')
  assert.equal((await cli.check(['--read-data'], 0, user)).errors, 0)
  assert.equal((await cli.fails(14, ['backup', cli.path('source')], user)).code, 'storage-denied')
})
