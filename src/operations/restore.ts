// Copies what a snapshot has back into a directory.
import { availableParallelism } from 'node:os'
import { PatternList } from '../archiver/selection.ts'
import { VaultError } from '../errors/vault-error.ts'
import type { FetchPlan } from '../restorer/fetch-plan.ts'
import type { OverwriteMode } from '../restorer/decision.ts'
import type { RestoreAction, RestoreReport } from '../restorer/report.ts'
import { restore as restoreTree } from '../restorer/restore.ts'
import type { Selection } from '../restorer/selection.ts'
import { pathInTarget } from '../restorer/tally.ts'
import type { RestoreRoot } from '../restorer/tree-restore.ts'
import { pathText } from '../snapshot/path-text.ts'
import { linksOf, treeOf, type StoredSnapshot } from '../snapshot/snapshot.ts'
import type { InodeKind } from '../tree/entry.ts'
import { locate, splitPath, type Located } from '../tree/tree-path.ts'
import type { EventSink } from './events.ts'
import { PackClasses, PackNeeds } from './pack-needs.ts'
import { bringBackNeeded, describeNeeds, type ArchiveChoice, type RestorePlan, type ReturnedPacks } from './restore-plan.ts'
import { chooseSnapshot, type SnapshotChoice } from './snapshot-choice.ts'
import { withVault, type Counted, type OpenedVault, type VaultAccess } from './vault-access.ts'

/** One name of the target that is changed, or in a dry run would be. */
export interface TargetChange {
  readonly action: RestoreAction
  readonly kind: InodeKind
  /** Printable, absolute. */
  readonly path: string
}

export interface RestoreRequest extends VaultAccess, SnapshotChoice {
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
  readonly archive: ArchiveChoice
  readonly events: EventSink
  /** Names cost time where there are millions: absent where nobody reads them. */
  readonly onChange?: (change: TargetChange) => void
  /** Worker threads; default one a processor, at most 8. */
  readonly threads?: number
}

export interface RestoreResult extends Omit<RestoreReport, 'errors'>, Counted {
  readonly snapshot: StoredSnapshot
  /** Printable, absolute. */
  readonly target: string
  /** Entries that were not restored as they were, and other things to know. */
  readonly warnings: number
  readonly durationMs: number
  /** Packs that had to come out of an archive first. */
  readonly returned?: ReturnedPacks
}

const THREADS_MAX = 8

/** Throws `snapshot-missing`, `path-missing` (also when no include matches), `disk-full`, `target-unwritable`, and what opening a vault throws. */
export function restore(request: RestoreRequest): Promise<RestoreResult> {
  return withVault(request, async (vault) => {
    const startMs = performance.now()
    const source = await openSource(vault, request)
    const returned = request.mode === 'write' && source.classes.hasArchived
      ? await bringBackNeeded(vault.storage, await needsOf(vault, source, request), request) : undefined
    const included = new PatternList(request.includes)
    const report = await runRestore(vault, { ...source, included }, request)
    const strays = reportStrays(included, request)
    const { errors: _errors, ...counts } = report
    return {
      ...counts, snapshot: source.snapshot, target: pathText(request.target),
      warnings: report.errorCount + report.warningCount + strays,
      durationMs: Math.round(performance.now() - startMs), ...(returned ? { returned } : {}),
    }
  })
}

/** What `restore` would read, and what that takes. Changes nothing, neither here nor in storage. */
export function planRestore(request: RestoreRequest): Promise<RestorePlan> {
  return withVault(request, async (vault) => {
    const source = await openSource(vault, request)
    const needs = await needsOf(vault, source, request)
    return describeNeeds(vault.storage, needs, { snapshot: source.snapshot.id, archive: request.archive })
  })
}

interface RestoreSource {
  readonly snapshot: StoredSnapshot
  readonly root: RestoreRoot
  readonly classes: PackClasses
}

async function openSource(vault: OpenedVault, request: RestoreRequest): Promise<RestoreSource> {
  const { repository } = vault
  const classes = new PackClasses()
  const snapshot = await chooseSnapshot(repository, request)
  const { damaged } = await repository.loadIndexForReading('whole', (info) => classes.see(info))
  for (const { error } of damaged) request.events({ type: 'notice', message: error.message })
  return { snapshot, root: await rootOf(vault, snapshot, request.path), classes }
}

/** A restore without effect and without words shows what the true one will read. */
async function needsOf(vault: OpenedVault, source: RestoreSource, request: RestoreRequest): Promise<PackNeeds> {
  const needs = new PackNeeds(source.classes)
  const { onChange: _onChange, ...quiet } = request
  const what = { ...source, included: new PatternList(request.includes) }
  await runRestore(vault, what, { ...quiet, mode: 'dry-run', verify: 'no', events: () => undefined }, (plan) => needs.add(plan))
  return needs
}

async function rootOf({ repository }: OpenedVault, snapshot: StoredSnapshot, path: Uint8Array | undefined): Promise<RestoreRoot> {
  const root = { tree: treeOf(snapshot), links: linksOf(snapshot) }
  const located: Located = await locate(repository.reader, root, path ?? new Uint8Array(0))
  if (located.kind === 'root') return { tree: located.tree }
  const { entry, inode } = located
  return inode.kind === 'directory' ? { tree: inode.tree, inode } : { entry }
}

/** A mistyped --include must not pass for a restore. Returns how many of them match nothing; throws when all do. */
function reportStrays(included: PatternList, { includes, events }: RestoreRequest): number {
  const strays = included.unmatched()
  if (strays.length > 0 && strays.length === includes.filter((pattern) => pattern !== '').length) {
    throw new VaultError('path-missing', `nothing was restored: no --include matches anything (${strays.map((text) => JSON.stringify(text)).join(', ')})`, {
      hint: 's3vault ls -R shows what the snapshot has',
    })
  }
  for (const pattern of strays) events({ type: 'warning', item: `--include ${pattern}`, message: 'matches nothing' })
  return strays.length
}

function runRestore(
  { repository }: OpenedVault, what: RestoreSource & { readonly included: PatternList }, request: RestoreRequest,
  onPlan?: (plan: FetchPlan) => void,
): Promise<RestoreReport> {
  const { events, target, signal, onChange } = request
  const { root, snapshot } = what
  const links = linksOf(snapshot)
  const shown = (path: Uint8Array): string => pathInTarget(target, path)
  let errors = 0
  return restoreTree({
    loader: repository.reader, index: repository.index, renewal: repository.renewal, backend: repository.backend, keys: repository.keys,
    root, ...(links ? { links } : {}), target, select: selectionOf(what, request),
    overwrite: request.overwrite, deletesExtra: request.extra === 'delete', verifies: request.verify === 'yes',
    isDryRun: request.mode === 'dry-run', threads: request.threads ?? Math.min(availableParallelism(), THREADS_MAX),
    ...(signal ? { signal } : {}), ...(onPlan ? { onPlan } : {}),
    ...(onChange ? { onChange: ({ action, kind, path }) => onChange({ action, kind, path: shown(path) }) } : {}),
    onProblem: ({ path, message }) => {
      errors++
      events({ type: 'warning', item: shown(path), message })
    },
    onWarning: ({ path, message }) => events({ type: 'warning', item: shown(path ?? new Uint8Array(0)), message }),
    onProgress: (progress) => events({
      type: 'progress', phase: 'restore', itemsDone: progress.entries, itemsTotal: progress.entriesTotal,
      bytesDone: progress.bytes, bytesTotal: progress.bytesTotal, bytesTransferred: progress.bytesFetched, errors,
    }),
  })
}

/** Patterns see paths as the snapshot has them, whatever part of it is restored. */
function selectionOf({ root, included }: { root: RestoreRoot; included: PatternList }, { path, excludes }: RestoreRequest): Selection {
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
