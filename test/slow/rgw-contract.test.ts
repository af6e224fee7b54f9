// Goal: what the product relies on holds on real servers, and the server of the tests' own answers as they do.
// Method: the contract of backends on Ceph's gateways of two generations, in buckets of each kind; the suite of the test
// server on the newer one; and a table of questions on which servers differ, asked of all three.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, describe, test } from 'node:test'
import { foreignContract } from '../backend/foreign-contract.ts'
import { serverContract } from '../backend/server-contract.ts'
import { BUCKET_KINDS, openBuckets, type BucketKind } from '../support/rgw/buckets.ts'
import type { CephRelease } from '../support/rgw/ceph-programs.ts'
import { startGateways } from '../support/rgw/gateways.ts'
import { clientOf } from '../support/s3-server/clients.ts'
import { startS3Server } from '../support/s3-server/server.ts'
import { QUESTIONS } from './server-differences.ts'

// All servers start before the first test is defined: a pause between two tests would end the file's run.
const gateways = await startGateways()
const own = await startS3Server()
after(() => own.close())
const buckets = BUCKET_KINDS.map((kind) => ({ name: `bucket-${kind}`, kind }))
for (const server of [own, ...gateways.values()]) await openBuckets(server, buckets)

/** The old one ignores `If-None-Match` where versions are kept. */
const honoursConditions = (release: CephRelease, kind: BucketKind): boolean => release !== 16 || kind === 'plain'

for (const [release, gateway] of gateways) {
  for (const { name, kind } of buckets) {
    foreignContract({
      title: `Ceph ${release}, ${kind} bucket`, bucket: name,
      s3: { endpoint: gateway.endpoint, credentials: gateway, conditionalPut: honoursConditions(release, kind) },
      // With versions the newer one honours the condition, but two writers at the same moment may both win.
      isCreationAtomic: kind === 'plain',
      // Pages are the same in all buckets.
      ...(kind === 'plain' ? {} : { manyObjects: 50 }),
    })
  }
  if (release === 20) serverContract(`Ceph ${release}`, clientOf(gateway))
}

describe('where servers differ', () => {
  const subjects = [{ of: 'own', server: own }, ...Array.from(gateways, ([release, server]) => ({ of: `ceph${release}`, server }))] as const
  for (const { of, server } of subjects) {
    const client = clientOf(server)
    after(() => client.destroy())
    for (const { title, bucket, ask, answers } of QUESTIONS) {
      test(`${of}: ${title}`, async () => {
        const expected = of === 'own' ? answers.own : (answers[of as 'ceph20' | 'ceph16'] ?? answers.own)
        assert.equal(await ask({ client, bucket: `bucket-${bucket}`, key: randomUUID() }), expected)
      })
    }
  }
})
