// Which storage classes the server takes. Only when asked for: Amazon bills each object for a minimum time.
import { finding, type ProbeFinding } from './finding.ts'
import type { ProbeObjects } from './probe-objects.ts'
import type { ProbedBucket } from './probed-bucket.ts'
import { refusalText } from './probed-bucket.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html; minimum days that are billed. */
const CLASSES = [
  { name: 'STANDARD_IA', days: 30 }, { name: 'ONEZONE_IA', days: 30 }, { name: 'INTELLIGENT_TIERING', days: 0 },
  { name: 'GLACIER_IR', days: 90 }, { name: 'GLACIER', days: 90 }, { name: 'DEEP_ARCHIVE', days: 180 },
] as const

export interface ClassVerdict {
  readonly name: string
  /** As HEAD names it; servers leave STANDARD out. */
  readonly storedAs?: string
  /** When it was not taken. */
  readonly refusal?: string
}

export async function probeStorageClasses(bucket: ProbedBucket, objects: ProbeObjects): Promise<ClassVerdict[]> {
  const verdicts: ClassVerdict[] = []
  for (const { name } of CLASSES) {
    const objectName = `class-${name}`
    const put = await objects.put(objectName, { bytes: Buffer.from(name), extra: { StorageClass: name } })
    if (put.kind === 'refused' && put.status !== 412) {
      verdicts.push({ name, refusal: refusalText(put) })
      continue
    }
    const head = await bucket.ask((options) =>
      bucket.client.send(new bucket.sdk.HeadObjectCommand(objects.target(objectName)), options))
    verdicts.push(head.kind === 'done'
      ? { name, storedAs: head.output.StorageClass ?? 'STANDARD' }
      : { name, refusal: refusalText(head) })
  }
  return verdicts
}

export function storageClassFinding(verdicts: readonly ClassVerdict[]): ProbeFinding {
  const taken = verdicts.filter(({ name, storedAs }) => storedAs === name).map(({ name }) => name)
  const others = verdicts.filter(({ name, storedAs }) => storedAs !== name)
    .map(({ name, storedAs, refusal }) => `${name} ${storedAs === undefined ? `refused (${refusal ?? ''})` : `stored as ${storedAs}`}`)
  const seen = [taken.length === 0 ? 'none but STANDARD' : taken.join(', '), ...others].join('; ')
  return finding('storage classes', taken.length === 0 ? 'limited' : 'ok', seen,
    `data could be kept cheaper in those; Amazon bills at least ${CLASSES.filter(({ days }) => days > 0)
      .map(({ name, days }) => `${days} days for ${name}`).join(', ')}`)
}
