// restorer: a snapshot's tree back onto disk. Given a loader of metadata blobs, an index and a backend, it writes directories,
// files, links and special files into a target directory.
//
// Guarantees:
// - nothing is written outside the target, whatever the tree names and whatever symlinks stand in the target;
// - no file has wrong content without a word: what cannot be read is reported with its place, and such a file does not get
//   the snapshot's mtime;
// - memory does not grow with the number or size of files, but with directories of one path and names of one directory;
// - existing content that is right is neither fetched nor written.
// It does not know of snapshots' names, of patterns (they come as a Selection), of consoles or exit codes.
//
// The walk (tree-restore.ts) fills windows (file-work.ts); a window is planned by pack (fetch-plan.ts), fetched
// (range-fetching.ts) and written by workers (worker.ts), and then its links and directories are finished (window-run.ts).
import { accessSync, closeSync, constants, mkdirSync } from 'node:fs'
import type { Backend } from '../backend/backend.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { describeError, errnoOf, VaultError } from '../errors/vault-error.ts'
import { InlinePool } from '../executor/task-pool.ts'
import { ThreadPool } from '../executor/thread-pool.ts'
import type { BlobId } from '../ids/ids.ts'
import { bufferOf, openDirectory, selfPath } from '../posix/directories.ts'
import type { IndexRenewal } from '../repository/index-renewal.ts'
import { pathText } from '../snapshot/path-text.ts'
import type { BlobLoader } from '../tree/node.ts'
import type { OverwriteMode } from './decision.ts'
import type { BlobPlaces, FetchPlan } from './fetch-plan.ts'
import type { OwnersBy } from './file-attributes.ts'
import { LinkRecords } from './link-records.ts'
import { RangeFetcher } from './range-fetching.ts'
import type { RestoreReport } from './report.ts'
import { selectAll, type Selection } from './selection.ts'
import { Tally, stopIfHopeless, type TallyListeners } from './tally.ts'
import { OpenDirectories, TargetDirectory } from './target-directory.ts'
import { TreeRestore, type RestoreRoot } from './tree-restore.ts'
import { restoreHandler, type RestoreReply, type RestoreRequest } from './worker.ts'
import { WorkerLink, type RestorePool } from './worker-link.ts'

export interface RestoreOptions extends TallyListeners {
  /** Trees, content lists, link tables, xattrs; data only where another copy of a blob is needed. */
  readonly loader: BlobLoader
  readonly index: BlobPlaces
  /** How `index` learns what prune has moved. */
  readonly renewal?: IndexRenewal
  readonly backend: Backend
  readonly keys: Keyring
  readonly root: RestoreRoot
  /** Root of the snapshot's link table. */
  readonly links?: BlobId
  /** Raw bytes; made when missing. */
  readonly target: Uint8Array
  readonly select?: Selection
  /** Default `always`. */
  readonly overwrite?: OverwriteMode
  /** Removes what the selection takes and the snapshot has not. Default false. */
  readonly deletesExtra?: boolean
  /** Reads back what was written, and what was trusted by its mtime. Default false. */
  readonly verifies?: boolean
  /** Plans and counts, changes nothing. Default false. */
  readonly isDryRun?: boolean
  /** Default `number`. */
  readonly ownersBy?: OwnersBy
  /** Worker threads; 0 works in the calling thread. */
  readonly threads: number
  readonly signal?: AbortSignal
  /** Sees each window's plan before it is executed. */
  readonly onPlan?: (plan: FetchPlan) => void
}

/**
 * Restores. What concerns single entries is in the report and goes to the listeners; throws `disk-full`,
 * `target-unwritable`, `interrupted`, and what the backend throws when it cannot be reached.
 */
export async function restore(options: RestoreOptions): Promise<RestoreReport> {
  const tally = new Tally(options)
  const target = new TargetDirectory(undefined, new Uint8Array(0))
  const directories = new OpenDirectories(target, openTarget(options, target))
  const pool = newPool(options)
  try {
    await new TreeRestore(toolsOf(options, { tally, directories, pool })).run(options.root, target)
  } finally {
    await pool.close()
    directories.close()
  }
  const { ownersRefused } = tally.report
  if (ownersRefused > 0) tally.warning(`owner or group of ${ownersRefused} entries could not be set: only root may`)
  return tally.report
}

function toolsOf(
  options: RestoreOptions, made: { tally: Tally; directories: OpenDirectories; pool: RestorePool },
): ConstructorParameters<typeof TreeRestore>[0] {
  const { tally, directories, pool } = made
  const { loader, backend, links, signal } = options
  return {
    tally, directories, loader, signal, places: options.index, renewal: options.renewal,
    fetcher: new RangeFetcher(backend, pool.parallelism, signal),
    workers: new WorkerLink(pool, directories, tally),
    links: links ? new LinkRecords(loader, links) : undefined,
    overwrite: options.overwrite ?? 'always',
    deletesExtra: options.deletesExtra ?? false,
    verifies: options.verifies ?? false,
    isDryRun: options.isDryRun ?? false,
    ownersBy: options.ownersBy ?? 'number',
    select: options.select ?? selectAll,
    onPlan: options.onPlan,
  }
}

function newPool({ threads, keys }: RestoreOptions): RestorePool {
  if (threads === 0) return new InlinePool<RestoreRequest, RestoreReply>(restoreHandler(keys.material))
  const module = new URL('./thread.js', import.meta.url)
  return new ThreadPool({ module, threads, init: () => ({ data: keys.material }) })
}

/** Descriptor of the target directory, made when missing; undefined in a dry run when it is missing. */
function openTarget(options: RestoreOptions, target: TargetDirectory): number | undefined {
  const where = pathText(options.target)
  let fd: number | undefined
  try {
    fd = openExisting(options.target)
    target.state = fd === undefined ? 'made' : 'existed'
    if (options.isDryRun) {
      if (fd === undefined) target.state = 'absent'
      return fd
    }
    if (fd === undefined) mkdirSync(bufferOf(options.target), { recursive: true })
    fd ??= openDirectory(options.target)
    accessSync(selfPath(fd), constants.W_OK | constants.X_OK)
    return fd
  } catch (error) {
    if (fd !== undefined) closeSync(fd)
    const errno = errnoOf(error)
    if (errno === undefined) throw error
    stopIfHopeless(errno, describeError(error))
    throw new VaultError('target-unwritable', `cannot restore into ${where}: ${describeError(error)}`, { cause: error })
  }
}

function openExisting(path: Uint8Array): number | undefined {
  try {
    return openDirectory(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
