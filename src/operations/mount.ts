import { join, resolve } from 'node:path'
import { parseLocation } from '../backend/location.ts'
import { BlockBackend } from '../cache/block-backend.ts'
import { BlockStore } from '../cache/block-store.ts'
import { SeenSnapshots } from '../cache/seen-snapshots.ts'
import { describeError, VaultError } from '../errors/vault-error.ts'
import { mount as mountFileSystem, unmount as unmountFileSystem } from '../fuse/kernel-mount.ts'
import type { PackId } from '../ids/ids.ts'
import { prepareMountPoint, realMountPoint, requireMounted, SUBTYPE } from '../mount/mount-point.ts'
import { MountSession } from '../mount/mount-session.ts'
import { shownSnapshots, VaultView } from '../mount/vault-view.ts'
import { Repository } from '../repository/repository.ts'
import { findSnapshot } from '../repository/snapshots.ts'
import type { StoredSnapshot } from '../snapshot/snapshot.ts'
import { isSelected, type SnapshotFilter } from '../snapshot/snapshot-filter.ts'
import type { Shown } from '../vfs/snapshot-file-system.ts'
import { withVault, type OpenedVault, type VaultAccess } from './vault-access.ts'

export interface MountRequest extends VaultAccess {
  /** Absolute, raw bytes. */
  readonly mountPoint: Uint8Array
  readonly contents: 'must-be-empty' | 'may-be-hidden'
  /** `everyone`: other users may enter, and the kernel checks permissions and ACLs. */
  readonly visibility: 'mounter' | 'everyone'
  /** Shows the tree of one snapshot: an id prefix, `latest` or `latest~N` of those that pass the filters. */
  readonly snapshot?: string
  readonly filter: SnapshotFilter
  /** For content in memory. */
  readonly memoryBytes: number
  /** For content of a remote vault on the local disk; 0: none. */
  readonly cacheBytes: number
  /** The file system can be used now. */
  readonly onMounted: (mounted: Mounted) => void
  /** Damage, unreachable storage, and the like. */
  readonly log: (message: string) => void
}

export interface Mounted {
  /** Without symlinks. */
  readonly mountPoint: Uint8Array
  readonly snapshots: number
}

const MIB = 1024 * 1024
/** A reader that waits longer is told that its file cannot be read. */
const RETRY_BUDGET_MS = 2 * 60_000
const LIST_AGE_MS_MAX = 30_000
/** A round trip is worth many MiB of read-ahead; a disk needs little. */
const AHEAD_BYTES_MAX = { local: 8 * MIB, remote: 32 * MIB }
/** Blobs read at once from a local disk: one is decoded while others are read. */
const PARALLEL_LOCAL = 3

/**
 * Mounts snapshots read-only and serves them until they are unmounted or `signal` fires. Throws `mount-failed`,
 * `snapshot-missing`, and what opening a vault throws.
 */
export async function mount(request: MountRequest): Promise<Mounted> {
  const mountPoint = realMountPoint(request.mountPoint)
  prepareMountPoint(mountPoint, request.contents)
  requireOutside(mountPoint, request)
  const access = { ...request, retryBudgetMs: RETRY_BUDGET_MS, onNotice: request.log }
  return await withVault(access, (vault) => serve(vault, { ...request, mountPoint }))
}

/** Reading the vault from within the mount would wait for itself. */
function requireOutside(mountPoint: Uint8Array, { repo, cacheDirectory }: MountRequest): void {
  const place = Buffer.from(mountPoint).toString()
  const location = parseLocation(repo)
  for (const own of [...(location.kind === 'directory' ? [resolve(location.path)] : []), cacheDirectory]) {
    if (own === place || own.startsWith(`${place}/`)) {
      throw new VaultError('mount-failed', `${place}: ${own} lies in it`, { hint: 'mount elsewhere' })
    }
  }
}

/** The same vault, whose content is read in blocks; those of a remote one are kept on the local disk. */
function withBlocks({ repository, local }: OpenedVault, { cacheBytes, signal }: MountRequest): { repository: Repository; blocks: BlockBackend } {
  const packBytes = (id: PackId): number | undefined => {
    const packNumber = cached.index.numberOf(id)
    return packNumber === undefined ? undefined : cached.index.packs[packNumber]?.sizeBytes
  }
  const isKept = repository.backend.isRemote && cacheBytes > 0
  const store = isKept ? new BlockStore(join(local.directory, 'blocks'), cacheBytes) : undefined
  const blocks = new BlockBackend(repository.backend, store, packBytes)
  const cached = new Repository(blocks, repository, signal)
  return { repository: cached, blocks }
}

async function serve(vault: OpenedVault, request: MountRequest): Promise<Mounted> {
  const { mountPoint, visibility, log, memoryBytes } = request
  const { local } = vault
  const { repository, blocks } = withBlocks(vault, request)
  const view = new VaultView({ repository, blocks, isShown: (snapshot) => isSelected(snapshot, request.filter), onProblem: (error) => log(describeError(error)) })
  const snapshots = await view.snapshots()
  new SeenSnapshots(local.directory).remember((await repository.snapshots()).snapshots)
  const shown = shownOf(request, snapshots)
  request.signal?.throwIfAborted()
  const { backend, keys } = repository
  const device = mountFileSystem({
    mountPoint, source: backend.location, subtype: SUBTYPE, allowsOthers: visibility === 'everyone',
  })
  const session = new MountSession({
    mountPoint, device, view, log,
    ...(shown.kind === 'list' ? { listAgeMsMax: LIST_AGE_MS_MAX } : {}),
    parallelMax: backend.isRemote ? backend.connectionsMax : PARALLEL_LOCAL,
    thread: {
      shown, inodeKey: keys.inodeKey(), owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
      checksPermissions: visibility === 'everyone', memoryBytes,
      aheadBytesMax: Math.min(backend.isRemote ? AHEAD_BYTES_MAX.remote : AHEAD_BYTES_MAX.local, memoryBytes / 4),
    },
  })
  view.prepare()
  const mounted: Mounted = { mountPoint, snapshots: shown.kind === 'list' ? shown.snapshots.length : 1 }
  request.onMounted(mounted)
  await session.run(request.signal)
  return mounted
}

function shownOf({ snapshot }: MountRequest, snapshots: readonly StoredSnapshot[]): Shown {
  if (snapshot === undefined) return { kind: 'list', snapshots: shownSnapshots(snapshots) }
  const [shown] = shownSnapshots([findSnapshot(snapshots, snapshot)])
  if (shown === undefined) throw new VaultError('snapshot-missing', `no snapshot ${snapshot}`)
  return { kind: 'snapshot', snapshot: shown }
}

/** Ends a mount. `lazy`: at once, even while programs use it. Throws `mount-failed`. */
export function unmount(path: Uint8Array, how: 'now' | 'lazy'): Uint8Array {
  const mountPoint = realMountPoint(path)
  requireMounted(mountPoint)
  unmountFileSystem(mountPoint, how)
  return mountPoint
}
