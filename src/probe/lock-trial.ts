// Whether a lock holds: a probe object is locked for some seconds, GOVERNANCE, and deleting it must fail meanwhile. Only
// when asked for.
import { sleepUnlessInterrupted } from '../backend/failures.ts'
import { finding, type ProbeFinding } from './finding.ts'
import type { ProbeObjects } from './probe-objects.ts'
import type { Answer, ProbedBucket } from './probed-bucket.ts'
import { isDenial, refusalText } from './probed-bucket.ts'

const LOCK_SECONDS = 5

export interface LockAnswers {
  readonly locking: Answer<unknown>
  /** Read back; undefined when it was not locked. */
  readonly readBackMs?: number | undefined
  readonly untilMs: number
  readonly deletion?: Answer<unknown>
}

/** `name` is stored already and not locked by default. Waits until the lock has ended. */
export async function tryLock(bucket: ProbedBucket, objects: ProbeObjects, name: string, versionId: string | undefined): Promise<LockAnswers> {
  const { sdk, client, place } = bucket
  const target = { ...objects.target(name), ...(versionId === undefined ? {} : { VersionId: versionId }) }
  const serverMs = bucket.serverClock.lowerBoundMs() ?? place.clock.nowMs()
  const untilMs = (Math.floor(serverMs / 1000) + LOCK_SECONDS) * 1000
  const lock = new sdk.PutObjectRetentionCommand({
    ...target, Retention: { Mode: 'GOVERNANCE', RetainUntilDate: new Date(untilMs) }, ChecksumAlgorithm: 'SHA256',
  })
  const locking = await bucket.ask((options) => client.send(lock, options))
  if (locking.kind === 'refused') return { locking, untilMs }
  const read = await bucket.ask((options) => client.send(new sdk.GetObjectRetentionCommand(target), options))
  const deletion = await bucket.ask((options) => client.send(new sdk.DeleteObjectCommand(target), options))
  await sleepUnlessInterrupted(place.clock, (LOCK_SECONDS + 1) * 1000, place.signal)
  const readBackMs = read.kind === 'done' ? read.output.Retention?.RetainUntilDate?.getTime() : undefined
  return { locking, readBackMs, untilMs, deletion }
}

export function lockTrialFinding({ locking, readBackMs, untilMs, deletion }: LockAnswers): ProbeFinding {
  const name = 'lock on an object'
  if (locking.kind === 'refused') {
    return finding(name, isDenial(locking) ? 'limited' : 'missing', refusalText(locking), 'this key cannot lock objects')
  }
  if (deletion?.kind === 'done') {
    return finding(name, 'failed', 'a locked object was deleted', 'locks protect nothing on this server')
  }
  if (readBackMs !== untilMs) {
    return finding(name, 'failed', 'the lock reads back as another one', 'do not rely on locks of this server')
  }
  return finding(name, 'ok', `held for ${LOCK_SECONDS} s: deleting is refused`, 'locks hold')
}
