// Goal: every command asks a bucket for as little as its work needs, and says truly for how much. A number that grows here
// is money and time of everybody's nightly backup. Method: the real program against the test server, which keeps count.
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { SystemRandom } from '../../src/async/random.ts'
import type { RequestCounts } from '../../src/backend/backend.ts'
import { openS3Backend } from '../../src/backend/s3.ts'
import { systemKdf } from '../../src/crypto/kdf.ts'
import { Repository } from '../../src/repository/repository.ts'
import { sealSnapshot } from '../../src/snapshot/snapshot.ts'
import { Cli } from '../support/cli.ts'
import { startS3Server, type S3Server } from '../support/s3-server/server.ts'
import { s3Environment } from './storage-sites.ts'

const BUCKET = 'counted'
const PREFIX = 'some/prefix'
const KINDS: Readonly<Record<string, keyof RequestCounts>> = {
  PutObject: 'put', GetObject: 'get', ListObjectsV2: 'list', HeadObject: 'stat', DeleteObject: 'delete',
}

type Kinds = Omit<RequestCounts, 'bytesUp' | 'bytesDown' | 'retries'>
const NONE: Kinds = { put: 0, get: 0, list: 0, stat: 0, delete: 0 }

/** Runs a command, holds what it says against what the server saw, and gives that back with the objects asked for. */
async function counted(cli: Cli, server: S3Server, args: readonly string[]): Promise<{ kinds: Kinds; keys: string[] }> {
  const before = server.requests.length
  const { records } = await cli.expect(0, [...args, '--json'])
  const seen = server.requests.slice(before)
  const kinds = { ...NONE }
  for (const { operation } of seen) kinds[KINDS[operation] as keyof Kinds]++
  const { bytesUp: _up, bytesDown: _down, retries: _retries, ...told } = records.at(-1)?.['requests'] as RequestCounts
  assert.deepEqual(told, kinds, args.join(' '))
  return { kinds, keys: seen.map(({ operation, key, query }) => `${operation} ${(key || query.get('prefix')) ?? ''}`) }
}

/** Times of the directories above a path: they are in the snapshot, and others may make and remove things there. */
function above(path: string): bigint[] {
  const parent = dirname(path)
  return parent === path ? [] : [statSync(parent, { bigint: true }).mtimeNs, ...above(parent)]
}

async function unchangedBackup(cli: Cli, server: S3Server, source: string): ReturnType<typeof counted> {
  for (let attempt = 1; ; attempt++) {
    const times = above(source)
    await cli.backup([source])
    const unchanged = await counted(cli, server, ['backup', source])
    if (above(source).join() === times.join()) return unchanged
    assert.ok(attempt < 20, 'the directories above the source change all the time')
  }
}

/** Adds what other machines have stored: snapshots of the newest one's tree. */
async function addSnapshots(server: S3Server, password: string, count: number): Promise<void> {
  const { accessKeyId, secretAccessKey } = server
  const backend = await openS3Backend({
    bucket: BUCKET, prefix: PREFIX, endpoint: server.endpoint, region: 'us-east-1', credentials: { accessKeyId, secretAccessKey },
  })
  const { keys, ...repository } = await Repository.open(backend, { password, kdf: systemKdf }).then((opened) => ({
    keys: opened.keys, listed: opened.snapshots(),
  }))
  const newest = (await repository.listed).snapshots.at(-1)
  assert.ok(newest)
  const { id: _id, name: _name, serverTime: _time, ...snapshot } = newest
  for (let index = 0; index < count; index++) {
    const { stored, bytes } = sealSnapshot(keys, new SystemRandom(), { ...snapshot, host: `other-${index}` }, Date.now() - 1000 * index)
    await backend.put(stored.name, bytes)
  }
  await backend.close()
}

test('requests of each command, with few and with 30 more snapshots', async (t) => {
  const server = await startS3Server({ buckets: [BUCKET] })
  t.after(() => server.close())
  const cli = new Cli(t)
  Object.assign(cli.env, s3Environment(server))
  const repo = `s3://${BUCKET}/${PREFIX}`
  const source = cli.path('source')
  for (let index = 0; index < 50; index++) cli.write(`source/${index % 5}/file-${index}`, `content ${index}\n`.repeat(100))

  await cli.init(repo)
  const init = { ...NONE, put: 6, list: 1, stat: 1, delete: 1, other: 2 }
  assert.deepEqual(countsOf(server), init, 'looks whether the place is free; two key slots; a probe of what the bucket can do; config')

  // config, LIST keys, two slots; session, LIST gc, snapshots, index, damage; a data pack of each reader that found work, metadata
  // pack, segment; time; LIST gc, snapshot, LIST gc, end of the session.
  const first = await counted(cli, server, ['backup', source])
  const dataPacks = first.keys.filter((key) => key.includes('/packs/d/')).length
  assert.ok(dataPacks >= 1 && dataPacks <= availableParallelism())
  assert.deepEqual(first.kinds, { ...NONE, put: 5 + dataPacks, get: 3, list: 7, stat: 1 }, first.keys.join('\n'))

  // config, the slot that opened the last time; session, LIST gc, snapshots, index, damage; time; LIST gc, snapshot, LIST gc, end.
  const unchanged = { ...NONE, put: 3, get: 2, list: 6, stat: 1 }
  const second = await unchangedBackup(cli, server, source)
  assert.deepEqual(second.kinds, unchanged, second.keys.join('\n'))

  const reading = { ...NONE, get: 2, list: 1 }
  assert.deepEqual((await counted(cli, server, ['snapshots'])).kinds, reading)
  assert.deepEqual((await counted(cli, server, ['ls', 'latest'])).kinds, { ...reading, list: 3 })
  const one = ['restore', `latest:${source}/3/file-3`, '-t', cli.path('back')]
  assert.deepEqual((await counted(cli, server, one)).kinds, { ...reading, get: 3, list: 4 })
  assert.deepEqual((await counted(cli, server, ['stats'])).kinds, { ...reading, list: 3 })

  await addSnapshots(server, readFileSync(cli.path('secret'), 'utf8').trim(), 30)
  const news = await counted(cli, server, ['snapshots'])
  assert.deepEqual(news.kinds, { ...reading, get: 32 }, 'each foreign snapshot is read once')
  const third = await unchangedBackup(cli, server, source)
  assert.deepEqual(third.kinds, unchanged, third.keys.join('\n'))
  assert.deepEqual((await counted(cli, server, ['ls', 'latest'])).kinds, { ...reading, list: 3 })
  const check = await counted(cli, server, ['check'])
  const objects = check.keys.filter((key) => key.startsWith('GetObject'))
  assert.equal(new Set(objects).size, objects.length - 1, 'everything but data packs is read once, the slot that opens the vault twice')
  assert.deepEqual(check.kinds, { ...NONE, get: objects.length, list: 3 }, 'snapshots, index, all')
})

/** `other`: what asks of the bucket itself. */
function countsOf({ requests }: S3Server): Kinds & { other: number } {
  const kinds = { ...NONE, other: 0 }
  for (const { operation } of requests) kinds[(KINDS[operation] ?? 'other') as keyof typeof kinds]++
  return kinds
}
