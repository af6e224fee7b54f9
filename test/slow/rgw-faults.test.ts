// Goal: whatever networks and providers do to requests, backup, check and restore on a real server come out right, an outage
// is sat out, and a revoked key ends in one line and costs nothing.
// Method: the real program behind a proxy that breaks its requests on the wire, seeded, in front of Ceph's gateways of two
// generations; the gateway itself is stopped and started, its user suspended and enabled.
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { FAULT_KINDS, afterDataPacks, seededFaults, type FaultKind } from '../support/fault-proxy/faults.ts'
import { noticesOf, retriesOf, TroubledLine } from '../support/fault-proxy/troubled-line.ts'
import { openBuckets } from '../support/rgw/buckets.ts'
import { startGateways } from '../support/rgw/gateways.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const seed = testSeed()
const BUCKET = 'bad-line'
const SHARE = 0.05
/** With packs of 1 MiB, ten files each: enough requests that a twentieth of them is some. */
const FILES = 200
const OUTAGE_MS = 120_000
/** Alone on the newer gateway; the older one meets the mixture. What ends a run, as it must, has a test of its own. */
const PASSING = FAULT_KINDS.filter((kind) => kind !== 'expired-token')

const gateways = await startGateways()
for (const gateway of gateways.values()) await openBuckets(gateway, [{ name: BUCKET, kind: 'plain' }])
console.log(`seed ${seed}`)
let lineCount = 0

for (const [release, gateway] of gateways) {
  const makeLine = (t: TestContext, fileCount = FILES): Promise<TroubledLine> =>
    TroubledLine.make(t, gateway, BUCKET, { seed: `${seed}-${++lineCount}`, fileCount })

  describe(`Ceph ${release}: one request in twenty fails`, () => {
    const mixtures: readonly (readonly [title: string, kinds: readonly FaultKind[]])[] = [
      ...(release === 20 ? PASSING.map((kind) => [kind, [kind]] as const) : []),
      ['all of these', PASSING],
    ]
    for (const [title, kinds] of mixtures) {
      test(title, async (t) => {
        const line = await makeLine(t)
        const retries = await line.survives(seededFaults(new SeededRandom(seed + lineCount), SHARE, kinds))
        t.diagnostic(`${retries} retries; ${JSON.stringify(line.proxy.counts())}`)
      })
    }
  })

  test(`Ceph ${release}: a user suspended in the middle: one line, exit code 14; enabled again, the next run goes on`, async (t) => {
    const { cli, proxy, source } = await makeLine(t, 400)
    proxy.setFaults(afterDataPacks(3, async () => void (await gateway.admin('user', 'suspend', '--uid', gateway.user))))
    const said = await cli.failsInWords(14, ['backup', source])
    assert.match(said, /^s3vault: cannot \w+ .*(UserSuspended|AccessDenied|403).*\n/)
    await gateway.admin('user', 'enable', '--uid', gateway.user)
    proxy.setFaults(() => undefined)
    assert.deepEqual(await cli.snapshots(), [], 'nothing is committed')
    const next = await cli.backup([source])
    assert.ok(next.bytesStored < 400 * 100_000, `${next.bytesStored} bytes: what was stored is not stored again`)
    assert.equal((await cli.check(['--read-data'])).errors, 0)
  })
}

const newest = gateways.get(20)
test('the server is stopped for two minutes in the middle of a backup, which finishes by itself', { skip: newest ? false : 'no Ceph 20' }, async (t) => {
  if (newest === undefined) return
  const { cli, proxy, source } = await TroubledLine.make(t, newest, BUCKET, { seed: `${seed}-outage`, fileCount: 400 })
  let restarting: Promise<void> | undefined
  proxy.setFaults(afterDataPacks(3, () => {
    restarting = newest.stopGateway().then(() => sleep(OUTAGE_MS)).then(() => newest.startGateway())
  }))
  const run = await cli.expect(0, ['backup', '--json', source])
  await restarting
  const notices = noticesOf(run)
  t.diagnostic(`${retriesOf(run)} retries\n${notices.join('\n')}`)
  assert.ok(notices.some((notice) => /^storage unreachable, trying again in \d+ s \(attempt \d+\): /.test(notice)), notices.join('\n'))
  assert.equal(notices.at(-1), 'storage answers again')
  // One call asks on while the others wait: not eight of them, each with its own notices.
  assert.ok(notices.length < 20, `${notices.length} notices`)
  assert.equal((await cli.check(['--read-data'])).errors, 0)
  await cli.restore([`latest:${source}`, '-t', cli.path('back')])
  assert.deepEqual(compareTrees(source, cli.path('back')), [])
})
