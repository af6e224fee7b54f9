// The short forms: what a vault records of its bucket when it is made, and what a machine finds out for itself when it
// comes to a vault through another door. Few requests; an object stays only where it cannot be deleted, and is used again.
import { probeObjectLock, probeVersioning, versioningByUpload } from './bucket-settings.ts'
import type { StorageCapabilities, StorageRecord } from './capabilities.ts'
import { probeDamage, probeStoredChecksum } from './checksums.ts'
import { CONDITION_NAME, probeCondition } from './condition.ts'
import { clientFolder } from './probe-names.ts'
import { ProbeObjects } from './probe-objects.ts'
import type { ProbedBucket } from './probed-bucket.ts'

/** 1 to 4 requests. Throws `storage-unreachable`. */
export async function probeConditionOnly(bucket: ProbedBucket): Promise<StorageRecord> {
  return withProbeObjects(bucket, async (objects) => ({
    ...NOTHING_KNOWN, conditionalPut: (await probeCondition(objects, CONDITION_NAME)).conditionalPut,
  }))
}

/** 6 to 9 requests. Throws `storage-unreachable`. What this key may not find out is `unknown`. */
export async function probeBriefly(bucket: ProbedBucket): Promise<StorageRecord> {
  return withProbeObjects(bucket, async (objects) => {
    const { conditionalPut } = await probeCondition(objects, CONDITION_NAME)
    const versioning = await probeVersioning(bucket)
    const { finding: _lockSeen, ...lock } = await probeObjectLock(bucket)
    if (conditionalPut === 'unknown') return { ...NOTHING_KNOWN, versioning, ...lock }
    return {
      conditionalPut, ...lock,
      versioning: objects.hasWritten(CONDITION_NAME) ? versioningByUpload(versioning, objects.versionOf(CONDITION_NAME)) : versioning,
      checksum: await probeStoredChecksum(bucket, objects.target(CONDITION_NAME)),
      wrongChecksum: (await probeDamage(objects, 'wrong-checksum', 'checksum')).state,
    }
  })
}

const NOTHING_KNOWN: StorageCapabilities = {
  conditionalPut: 'unknown', checksum: 'unknown', wrongChecksum: 'unknown', versioning: 'unknown', objectLock: 'unknown',
}

async function withProbeObjects(
  bucket: ProbedBucket, probe: (objects: ProbeObjects) => Promise<StorageCapabilities>,
): Promise<StorageRecord> {
  const objects = new ProbeObjects(bucket, clientFolder())
  const { endpoint } = await bucket.endpoint()
  try {
    return recordOf(bucket, endpoint, await probe(objects))
  } finally {
    await objects.discard()
  }
}

export const recordOf = (bucket: Pick<ProbedBucket, 'bucket' | 'place'>, endpoint: string, capabilities: StorageCapabilities): StorageRecord =>
  ({ endpoint, bucket: bucket.bucket, probed: new Date(bucket.place.clock.nowMs()).toISOString(), capabilities })
