// Whether the server looks at signatures: a wrong one, none, one that has expired.
import { createHash } from 'node:crypto'
import { signFenced } from '../backend/s3/request-hooks.ts'
import { damageVerdict, damagedPut, type DamageVerdict } from './checksums.ts'
import { finding, type ProbeFinding } from './finding.ts'
import type { ProbeObjects, ProbePut } from './probe-objects.ts'
import type { Answer } from './probed-bucket.ts'
import { ProbedBucket, isDenial, refusalText } from './probed-bucket.ts'

/** A LIST by a key of the same name with another secret. */
export async function probeWrongSignature(bucket: ProbedBucket): Promise<ProbeFinding> {
  const { sessionToken, accessKeyId } = await bucket.client.config.credentials()
  const credentials = { accessKeyId, secretAccessKey: 'a secret that is not the right one', ...(sessionToken === undefined ? {} : { sessionToken }) }
  const stranger = await ProbedBucket.open({ ...bucket.place, connection: { ...bucket.place.connection, credentials } })
  try {
    const command = new stranger.sdk.ListObjectsV2Command({ Bucket: bucket.bucket, Prefix: bucket.key(''), MaxKeys: 1 })
    return wrongSignatureFinding(await stranger.ask((options) => stranger.client.send(command, options)))
  } finally {
    bucket.requests += stranger.requests
    stranger.close()
  }
}

export function wrongSignatureFinding(answer: Answer<unknown>): ProbeFinding {
  const name = 'wrong signature refused'
  if (answer.kind === 'done') {
    return finding(name, 'failed', 'accepted', 'anybody who reaches this server can read, overwrite and delete what is there')
  }
  return isDenial(answer)
    ? finding(name, 'ok', refusalText(answer), 'only who has the secret key can use the bucket with it')
    : finding(name, 'unknown', refusalText(answer), 'could not be found out')
}

export interface ExpiryAnswers {
  readonly valid: Answer<unknown>
  readonly expired: Answer<unknown>
  readonly damaged: DamageVerdict
}

/** How long a signature lives here; the expired one was signed twice as long ago. */
const LIFE_SECONDS = 20

/** Snapshots are stored by a PUT whose signature expires (rule 11 of the gc protocol). */
export async function probeExpiry(bucket: ProbedBucket, objects: ProbeObjects): Promise<ExpiryAnswers> {
  const serverMs = bucket.serverClock.lowerBoundMs() ?? bucket.place.clock.nowMs()
  const put = async (name: string, content: ProbePut, ageSeconds: number): Promise<Answer<unknown>> => {
    const [keys, region] = await Promise.all([bucket.client.config.credentials(), bucket.client.config.region()])
    const md5 = createHash('md5').update(content.bytes).digest('base64')
    const command = objects.command(name, { ...content, extra: { ContentMD5: md5 } })
    const fence = { expiresAfterMs: LIFE_SECONDS * 1000, check: () => {} }
    signFenced(command, { fence, keys, region, signedAtMs: serverMs - ageSeconds * 1000, expiresSeconds: LIFE_SECONDS })
    return objects.send(name, command)
  }
  const bytes = Buffer.from('fenced')
  return {
    valid: await put('fenced', { bytes }, 0),
    expired: await put('fenced-late', { bytes }, 2 * LIFE_SECONDS),
    damaged: damageVerdict(await put('fenced-damaged', damagedPut, 0)),
  }
}

function expiredFinding(name: string, expired: Answer<unknown>): ProbeFinding {
  // 412: an earlier probe's object is there, so it was accepted then.
  if (expired.kind === 'done' || expired.status === 412) {
    return finding(name, 'failed', 'accepted after it had expired',
      'a snapshot that was held up on its way may appear late: do not prune while another machine backs up')
  }
  return isDenial(expired) || expired.status === 400
    ? finding(name, 'ok', `refused once expired: ${refusalText(expired)}`, 'a snapshot is stored in time or not at all')
    : finding(name, 'unknown', refusalText(expired), 'could not be found out')
}

export function expiryFindings({ valid, expired, damaged }: ExpiryAnswers): ProbeFinding[] {
  const name = 'expiring signature'
  if (valid.kind === 'refused' && valid.status !== 412) {
    return [finding(name, 'missing', `refused while valid: ${refusalText(valid)}`,
      'snapshots are stored this way, so that none appears after its time: no backup can end', 'required')]
  }
  return [
    expiredFinding(name, expired),
    damaged.state === 'refused'
      ? finding('damaged snapshot refused', 'ok', damaged.seen, 'also what is stored by an expiring signature is verified')
      : finding('damaged snapshot refused', damaged.state === 'accepted' ? 'limited' : 'unknown', damaged.seen,
        'a snapshot that breaks on its way may be stored; check names it, and the next backup replaces it'),
  ]
}
