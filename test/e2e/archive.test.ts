// Goal: data packs in other classes, from backup to restore, and costs that can be followed.
// Method: the real program against the in-process server, whose archive is slow until the test says otherwise.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { SeededBytes } from '../../fixtures/seeded-bytes.ts'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import type { BackupEstimate } from '../../src/operations/backup-estimate.ts'
import type { RestorePlan } from '../../src/operations/restore-plan.ts'
import type { StatsResult } from '../../src/operations/stats.ts'
import type { BilledCost } from '../../src/operations/stored-cost.ts'
import { Cli, summaryOf, type Scope } from '../support/cli.ts'
import { startS3Server, type S3Server } from '../support/s3-server/server.ts'
import { s3Environment } from './storage-sites.ts'

const MIB = 2 ** 20
const CLASS = { storagePerGBMonth: 10, putPer1000: 1, getPer1000: 1, retrievalPerGB: 0, minimumDays: 0, minimumBytes: 0 }
const PRICES = JSON.stringify({
  format: 's3vault-prices', version: 1,
  providers: [{
    name: 'Here', hosts: ['127.0.0.1'], currency: 'EUR', gigabyteBytes: 1e9, date: '2026-11-27', source: 'https://example.org',
    regions: [{
      name: '*', egressPerGB: 1, listPer1000: 1,
      classes: { STANDARD: CLASS, GLACIER: { ...CLASS, storagePerGBMonth: 1, putPer1000: 100, minimumDays: 90, archive: { standard: { perGB: 2, per1000: 3 } } } },
    }],
  }],
})

interface Setting {
  readonly cli: Cli
  readonly server: S3Server
  /** Ends all waiting for the archive. */
  finishReturns(): void
}

async function setUp(scope: Scope): Promise<Setting> {
  const server = await startS3Server({ buckets: ['bucket'], archiveDelayMs: 4 * 3600_000 })
  scope.after(() => server.close())
  const cli = new Cli(scope)
  Object.assign(cli.env, s3Environment(server), { S3VAULT_PRICES: cli.write('prices.json', PRICES) })
  mkdirSync(cli.path('source'))
  const bytes = new SeededBytes('archive')
  for (let i = 0; i < 6; i++) writeFileSync(cli.path('source', `${i}`), bytes.noise(`${i}`, MIB))
  await cli.init('s3://bucket/vault', '--pack-size', '1')
  return {
    cli, server,
    finishReturns: () => {
      const bucket = server.state.bucket('bucket')
      for (const key of bucket.keys()) {
        for (const version of bucket.versionsOf(key)) if (version.returned) version.returned = { ...version.returned, fromMs: 0 }
      }
    },
  }
}

const restoreRequests = (server: S3Server): number => server.requests.filter(({ operation }) => operation === 'RestoreObject').length

test('a backup into an archive: only data packs are cold, unchanged files need no reading, check says what it could not read', async (t) => {
  const { cli, server } = await setUp(t)
  const dry = await cli.expect(0, ['backup', '--json', '--dry-run', '--storage-class', 'GLACIER', cli.path('source')])
  const first = await cli.expect(0, ['backup', '--json', '--storage-class', 'GLACIER', cli.path('source')])
  const bucket = server.state.bucket('bucket')
  const keys = bucket.keys()
  for (const key of keys) assert.equal(bucket.current(key)?.storageClass, key.includes('/packs/d/') ? 'GLACIER' : 'STANDARD', key)
  // The estimate of the dry run is what the backup then does.
  const { estimate } = summaryOf<{ estimate: BackupEstimate }>(dry)
  const { requests } = summaryOf<{ requests: { put: number; list: number } }>(first)
  const cold = keys.filter((key) => key.includes('/packs/d/'))
  assert.ok(cold.length >= 6)
  assert.deepEqual([estimate.dataPacks, estimate.requests.put], [cold.length, requests.put])
  assert.ok(estimate.costs && estimate.costs.monthly > 0 && estimate.costs.committed > estimate.costs.monthly / 2)
  assert.ok(dry.records.some(({ type, message }) => type === 'notice' && /GLACIER.*90 days at least/.test(String(message))))

  const second = await cli.backup(['--storage-class', 'GLACIER', cli.path('source')])
  assert.equal(second.dataBlobsAdded, 0)
  const checked = await cli.check(['--read-data'])
  assert.deepEqual(checked.findings.map(({ kind, severity }) => [kind, severity]), [['pack-archived', 'note']])
})

test('restore: a plan without effect, a wait that can be interrupted and gone on with, and then the files', async (t) => {
  const { cli, server, finishReturns } = await setUp(t)
  await cli.backup(['--storage-class', 'GLACIER', cli.path('source')])
  const args = [`latest:${cli.path('source')}`, '--target', cli.path('back')]
  const planned = async (): Promise<RestorePlan> => summaryOf(await cli.expect(0, ['restore', '--plan', '--json', ...args]))
  const plan = await planned()
  assert.equal(restoreRequests(server), 0)
  assert.equal(plan.archived.packs, plan.packs)
  assert.deepEqual(plan.archived.states, { readable: 0, archived: plan.packs, returning: 0 })
  assert.deepEqual(plan.options.map(({ tier }) => tier), ['expedited', 'standard', 'bulk'])
  const standard = plan.options.find(({ tier }) => tier === 'standard')
  assert.ok(standard?.costs && standard.costs.unpriced.length === 0)
  assert.ok(Math.abs(standard.costs.retrieval - (plan.packBytes / 1e9) * 2 - (plan.packs / 1000) * 3) < 1e-9)

  const stopped = await cli.run(['restore', '--json', ...args], {
    onStart: (child) => child.stdout?.on('data', (piece: Buffer) => void (piece.includes('"phase":"archive"') && child.kill('SIGINT'))),
  })
  assert.equal(stopped.code, 130, stopped.stderr)
  assert.equal(restoreRequests(server), plan.packs)
  assert.deepEqual((await planned()).archived.states, { readable: 0, archived: 0, returning: plan.packs })

  finishReturns()
  await cli.restore(args)
  assert.equal(restoreRequests(server), plan.packs, 'nothing is asked for twice')
  assert.deepEqual(compareTrees(cli.path('source'), cli.path('back')), [])
  const again = await planned()
  assert.equal(again.packs, 0, 'the target has all of it')
})

test('a restore that waits to the end says so, and one that needs no archive asks for nothing', async (t) => {
  const { cli, server, finishReturns } = await setUp(t)
  await cli.backup(['--storage-class', 'GLACIER', cli.path('source')])
  writeFileSync(cli.path('source', 'warm'), 'warm')
  await cli.backup([cli.path('source')])
  await cli.restore([`latest:${cli.path('source', 'warm')}`, '--target', cli.path('one')])
  assert.equal(restoreRequests(server), 0)
  const run = await cli.expect(0, ['restore', '--json', '--archive-tier', 'bulk', '--archive-days', '2', `latest:${cli.path('source')}`, '--target', cli.path('back')], {
    onStart: (child) => child.stdout?.on('data', (piece: Buffer) => void (piece.includes('"phase":"archive"') && finishReturns())),
  })
  const { returned } = summaryOf<{ returned: { packs: number; requested: number; tier: string; days: number } }>(run)
  assert.ok(returned.packs >= 6 && returned.requested === returned.packs)
  assert.deepEqual([returned.tier, returned.days], ['bulk', 2])
  assert.deepEqual(compareTrees(cli.path('source'), cli.path('back')), [])
})

test('tiers and classes that cannot be are refused in one line', async (t) => {
  const { cli, server } = await setUp(t)
  const source = cli.path('source')
  const unknown = await cli.fails(14, ['backup', '--storage-class', 'NO_SUCH_CLASS', source])
  assert.match(unknown.hint ?? '', /NO_SUCH_CLASS/)
  assert.deepEqual(await cli.snapshots(), [])
  assert.equal((await cli.fails(2, ['backup', '--storage-class', 'not a class', source])).code, 'usage')
  await cli.backup(['--storage-class', 'DEEP_ARCHIVE', source])
  const tier = await cli.fails(2, ['restore', 'latest', '--target', cli.path('back'), '--archive-tier', 'expedited'])
  assert.match(tier.message, /DEEP_ARCHIVE cannot be brought back by the tier expedited/)
  assert.match(tier.hint ?? '', /standard or bulk/)
  assert.equal(restoreRequests(server), 0)
  assert.match((await cli.fails(2, ['stats', '--cost', '--prices', cli.path('absent.json')])).message, /absent\.json/)
})

test('stats --cost: storage by class, requests of this machine, old versions; a place without prices and a directory say so', async (t) => {
  const { cli, server } = await setUp(t)
  const bucket = server.state.bucket('bucket')
  bucket.versioning = 'Enabled'
  await cli.backup(['--storage-class', 'GLACIER', cli.path('source')])
  const cost = summaryOf<StatsResult>(await cli.expect(0, ['stats', '--cost', '--json'])).cost as BilledCost
  const bytesIn = (storageClass: string): number => bucket.keys().reduce((sum, key) => {
    const version = bucket.current(key)
    return sum + (version?.storageClass === storageClass ? version.bytes.length : 0)
  }, 0)
  assert.deepEqual(cost.classes.map(({ storageClass, bytes }) => [storageClass, bytes]), [['GLACIER', bytesIn('GLACIER')], ['STANDARD', bytesIn('STANDARD')]])
  assert.ok(cost.monthly && Math.abs(cost.monthly.storage - bytesIn('GLACIER') / 1e9 - (bytesIn('STANDARD') / 1e9) * 10) < 1e-9)
  assert.equal(cost.classes[0]?.young.objects, cost.classes[0]?.objects)
  assert.equal(cost.runs.putsByClass['GLACIER'], cost.classes[0]?.objects)
  assert.ok(cost.wholeRestore && cost.wholeRestore.total > 0)
  assert.deepEqual(cost.noncurrent, [])
  assert.match((await cli.expect(0, ['stats', '--cost'])).stdout, /^(about|less than) [\d.]+ EUR a month: [\d.]+ MiB in GLACIER /)
  delete cli.env['S3VAULT_PRICES']
  assert.match((await cli.expect(0, ['stats', '--cost'])).stdout, /^no prices are known for 127\.0\.0\.1, region us-east-1: give them with --prices FILE/)
  server.setFault(({ operation }) => (operation === 'ListObjectVersions' || operation === 'ListMultipartUploads' ? { kind: 'error', code: 'AccessDenied' } : undefined))
  assert.match((await cli.expect(0, ['stats', '--cost'])).stdout, /old versions: not known/)
})

test('a price table that is wrong stops no restore', async (t) => {
  const cli = new Cli(t)
  await cli.init()
  await cli.backup([cli.write('source/file', 'text')])
  const args = ['restore', 'latest', '--target', cli.path('back'), '--prices', cli.path('absent.json')]
  assert.match((await cli.expect(0, args)).stderr, /^warning: price table .*absent\.json: .*; the built-in prices are used\n$/)
  assert.equal((await cli.fails(2, [...args, '--plan'])).code, 'usage')
})

test('a directory costs nothing, and has no classes', async (t) => {
  const cli = new Cli(t)
  await cli.init()
  assert.match((await cli.expect(0, ['stats', '--cost'])).stdout, /nobody sends a bill/)
  const source = cli.write('source/file', 'text')
  const run = await cli.expect(0, ['backup', '--storage-class', 'GLACIER', source])
  assert.match(run.stderr, /^warning: .*a directory has no storage classes/)
})
