// The requests that a vault consists of, one by one: may they be made, and do they do what they must?
import type { ListObjectsV2CommandInput } from '@aws-sdk/client-s3'
import { collectBody } from '../backend/s3/body.ts'
import { finding, type ProbeFinding } from './finding.ts'
import type { ProbeObjects } from './probe-objects.ts'
import type { Answer, ProbedBucket, Refusal } from './probed-bucket.ts'
import { isDenial, refusalText } from './probed-bucket.ts'

const REQUIRED_RIGHT = (action: string): string => `no vault works without it: allow ${action} to this key`

function refused(name: string, refusal: Refusal, action: string): ProbeFinding {
  const means = isDenial(refusal) ? REQUIRED_RIGHT(action) : 'no vault works on a server that does not do this'
  return finding(name, 'missing', refusalText(refusal), means, 'required')
}

type Listing = Answer<{ readonly Contents?: readonly { readonly Key?: string | undefined }[] | undefined }>

const list = (bucket: ProbedBucket, input: Omit<ListObjectsV2CommandInput, 'Bucket'>): Promise<Listing> =>
  bucket.ask((options) => bucket.client.send(new bucket.sdk.ListObjectsV2Command({ Bucket: bucket.bucket, ...input }), options))

/** LIST of one name: the first request that asks for a right on the bucket. */
export async function probeListing(bucket: ProbedBucket): Promise<ProbeFinding> {
  const answer = await list(bucket, { Prefix: bucket.key(''), MaxKeys: 1 })
  if (answer.kind === 'refused') return refused('LIST', answer, 's3:ListBucket')
  const isEmpty = (answer.output.Contents ?? []).length === 0
  return finding('LIST', 'ok', `allowed; ${isEmpty ? 'nothing is stored there' : 'something is stored there'}`,
    'the vault can be found and read', 'required')
}

/** `names` are stored in `objects`, in ascending order: a listing that starts after the first must show the others. */
export async function probeStartAfter(bucket: ProbedBucket, objects: ProbeObjects, names: readonly string[]): Promise<ProbeFinding> {
  const [first = '', ...others] = names
  const answer = await list(bucket, { Prefix: bucket.key(objects.folder), StartAfter: objects.key(first) })
  if (answer.kind === 'refused') return refused('LIST from a name on', answer, 's3:ListBucket')
  const keys = (answer.output.Contents ?? []).map(({ Key }) => Key ?? '')
  return startAfterFinding(keys, objects.key(first), others.map((name) => objects.key(name)))
}

export function startAfterFinding(keys: readonly string[], first: string, expected: readonly string[]): ProbeFinding {
  const name = 'LIST from a name on'
  const isSorted = keys.every((key, index) => index === 0 || key > (keys[index - 1] ?? ''))
  const isWhole = expected.every((key) => keys.includes(key))
  if (!isSorted || !isWhole) {
    return finding(name, 'failed', isSorted ? 'objects just stored are not listed' : 'names come out of order',
      'a backup cannot rely on such a listing: it would miss snapshots and other writers', 'required')
  }
  return keys.some((key) => key <= first)
    ? finding(name, 'failed', 'start-after is ignored', 'listings would never end, or repeat', 'required')
    : finding(name, 'ok', 'start-after works, what was just stored is listed, in order', 'few requests find what is new', 'required')
}

export const putFinding = (answer: Answer<unknown>): ProbeFinding =>
  answer.kind === 'done' || answer.status === 412
    ? finding('PUT', 'ok', 'allowed', 'backups can be stored', 'required')
    : refused('PUT', answer, 's3:PutObject')

interface Reading {
  readonly name: string
  readonly range?: string
  readonly expected: string
  readonly means: string
}

const PROBE_TEXT = 'abcdefghijklmnopqrstuvwxyz'

const READINGS: readonly Reading[] = [
  { name: 'GET', expected: PROBE_TEXT, means: 'what was stored comes back' },
  { name: 'GET of a range', range: 'bytes=3-6', expected: 'defg', means: 'single files can be read out of a pack' },
  { name: 'GET of the last bytes', range: 'bytes=-4', expected: 'wxyz', means: "a pack's directory can be read without its data" },
]

export const readingText: Uint8Array = Buffer.from(PROBE_TEXT)

/** GET whole and in parts, and HEAD, of an object that holds `readingText`. */
export async function probeReading(bucket: ProbedBucket, target: { Bucket: string; Key: string }): Promise<ProbeFinding[]> {
  const findings: ProbeFinding[] = []
  for (const reading of READINGS) findings.push(await probeGet(bucket, target, reading))
  const head = await bucket.ask((options) => bucket.client.send(new bucket.sdk.HeadObjectCommand(target), options))
  findings.push(headFinding(head))
  return findings
}

async function probeGet(bucket: ProbedBucket, target: { Bucket: string; Key: string }, reading: Reading): Promise<ProbeFinding> {
  const input = { ...target, ...(reading.range === undefined ? {} : { Range: reading.range }) }
  const answer = await bucket.ask(async (options) => {
    const { Body, ContentLength } = await bucket.client.send(new bucket.sdk.GetObjectCommand(input), options)
    return collectBody(Body as AsyncIterable<Uint8Array>, ContentLength ?? 0, bucket.location)
  })
  if (answer.kind === 'refused') return refused(reading.name, answer, 's3:GetObject')
  return readingFinding(reading, Buffer.from(answer.output).toString('latin1'))
}

export function readingFinding({ name, expected, means }: Omit<Reading, 'range'>, got: string): ProbeFinding {
  if (got === expected) return finding(name, 'ok', 'the right bytes', means, 'required')
  const seen = got === PROBE_TEXT ? 'the range is ignored: the whole object comes' : `${got.length} other bytes come`
  return finding(name, 'failed', seen, 'nothing could be restored from such a server', 'required')
}

function headFinding(answer: Answer<{ readonly ContentLength?: number | undefined; readonly LastModified?: Date | undefined }>): ProbeFinding {
  if (answer.kind === 'refused') return refused('HEAD', answer, 's3:GetObject')
  const { ContentLength, LastModified } = answer.output
  return ContentLength === readingText.length && LastModified !== undefined
    ? finding('HEAD', 'ok', 'size and time', 'objects can be looked up', 'required')
    : finding('HEAD', 'failed', 'size or time is missing or wrong', 's3vault needs both', 'required')
}

/** What deleting an object came to. */
export interface Deletion {
  readonly plain: Answer<{ readonly DeleteMarker?: boolean | undefined }>
  /** In a versioned bucket. */
  readonly version?: Answer<unknown>
  /** True when nothing of the object is left. */
  readonly isGone: boolean
}

/** Deletes the object as a later prune would, and in a versioned bucket also the version itself. */
export async function probeDeletion(bucket: ProbedBucket, objects: ProbeObjects, name: string, versionId: string | undefined): Promise<Deletion> {
  const remove = (id: string | undefined): Promise<Answer<{ DeleteMarker?: boolean | undefined; VersionId?: string | undefined }>> =>
    bucket.ask((options) => bucket.client.send(
      new bucket.sdk.DeleteObjectCommand({ ...objects.target(name), ...(id === undefined ? {} : { VersionId: id }) }), options))
  const plain = await remove(undefined)
  if (plain.kind === 'done' && plain.output.DeleteMarker === true) objects.alsoWritten(name, plain.output.VersionId)
  if (versionId === undefined) {
    if (plain.kind === 'done') objects.forget(name)
    return { plain, isGone: plain.kind === 'done' }
  }
  const version = await remove(versionId)
  return { plain, version, isGone: version.kind === 'done' }
}

/** A PUT without condition over an object of these bytes, in a bucket that keeps no versions. */
export async function probeOverwriting(objects: ProbeObjects, name: string, deletion: Deletion): Promise<ProbeFinding> {
  return overwritingFinding(await objects.put(name, { bytes: readingText, condition: 'none' }), deletion.plain.kind === 'done')
}

export function overwritingFinding(answer: Answer<unknown>, mayDelete: boolean): ProbeFinding {
  const name = 'overwriting'
  if (answer.kind === 'refused') {
    return finding(name, 'ok', refusalText(answer), 'this key can make new objects only: what is stored cannot be changed with it')
  }
  return mayDelete
    ? finding(name, 'ok', 'allowed without a condition', 's3vault never does it; whoever steals this key can')
    : finding(name, 'limited', 'allowed without a condition',
      'this key cannot delete, but whoever steals it can overwrite everything: enable versioning, or demand conditional writes by a bucket policy')
}

export function deletionFindings({ plain, version }: Deletion): ProbeFinding[] {
  const findings = [plain.kind === 'done'
    ? finding('DELETE', 'ok', plain.output.DeleteMarker === true ? 'allowed; leaves a delete marker' : 'allowed',
      'objects can be removed with this key: by a later prune, and by whoever steals it')
    : finding('DELETE', 'limited', refusalText(plain),
      'this key can back up and restore, and not delete: good for a machine that backs up, not for a prune')]
  if (version === undefined) return findings
  findings.push(version.kind === 'done'
    ? finding('DELETE of a version', 'ok', 'allowed', 'what is deleted can be deleted for good with this key')
    : finding('DELETE of a version', 'limited', refusalText(version),
      'what is deleted or overwritten with this key can be brought back from its older version'))
  return findings
}
