// What the two threads of a mount tell each other. The mount thread answers the kernel and never waits in Node's event loop;
// the main thread has the vault, the network, and the log.
import type { BlobRequest } from '../vfs/blob-cache.ts'
import type { ShownSnapshot } from '../vfs/snapshot-view.ts'
import type { Shown } from '../vfs/snapshot-file-system.ts'

/** How the mount thread starts. */
export interface MountThreadStart {
  readonly device: number
  readonly wake: number
  /** Messages to and from the main thread: the mount thread takes them without an event loop. */
  readonly port: import('node:worker_threads').MessagePort
  readonly shown: Shown
  readonly inodeKey: Uint8Array
  readonly owner: { readonly uid: number; readonly gid: number }
  readonly checksPermissions: boolean
  readonly memoryBytes: number
  readonly aheadBytesMax: number
}

export type FromMountThread =
  | { readonly kind: 'blob'; readonly request: BlobRequest }
  /** The list of snapshots is looked at; `refreshed` with the number is to follow soon. */
  | { readonly kind: 'refresh'; readonly number: number }
  /** For the device, which the mount thread itself must not write it to. */
  | { readonly kind: 'notification'; readonly message: Uint8Array }
  | { readonly kind: 'problem'; readonly cause: 'damage' | 'bug'; readonly message: string }

export type ToMountThread =
  | { readonly kind: 'arrived'; readonly number: number; readonly bytes: Uint8Array }
  | { readonly kind: 'failed'; readonly number: number; readonly message: string }
  | { readonly kind: 'snapshots'; readonly snapshots: readonly ShownSnapshot[] }
  | { readonly kind: 'refreshed'; readonly number: number }
  | { readonly kind: 'stop' }
