// What a bucket can do, as it is recorded in a vault's config at init and remembered by each machine. Every field was
// probed; what could not be found out is `unknown` and treated as absent.

export interface DefaultRetention {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE'
  readonly days: number
}

export interface StorageCapabilities {
  /** `If-None-Match: *` on a PUT to a name that is taken. */
  readonly conditionalPut: 'honoured' | 'ignored' | 'unknown'
  /** The SHA-256 that came with a PUT, asked for by HEAD. */
  readonly checksum: 'returned' | 'absent' | 'unknown'
  /** A PUT whose SHA-256 header does not fit its body. */
  readonly wrongChecksum: 'refused' | 'accepted' | 'unknown'
  readonly versioning: 'off' | 'enabled' | 'suspended' | 'unknown'
  readonly objectLock: 'off' | 'enabled' | 'unknown'
  /** Of the bucket, for every new object. */
  readonly defaultRetention?: DefaultRetention
}

/** Which bucket of which server had which capabilities, and when. */
export interface StorageRecord {
  /** `https://host[:port]`; the one that requests went to. */
  readonly endpoint: string
  readonly bucket: string
  /** ISO 8601, of the probing machine: for people only. */
  readonly probed: string
  readonly capabilities: StorageCapabilities
}

const WORDS: { readonly [Name in Exclude<keyof StorageCapabilities, 'defaultRetention'>]: readonly StorageCapabilities[Name][] } = {
  conditionalPut: ['honoured', 'ignored'],
  checksum: ['returned', 'absent'],
  wrongChecksum: ['refused', 'accepted'],
  versioning: ['off', 'enabled', 'suspended'],
  objectLock: ['off', 'enabled'],
}
const NAMES = Object.keys(WORDS) as (keyof typeof WORDS)[]

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null

function parseRetention(value: unknown): DefaultRetention | undefined {
  if (!isObject(value)) return undefined
  const { mode, days } = value
  if ((mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') || typeof days !== 'number') return undefined
  return { mode, days }
}

function parseCapabilities(value: unknown): StorageCapabilities {
  const fields = isObject(value) ? value : {}
  const word = <Name extends keyof typeof WORDS>(name: Name): StorageCapabilities[Name] | 'unknown' =>
    WORDS[name].find((known) => known === fields[name]) ?? 'unknown'
  const defaultRetention = parseRetention(fields['defaultRetention'])
  return {
    conditionalPut: word('conditionalPut'), checksum: word('checksum'), wrongChecksum: word('wrongChecksum'),
    versioning: word('versioning'), objectLock: word('objectLock'),
    ...(defaultRetention === undefined ? {} : { defaultRetention }),
  }
}

/** A record as JSON brings it; undefined for what is none. Words of a later version count as `unknown`. */
export function parseStorageRecord(value: unknown): StorageRecord | undefined {
  if (!isObject(value)) return undefined
  const { endpoint, bucket, probed } = value
  if (typeof endpoint !== 'string' || typeof bucket !== 'string' || typeof probed !== 'string') return undefined
  return { endpoint, bucket, probed, capabilities: parseCapabilities(value['capabilities']) }
}

export const isSamePlace = (a: Pick<StorageRecord, 'endpoint' | 'bucket'>, b: Pick<StorageRecord, 'endpoint' | 'bucket'>): boolean =>
  a.endpoint === b.endpoint && a.bucket === b.bucket

export interface CapabilityDifference {
  readonly name: string
  readonly recorded: string
  readonly now: string
}

/** What was probed both times and is not the same any more. */
export function capabilityDifferences(recorded: StorageCapabilities, now: StorageCapabilities): CapabilityDifference[] {
  const differences: CapabilityDifference[] = []
  for (const name of NAMES) {
    const words = { name, recorded: recorded[name], now: now[name] }
    if (words.recorded !== words.now && words.recorded !== 'unknown' && words.now !== 'unknown') differences.push(words)
  }
  const retention = ({ objectLock, defaultRetention }: StorageCapabilities): string =>
    objectLock === 'unknown' ? 'unknown' : defaultRetention === undefined ? 'none' : retentionText(defaultRetention)
  const [before, after] = [retention(recorded), retention(now)]
  if (before !== after && before !== 'unknown' && after !== 'unknown') {
    differences.push({ name: 'defaultRetention', recorded: before, now: after })
  }
  return differences
}

export const retentionText = ({ mode, days }: DefaultRetention): string => `${mode} for ${days} ${days === 1 ? 'day' : 'days'}`
