// Goal: a vault in a bucket is mounted, its content comes in blocks that serve many files and the next mount, and storage that
// goes away takes with it only what is not here yet. Method: the real program against an S3 server of this process.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { s3Environment } from '../e2e/storage-sites.ts'
import { Cli } from '../support/cli.ts'
import { startS3Server } from '../support/s3-server/server.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { mountPlaces, unlessMountable } from './mounting.ts'

/** In a process of its own, which goes there itself: this one, even while it starts it, must go on answering as the server. */
const sh = async (script: string, directory: string): Promise<string> =>
  (await promisify(execFile)('sh', ['-c', `cd "$0" && ${script}`, directory], { encoding: 'utf8' })).stdout

test('small files of a bucket come together, stay for the next mount, and outlive the server', { skip: unlessMountable }, async (t) => {
  const places = mountPlaces(t)
  const server = await startS3Server({ buckets: ['bucket'] })
  t.after(() => server.close())
  const cli = new Cli(t)
  const source = cli.path('source')
  const random = new SeededRandom(5)
  for (const directory of ['one', 'two']) {
    mkdirSync(join(source, directory), { recursive: true })
    for (let i = 0; i < 150; i++) writeFileSync(join(source, directory, `file-${i}`), random.bytes(3000))
  }
  Object.assign(cli.env, s3Environment(server))
  await cli.init('s3://bucket/vault')
  await cli.backup([source])
  const place = cli.path('mnt')
  mkdirSync(place)
  places.add(place)
  const tree = join(place, 'latest', source)
  const fetched = (): number => server.requests.filter(({ operation, key }) => operation === 'GetObject' && key.includes('/packs/d/')).length
  const wanted = await sh('cat one/* two/* | sha256sum', source)

  await cli.expect(0, ['mount', place])
  const before = fetched()
  assert.equal(await sh('cat one/* two/* | sha256sum', tree), wanted)
  const first = fetched() - before
  assert.ok(first >= 1 && first <= 4, `${first} requests for 300 files in 900 KB`)
  await cli.expect(0, ['umount', place])

  await cli.expect(0, ['mount', '--snapshot', 'latest', place])
  assert.equal(await sh('cat one/* | sha256sum', join(place, source)), await sh('cat one/* | sha256sum', source))
  assert.equal(fetched() - before, first, 'from the local disk')
  server.setFault(() => ({ kind: 'stall' }))
  assert.equal(await sh('cat one/* two/* | sha256sum', join(place, source)), wanted, 'what is here can be read without a server')
  server.setFault(undefined)
  await cli.expect(0, ['umount', place])

  await cli.expect(0, ['mount', '--cache-size', '0', place])
  assert.equal(readFileSync(join(source, 'two', 'file-7')).toString('hex'), (await sh(`od -An -v -tx1 two/file-7 | tr -d ' \\n'`, tree)))
  assert.ok(fetched() - before > first, 'nothing is kept')
})
