// What a check finds, as plain values that can be printed, serialised and tested.

/** `error`: something is lost, changed or missing. `note`: nothing is lost, but a person may want to know. */
export type Severity = 'error' | 'note'

export type FindingKind =
  | 'slot-damaged' // a key slot cannot open anything any more
  | 'slot-foreign' // note: a key slot of another vault, remains of an interrupted init
  | 'recovery-slot-missing' // note: no recovery key can open the vault
  | 'segment-damaged'
  | 'segments-contradict' // two index segments describe one pack differently
  | 'segment-superseded' // note
  | 'pack-missing' // an index segment names it
  | 'pack-condemned' // note: gone or going, prune has decided so
  | 'pack-size' // not as long as the index says
  | 'pack-hash' // its bytes do not hash to its name
  | 'pack-directory' // its own directory is unreadable or differs from the index
  | 'pack-blobs' // blobs in it do not open, decompress or match their ids
  | 'pack-archived' // note: in an archive class, so its content was not read
  | 'pack-unindexed' // note: remains of an interrupted run, or of one that is under way
  | 'index-incomplete' // an unindexed pack holds blobs that snapshots need
  | 'blobs-missing' // snapshots need blobs that are nowhere
  | 'metadata-malformed' // authentic, but not decodable: a bug or a newer format
  | 'snapshot-damaged'
  | 'snapshot-gone'
  | 'content-size' // a file's content list does not add up to its size
  | 'link-missing' // a name refers to a hard-link record that is not there
  | 'link-count' // note: more names than a record counts
  | 'protocol-object-damaged' // session, pin or gc object
  | 'object-unknown' // note
  | 'probe-objects' // note: remains of probes of the storage

/** What a finding costs: the snapshots and files that cannot be restored whole because of it. */
export interface Hurts {
  /** Ids, oldest first. */
  readonly snapshots: readonly string[]
  /** Distinct paths in these snapshots (as pathText; a directory that is lost with all below it ends in `/`). */
  readonly paths: readonly string[]
  /** How many more paths there are. */
  readonly more: number
}

export interface Finding {
  readonly severity: Severity
  readonly kind: FindingKind
  /** Name of the object that is concerned. */
  readonly object: string
  /** One line. */
  readonly message: string
  /** Present when something that is damaged or missing is needed by a snapshot. */
  readonly hurts?: Hurts
  readonly hint?: string
}
