// Whether the server looks at the digests that come with an object, and keeps its checksum.
import type { StorageCapabilities } from './capabilities.ts'
import { finding, type ProbeFinding } from './finding.ts'
import type { ProbeObjects, ProbePut } from './probe-objects.ts'
import type { Answer, ProbedBucket } from './probed-bucket.ts'
import { refusalText } from './probed-bucket.ts'

/** Asks for the checksum of an object that was stored with one. */
export async function probeStoredChecksum(
  bucket: ProbedBucket, target: { Bucket: string; Key: string },
): Promise<StorageCapabilities['checksum']> {
  const answer = await bucket.ask((options) =>
    bucket.client.send(new bucket.sdk.HeadObjectCommand({ ...target, ChecksumMode: 'ENABLED' }), options))
  if (answer.kind === 'refused') return 'unknown'
  return answer.output.ChecksumSHA256 === undefined ? 'absent' : 'returned'
}

export function checksumFinding(checksum: StorageCapabilities['checksum']): ProbeFinding {
  const name = 'SHA-256 kept'
  if (checksum === 'returned') {
    return finding(name, 'ok', 'HEAD returns the checksum of the upload', 'an upload whose answer was lost is recognised by one HEAD')
  }
  const means = 'an upload whose answer was lost is read back to recognise it'
  return finding(name, checksum === 'absent' ? 'limited' : 'unknown', 'HEAD returns no checksum', means)
}

const BYTES = Buffer.from('what the digests describe')
/** Of the same length, or the server would refuse it for that. */
const DAMAGED = Buffer.from('What the digests describe')

export interface DamageVerdict {
  readonly state: 'refused' | 'accepted' | 'unknown'
  readonly seen: string
}

/** A refusal of 412 says that an earlier probe's object is there: it was accepted then. */
export function damageVerdict(answer: Answer<unknown>): DamageVerdict {
  if (answer.kind === 'done') return { state: 'accepted', seen: 'accepted' }
  if (answer.status === 412) return { state: 'accepted', seen: 'accepted in an earlier probe' }
  const isRefusal = answer.status === 400 || answer.status === 422
  return { state: isRefusal ? 'refused' : 'unknown', seen: refusalText(answer) }
}

/** A PUT whose digests describe other bytes than it sends. */
export async function probeDamage(objects: ProbeObjects, name: string, digests: NonNullable<ProbePut['digests']>): Promise<DamageVerdict> {
  return damageVerdict(await objects.put(name, { bytes: BYTES, sent: DAMAGED, digests }))
}

export function damageFindings(checksum: DamageVerdict, upload: DamageVerdict): ProbeFinding[] {
  return [
    checksum.state === 'refused'
      ? finding('wrong SHA-256 refused', 'ok', checksum.seen, 'the server verifies the checksum of every object before it keeps it')
      : finding('wrong SHA-256 refused', checksum.state === 'accepted' ? 'limited' : 'unknown', checksum.seen,
        "the server does not look at the checksum header; the signature's digest must do (next line)"),
    upload.state === 'refused'
      ? finding('damaged upload refused', 'ok', upload.seen, 'what breaks on its way is not stored')
      : finding('damaged upload refused', upload.state === 'accepted' ? 'failed' : 'unknown', upload.seen,
        'what breaks on its way may be stored: run check --read-data after backups', 'required'),
  ]
}

/** For the fenced PUT of a snapshot, see signatures.ts. */
export const damagedPut: ProbePut = { bytes: BYTES, sent: DAMAGED }
