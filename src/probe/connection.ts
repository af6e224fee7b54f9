// The way to the bucket: key, server, region, clock, form of the address.
import type { EndpointInUse } from '../backend/s3/endpoint.ts'
import { isVaultError } from '../errors/vault-error.ts'
import { finding, type ProbeFinding } from './finding.ts'
import type { Answer, Refusal } from './probed-bucket.ts'
import { ProbedBucket, refusalText } from './probed-bucket.ts'

/** Words for the SDK's marks of where credentials came from. The first that fits counts. */
const SOURCES: readonly (readonly [mark: RegExp, source: string])[] = [
  [/SSO/, 'a single sign-on session'],
  [/PROCESS/, 'a credential process of the profile'],
  [/WEB_ID/, 'a web identity token'],
  [/ASSUME_ROLE/, 'an assumed role'],
  [/PROFILE/, 'a profile'],
  [/ENV_VARS/, 'the environment'],
  [/HTTP/, 'the container'],
  [/IMDS/, 'the machine'],
  [/LOGIN/, 'an AWS login session'],
]

export function credentialSource(marks: Readonly<Record<string, unknown>> | undefined): string {
  const all = Object.keys(marks ?? {}).join(' ')
  return SOURCES.find(([mark]) => mark.test(all))?.[1] ?? 'the AWS settings'
}

/** What a key is called in print: its last characters, as consoles show them. */
export const shortKey = (accessKeyId: string): string => `…${accessKeyId.slice(-4)}`

/** Codes of a server that does not accept the key itself. */
const KEY_REFUSED: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: 'the server does not know this key: check the key and the endpoint',
  SignatureDoesNotMatch: 'the secret key does not fit the access key',
  ExpiredToken: 'the temporary credentials have expired: get new ones',
  InvalidToken: 'the session token does not fit the key: get new temporary credentials',
  RequestTimeTooSkewed: "this machine's clock is too wrong for the server: set it right",
}

/** True when nothing else can be learnt with this key. */
export const isKeyRefused = (answer: Answer<unknown>): boolean => answer.kind === 'refused' && answer.code in KEY_REFUSED

export function credentialsFinding(key: string, source: string, listing: Answer<unknown>): ProbeFinding {
  if (listing.kind === 'refused' && listing.code in KEY_REFUSED) {
    return finding('credentials', 'missing', `key ${key} from ${source}: ${refusalText(listing)}`, KEY_REFUSED[listing.code] ?? '', 'required')
  }
  return finding('credentials', 'ok', `key ${key} from ${source}`, 'the server knows this key', 'required')
}

export function endpointFinding({ endpoint }: EndpointInUse): ProbeFinding {
  const { protocol, hostname } = new URL(endpoint)
  const isHere = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
  return protocol === 'https:' || isHere
    ? finding('endpoint', 'ok', endpoint, 'the server answers', 'required')
    : finding('endpoint', 'limited', `${endpoint}, not encrypted`,
      'who listens on the line sees names and sizes of objects, not their contents; better use https', 'required')
}

export interface RegionReading {
  /** What requests were signed for; undefined when none is set. */
  readonly signed: string | undefined
  /** Where the server says that the bucket lies. */
  readonly actual: string | undefined
  /** Whether the key was accepted, and with it the region. */
  readonly isAccepted: boolean
}

export function regionFinding({ signed, actual, isAccepted }: RegionReading): ProbeFinding {
  if (signed === undefined) {
    return finding('region', 'missing', `none is set${actual === undefined ? '' : `; the bucket lies in ${actual}`}`,
      actual === undefined ? 'give --s3-region' : `give --s3-region ${actual}, or set AWS_REGION`, 'required')
  }
  if (actual === undefined) {
    return isAccepted
      ? finding('region', 'ok', `${signed} is accepted; the server names none`, 'requests are signed right', 'required')
      : finding('region', 'unknown', `${signed}; the server names none`, 'it shows when the key is accepted', 'required')
  }
  return actual === signed
    ? finding('region', 'ok', actual, 'requests go to where the bucket lies', 'required')
    : finding('region', 'missing', `the bucket lies in ${actual}, requests are made for ${signed}`, `give --s3-region ${actual}, or set AWS_REGION`, 'required')
}

export function bucketMissing({ status, code }: Refusal): ProbeFinding | undefined {
  return code === 'NoSuchBucket' || status === 404
    ? finding('bucket', 'missing', 'there is no such bucket', 'create it first, or check its name and the endpoint', 'required')
    : undefined
}

const SKEW_MS_OK = 60_000
/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html: RequestTimeTooSkewed. */
const SKEW_MS_REFUSED = 15 * 60_000

/** `8 s behind the server`. */
export function skewText(skewMs: number, other: string): string {
  const seconds = Math.round(Math.abs(skewMs) / 1000)
  return seconds <= 2 ? `as ${other} has it` : `${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} ${other}`
}

/** `serverMs`: the Date of an answer that arrived at `hereMs`. */
export function clockFinding(serverMs: number | undefined, hereMs: number): ProbeFinding {
  if (serverMs === undefined) {
    return finding('clock', 'failed', "the server's answers carry no Date", 's3vault tells time by it', 'required')
  }
  const skewMs = hereMs - serverMs
  const seen = skewText(skewMs, 'the server')
  if (Math.abs(skewMs) < SKEW_MS_OK) return finding('clock', 'ok', seen, 'signatures are accepted')
  return finding('clock', 'limited', seen, Math.abs(skewMs) < SKEW_MS_REFUSED
    ? "set this machine's clock right; s3vault goes by the server's where it matters"
    : "the server refuses this clock; s3vault goes by the server's, but set it right: other programs cannot")
}

/** Tries the other form of address too. IP addresses have no room for a bucket's name in them. */
export async function probeAddressing(bucket: ProbedBucket, { endpoint, addressing }: EndpointInUse): Promise<ProbeFinding> {
  const { hostname } = new URL(endpoint)
  if (/^[\d.]+$|^\[/.test(hostname)) return addressingFinding(addressing, 'not tried, the endpoint is an IP address')
  const { connection } = bucket.place
  const other = await ProbedBucket.open({ ...bucket.place, connection: { ...connection, forcePathStyle: addressing !== 'path' } })
  try {
    const command = new other.sdk.ListObjectsV2Command({ Bucket: bucket.bucket, Prefix: bucket.key(''), MaxKeys: 1 })
    const answer = await other.ask((options) => other.client.send(command, options), 1)
    return addressingFinding(addressing, answer.kind === 'done' ? 'works' : `refused (${refusalText(answer)})`)
  } catch (error) {
    if (!isVaultError(error, 'storage-unreachable', 'storage-refused')) throw error
    return addressingFinding(addressing, 'has no address that answers')
  } finally {
    bucket.requests += other.requests
    other.close()
  }
}

export function addressingFinding(used: EndpointInUse['addressing'], other: string): ProbeFinding {
  const [here, there] = used === 'path' ? ['in the path', 'in the host name'] : ['in the host name', 'in the path']
  return finding('bucket in the address', 'ok', `${here}: works; ${there}: ${other}`, `s3vault uses the first${
    used === 'path' ? '; an endpoint set by the AWS profile instead of the flag uses the second' : ''}`)
}
