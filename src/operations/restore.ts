// Copies what a snapshot has back into a directory.
import { availableParallelism } from 'node:os'
import { PatternList } from '../archiver/selection.ts'
import { findSnapshot } from '../repository/snapshots.ts'
import type { OverwriteMode } from '../restorer/decision.ts'
import type { RestoreReport } from '../restorer/report.ts'
import { restore as restoreTree } from '../restorer/restore.ts'
import type { Selection } from '../restorer/selection.ts'
import type { RestoreRoot } from '../restorer/tree-restore.ts'
import { pathText } from '../snapshot/path-text.ts'
import { linksOf, treeOf, type StoredSnapshot } from '../snapshot/snapshot.ts'
import { locate, splitPath, type Located } from '../tree/tree-path.ts'
import type { EventSink } from './events.ts'
import { withVault, type OpenedVault, type VaultAccess } from './vault-access.ts'

export interface RestoreRequest extends VaultAccess {
  /** An id prefix, `latest` or `latest~N`. */
  readonly snapshot: string
  /** A directory, whose content is restored, or one other entry; default the whole snapshot. Raw bytes. */
  readonly path?: Uint8Array
  /** Absolute, raw bytes. */
  readonly target: Uint8Array
  /** Patterns on paths as the snapshot has them (src/archiver/selection.ts). None: everything. */
  readonly includes: readonly string[]
  readonly excludes: readonly string[]
  /** What becomes of what the target has and the snapshot has not. */
  readonly extra: 'keep' | 'delete'
  readonly verify: 'no' | 'yes'
  readonly mode: 'write' | 'dry-run'
  readonly overwrite: OverwriteMode
  readonly events: EventSink
  /** Worker threads; default one a processor, at most 8. */
  readonly threads?: number
}

export interface RestoreResult extends Omit<RestoreReport, 'errors'> {
  readonly snapshot: string
  /** Entries that were not restored as they were, and other things to know. */
  readonly warnings: number
  readonly durationMs: number
}

const THREADS_MAX = 8

/** Throws `snapshot-missing`, `path-missing`, `disk-full`, `target-unwritable`, and what opening a vault throws. */
export function restore(request: RestoreRequest): Promise<RestoreResult> {
  return withVault(request, async (vault) => {
    const startMs = performance.now()
    const { repository } = vault
    const snapshot = findSnapshot((await repository.snapshots()).snapshots, request.snapshot)
    const { damaged } = await repository.loadIndexForReading('whole')
    for (const { error } of damaged) request.events({ type: 'notice', message: error.message })
    const root = await rootOf(vault, snapshot, request.path)
    const report = await runRestore(vault, snapshot, root, request)
    const { errors: _errors, ...counts } = report
    return {
      ...counts, snapshot: snapshot.id, warnings: report.errorCount + report.warningCount,
      durationMs: Math.round(performance.now() - startMs),
    }
  })
}

async function rootOf({ repository }: OpenedVault, snapshot: StoredSnapshot, path: Uint8Array | undefined): Promise<RestoreRoot> {
  const root = { tree: treeOf(snapshot), links: linksOf(snapshot) }
  const located: Located = await locate(repository.reader, root, path ?? new Uint8Array(0))
  if (located.kind === 'root') return { tree: located.tree }
  const { entry, inode } = located
  return inode.kind === 'directory' ? { tree: inode.tree, inode } : { entry }
}

function runRestore(
  { repository }: OpenedVault, snapshot: StoredSnapshot, root: RestoreRoot, request: RestoreRequest,
): Promise<RestoreReport> {
  const { events, target, signal } = request
  const links = linksOf(snapshot)
  const shown = (path: Uint8Array): string => pathText(Buffer.concat([target, Uint8Array.of(0x2f), path]))
  const isWhole = request.path === undefined && request.includes.length === 0 && request.excludes.length === 0
  const totals = snapshot.summary && isWhole ? { itemsTotal: snapshot.summary.files } : {}
  let errors = 0
  return restoreTree({
    loader: repository.reader, index: repository.index, renewal: repository.renewal, backend: repository.backend, keys: repository.keys,
    root, ...(links ? { links } : {}), target, select: selectionOf(root, request),
    overwrite: request.overwrite, deletesExtra: request.extra === 'delete', verifies: request.verify === 'yes',
    isDryRun: request.mode === 'dry-run', threads: request.threads ?? Math.min(availableParallelism(), THREADS_MAX),
    ...(signal ? { signal } : {}),
    onProblem: ({ path, message }) => {
      errors++
      events({ type: 'warning', item: shown(path), message })
    },
    onWarning: ({ path, message }) => events({ type: 'warning', item: path ? shown(path) : pathText(target), message }),
    onProgress: (progress) => events({
      type: 'progress', phase: 'restore', itemsDone: progress.files, bytesDone: progress.bytesWritten,
      bytesTransferred: progress.bytesFetched, errors, ...totals,
    }),
  })
}

/** Patterns see paths as the snapshot has them, whatever part of it is restored. */
function selectionOf(root: RestoreRoot, { path, includes, excludes }: RestoreRequest): Selection {
  const included = new PatternList(includes)
  const excluded = new PatternList(excludes)
  const above = splitPath(path ?? new Uint8Array(0)).slice(0, 'tree' in root ? undefined : -1)
  const base = Buffer.concat([...above, new Uint8Array(0)].flatMap((part) => [Uint8Array.of(0x2f), part])).subarray(0, -1)
  return (relative, kind) => {
    const full = Buffer.concat([base, Uint8Array.of(0x2f), relative])
    const shape = kind === 'directory' ? 'directory' : 'other'
    if (excluded.matches(full, shape)) return 'skip'
    if (included.isEmpty || isIncluded(included, full, shape)) return 'take'
    return kind === 'directory' ? 'descend' : 'skip'
  }
}

/** True when the path or a directory above it is included. */
function isIncluded(included: PatternList, path: Uint8Array, kind: 'directory' | 'other'): boolean {
  if (included.matches(path, kind)) return true
  for (let slash = path.lastIndexOf(0x2f); slash > 0; slash = path.lastIndexOf(0x2f, slash - 1)) {
    if (included.matches(path.subarray(0, slash), 'directory')) return true
  }
  return false
}
