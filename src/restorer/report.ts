// What a restore did, and what it could not do.
import type { ErrorCode } from '../errors/vault-error.ts'
import type { InodeKind } from '../tree/entry.ts'

/** Problems kept with their text; beyond it they are only counted. */
export const PROBLEMS_KEPT_MAX = 1000

export interface ByteSpan {
  readonly offset: number
  readonly length: number
}

/** One entry that is not, or not wholly, as the snapshot has it. */
export interface RestoreProblem {
  /** Raw bytes, relative to the target; empty for the target itself. */
  readonly path: Uint8Array
  readonly code: ErrorCode
  readonly message: string
  /** Parts of a file that the vault could not give: zeros in a new file, the old bytes in one that existed. */
  readonly missing?: readonly ByteSpan[]
}

/** Counts of one run; in a dry run what a real one would do. */
export interface RestoreReport {
  /** Files made anew, or in place of something else. */
  filesRestored: number
  /** Existing files of which blocks were rewritten. */
  filesUpdated: number
  /** Existing files whose content was right already. */
  filesUnchanged: number
  /** Existing entries that the overwrite mode protects. */
  kept: number
  directories: number
  /** Symlinks, fifos, sockets and devices. */
  others: number
  /** Further names of hard-linked inodes. */
  links: number
  deleted: number
  /** Bytes written into files. Dry run: planned. */
  bytesWritten: number
  /** Sealed bytes of file content asked of the backend. Dry run: planned. */
  bytesFetched: number
  rangesFetched: number
  filesVerified: number
  /** Entries whose owner could not be set, as only root may. */
  ownersRefused: number
  /** Xattrs that only root may set, and were not for that reason alone. */
  xattrsRefused: number
  errorCount: number
  /** The first PROBLEMS_KEPT_MAX. */
  readonly errors: RestoreProblem[]
  warningCount: number
}

export const newReport = (): RestoreReport => ({
  filesRestored: 0, filesUpdated: 0, filesUnchanged: 0, kept: 0, directories: 0, others: 0, links: 0, deleted: 0,
  bytesWritten: 0, bytesFetched: 0, rangesFetched: 0, filesVerified: 0, ownersRefused: 0, xattrsRefused: 0, errorCount: 0, errors: [],
  warningCount: 0,
})

/**
 * What becomes of one name. `create`: made. `replace`: made in place of something else that goes. `update`: content of an
 * existing file is rewritten where it differs. `attributes`: mode, owner or time of what exists are set right. `delete`: goes.
 */
export type RestoreAction = 'create' | 'replace' | 'update' | 'attributes' | 'delete'

/** In a dry run one that would be made. */
export interface RestoreChange {
  readonly action: RestoreAction
  readonly kind: InodeKind
  /** Raw bytes, relative to the target; empty for the target itself. */
  readonly path: Uint8Array
}

/** Something that was not restored as it was, though the entry itself was: a refused xattr, a foreign owner. */
export interface RestoreWarning {
  /** Relative to the target; absent when it concerns the run. */
  readonly path?: Uint8Array
  readonly message: string
}
