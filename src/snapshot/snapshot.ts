// A snapshot: the commit of a backup. One sealed object at snapshots/<server time>-<sha256 of its bytes>; it is written
// last, and while it exists everything it names must be kept.
import { createHash } from 'node:crypto'
import type { RandomSource } from '../async/random.ts'
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { VaultError } from '../errors/vault-error.ts'
import { blobId, fromHex, objectName, snapshotId, type BlobId, type ObjectName, type SnapshotId } from '../ids/ids.ts'
import { SMALL_OBJECT_BYTES_MAX } from '../limits/limits.ts'

export const SNAPSHOT_PREFIX = 'snapshots/'
const SNAPSHOT_VERSION = 1

/** Counts of one backup run, as shown to people. */
export interface BackupSummary {
  readonly files: number
  readonly directories: number
  readonly others: number
  /** Logical bytes of all files. */
  readonly bytes: number
  readonly filesNew: number
  readonly filesChanged: number
  readonly filesUnmodified: number
  /** Bytes read from the source. */
  readonly bytesRead: number
  readonly dataBlobsAdded: number
  readonly metadataBlobsAdded: number
  /** Plain bytes of the blobs added. */
  readonly bytesAdded: number
  /** Bytes that packs grew by. */
  readonly bytesStored: number
  readonly errors: number
  readonly durationMs: number
}

export interface Snapshot {
  readonly version: number
  /** Client's wall clock, ISO 8601. For people. */
  readonly time: string
  readonly host: string
  readonly user: string
  /** Absolute source paths; bytes that are not UTF-8 as \xNN, a backslash as \\. */
  readonly paths: readonly string[]
  readonly tags: readonly string[]
  readonly program: string
  /** Root directory, hex blob id. */
  readonly tree: string
  /** Link table, hex blob id. */
  readonly links?: string
  /** The newest snapshot of the same host and paths when this one was made: a gap in the chain is a deleted snapshot. */
  readonly previous?: string
  /** SHA-256 over the ascending ids of all snapshots visible at commit, and their number. */
  readonly visible: { readonly count: number; readonly digest: string }
  readonly summary?: BackupSummary
}

/** A snapshot with what its name says. */
export interface StoredSnapshot extends Snapshot {
  readonly id: SnapshotId
  readonly name: ObjectName
  /** Server time at commit, from the name: `20261127T063237Z`. */
  readonly serverTime: string
}

export const treeOf = (snapshot: Snapshot): BlobId => blobId(fromHex(snapshot.tree))
export const linksOf = (snapshot: Snapshot): BlobId | undefined =>
  snapshot.links === undefined ? undefined : blobId(fromHex(snapshot.links))

/** `20261127T063237Z`: sorts by time, and is a sound object name. */
export function nameTime(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]/g, '').replace(/\.\d+Z$/, 'Z')
}

export function parseSnapshotName(name: string): { serverTime: string; id: SnapshotId } | undefined {
  const match = /^snapshots\/(\d{8}T\d{6}Z)-([0-9a-f]{64})$/.exec(name)
  if (match?.[1] === undefined || match[2] === undefined) return undefined
  return { serverTime: match[1], id: snapshotId(match[2]) }
}

/** Digest of a set of snapshot ids, for `visible`. */
export function visibleDigest(ids: readonly SnapshotId[]): { count: number; digest: string } {
  const hash = createHash('sha256')
  for (const id of [...ids].sort()) hash.update(id)
  return { count: ids.length, digest: hash.digest('hex') }
}

export function sealSnapshot(
  keys: Keyring, random: RandomSource, snapshot: Snapshot, serverTimeMs: number,
): { stored: StoredSnapshot; bytes: Uint8Array } {
  const serverTime = nameTime(serverTimeMs)
  const plain = new TextEncoder().encode(JSON.stringify(snapshot))
  const bytes = sealEnvelope(keys, random, 'snapshot', serverTime, plain)
  const id = snapshotId(createHash('sha256').update(bytes).digest('hex'))
  const name = objectName(`${SNAPSHOT_PREFIX}${serverTime}-${id}`)
  return { stored: { ...snapshot, id, name, serverTime }, bytes }
}

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
const isHexId = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)

function isSnapshot(value: unknown): value is Snapshot {
  if (typeof value !== 'object' || value === null) return false
  const s = value as Partial<Record<keyof Snapshot, unknown>>
  const visible = s.visible as { count?: unknown; digest?: unknown } | undefined
  return (
    typeof s.time === 'string' && Number.isFinite(Date.parse(s.time)) &&
    typeof s.host === 'string' && typeof s.user === 'string' && typeof s.program === 'string' &&
    isStrings(s.paths) && isStrings(s.tags) && isHexId(s.tree) &&
    (s.links === undefined || isHexId(s.links)) && (s.previous === undefined || isHexId(s.previous)) &&
    typeof visible === 'object' && visible !== null && Number.isInteger(visible.count) && isHexId(visible.digest)
  )
}

/** Verifies name and seal, and decodes. Throws `vault-damaged` or `vault-newer`. */
export function openSnapshot(keys: Keyring, name: ObjectName, bytes: Uint8Array): StoredSnapshot {
  const parsed = parseSnapshotName(name)
  if (!parsed) throw new VaultError('vault-damaged', `${name}: not a snapshot's name`)
  const title = `snapshot ${parsed.id.slice(0, 8)}`
  if (bytes.length > SMALL_OBJECT_BYTES_MAX || createHash('sha256').update(bytes).digest('hex') !== parsed.id) {
    throw new VaultError('vault-damaged', `${title}: its bytes do not hash to its name`)
  }
  const plain = openEnvelope(keys, 'snapshot', parsed.serverTime, bytes, title)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(plain))
  } catch (cause) {
    throw new VaultError('vault-damaged', `${title}: not JSON`, { cause })
  }
  const version = typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined
  if (typeof version === 'number' && version > SNAPSHOT_VERSION) {
    throw new VaultError('vault-newer', `${title}: version ${version}`, { hint: 'use a newer s3vault' })
  }
  if (!isSnapshot(value)) throw new VaultError('vault-damaged', `${title}: fields missing or malformed`)
  return { ...value, id: parsed.id, name, serverTime: parsed.serverTime }
}

export const currentSnapshotVersion = SNAPSHOT_VERSION
