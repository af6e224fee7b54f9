// The vault as prune sees it at one moment (gc protocol, rules 16 and 20): gc objects, then roots and pins, then the index,
// listed in this order, and which blobs are needed. What is committed afterwards is found by listing the roots again.
import type { Backend, ObjectInfo } from '../backend/backend.ts'
import { blobId, fromHex, type ObjectName, type PackId, type SegmentId } from '../ids/ids.ts'
import { VaultError, isVaultError } from '../errors/vault-error.ts'
import { parseSegmentName, SEGMENT_PREFIX } from '../index/segment.ts'
import type { VaultIndex } from '../index/vault-index.ts'
import { ReachWalk } from '../reach/reach-walk.ts'
import { condemnedPacks, listGc, type GcMark } from './gc-objects.ts'
import type { PruneParts } from './parts.ts'
import { readDamagedRoots } from '../session/damage.ts'
import type { BlobLoader } from '../tree/node.ts'
import { listRoots, type Roots } from './roots.ts'
import type { ListedSession } from './sessions.ts'

/** Listing the index again and again while others write to it has an end. */
const INDEX_ATTEMPTS_MAX = 10

export interface VaultView {
  readonly marks: readonly GcMark[]
  readonly roots: Roots
  readonly index: VaultIndex
  /** Segments that were listed, and those among them that another listed one replaces. */
  readonly segments: ReadonlyMap<SegmentId, { readonly modifiedMs: number }>
  readonly superseded: ReadonlySet<SegmentId>
  /** What has been reached; grows when roots are added. */
  readonly walk: ReachWalk
  /** Snapshots that are recorded as damaged (rule 16). */
  readonly damaged: ReadonlySet<ObjectName>
  /** Blobs reached that cannot be read or are in no pack. */
  readonly lost: () => number
}

/** Throws `vault-damaged` when something that a root needs is lost: then nothing may be deleted. */
export async function readView(parts: PruneParts, sessions: readonly ListedSession[]): Promise<VaultView> {
  const { repository, signal, onStep } = parts
  onStep?.({ phase: 'list', done: 0 })
  const marks = await listGc(repository.backend, repository.keys, signal)
  const roots = await listRoots(repository, sessions, signal)
  const { segments, superseded } = await loadSteadyIndex(parts, condemnedPacks(marks))
  const damaged = await readDamagedRoots(repository.backend, repository.keys)
  let lost = 0
  // What is reached later may lie in packs that only a later load of the index knows: both are asked for at every blob.
  const loader: BlobLoader = { load: (type, id) => repository.reader.load(type, id) }
  const walk = new ReachWalk(loader, (_type, id) => {
    if (repository.index.table.find(id, () => true) === undefined) lost++
    if (walk.count % 1000 === 0) onStep?.({ phase: 'walk', done: walk.count })
  }, signal, () => lost++)
  const view = { marks, roots, index: repository.index, segments, superseded, walk, damaged, lost: () => lost }
  await walkRoots(parts, view, roots)
  return view
}

const lostBlobs = (count: number, root: string): VaultError =>
  new VaultError('vault-damaged', `${count} blobs that ${root} needs are lost: nothing is deleted`, {
    hint: 's3vault check names what they hurt',
  })

/**
 * Walks what these roots reach and nothing before did. Throws `vault-damaged` when something is lost, but for snapshots that
 * are recorded as damaged: these come last, so that what others share with them is asked for in the others' name.
 */
export async function walkRoots(
  { repository }: PruneParts, view: Pick<VaultView, 'walk' | 'damaged' | 'lost'>, roots: Roots,
): Promise<void> {
  const recorded = roots.snapshots.filter(({ name }) => view.damaged.has(name))
  for (const snapshot of roots.snapshots) {
    if (view.damaged.has(snapshot.name)) continue
    await view.walk.walk(snapshot)
    if (view.lost() > 0) throw lostBlobs(view.lost(), `snapshot ${snapshot.id.slice(0, 8)}`)
  }
  for (const hex of roots.pinnedRoots) {
    const id = blobId(fromHex(hex))
    // A pin does not say what its root is; the seal of a blob does.
    const isTree = await repository.reader.load('tree', id).then(() => true, (error: unknown) => {
      if (isVaultError(error, 'vault-damaged')) return false
      throw error
    })
    await view.walk.walkRoot(isTree ? 'tree' : 'links', id)
    if (view.lost() > 0) throw lostBlobs(view.lost(), `pinned root ${hex.slice(0, 16)}`)
  }
  for (const snapshot of recorded) await view.walk.walk(snapshot)
}

async function loadSteadyIndex(
  { repository, signal }: PruneParts, condemned: ReadonlySet<PackId>,
): Promise<{ segments: Map<SegmentId, { modifiedMs: number }>; superseded: ReadonlySet<SegmentId> }> {
  for (let attempt = 0; attempt < INDEX_ATTEMPTS_MAX; attempt++) {
    signal?.throwIfAborted()
    const { segments, superseded } = await repository.loadIndex({ condemned })
    const listed = new Map<SegmentId, { modifiedMs: number }>()
    for (const [name, { modifiedMs }] of await listTimes(repository.backend, SEGMENT_PREFIX, signal)) {
      const id = parseSegmentName(name)
      if (id) listed.set(id, { modifiedMs })
    }
    if (listed.size === segments.size && [...segments].every((id) => listed.has(id))) return { segments: listed, superseded }
  }
  throw new VaultError('storage-unreachable', 'the index changes faster than it can be read', { retry: 'later', hint: 'run prune again later' })
}

/** What a listing says of one object; the time is the server's, ms. */
export type ListedTime = Omit<ObjectInfo, 'name'>

/** Everything listed under a prefix, with server times. */
export async function listTimes(backend: Backend, prefix: string, signal?: AbortSignal): Promise<Map<ObjectName, ListedTime>> {
  const times = new Map<ObjectName, ListedTime>()
  for await (const { name, ...listed } of backend.list(prefix, signal ? { signal } : {})) times.set(name, listed)
  return times
}
