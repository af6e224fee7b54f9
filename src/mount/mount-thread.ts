// The mount thread: the kernel's requests come in, the file system answers them, and what it lacks is asked of the main
// thread. Started as a worker by mount-session.ts; ends when the file system is unmounted.
import { receiveMessageOnPort, workerData } from 'node:worker_threads'
import { assert } from '../errors/assert.ts'
import { describeError, isVaultError } from '../errors/vault-error.ts'
import { isDying } from '../fuse/dying.ts'
import { DeviceChannel, newRequestBuffer, runEventLoop } from '../fuse/event-loop.ts'
import { ROOT_NODE, type Wait } from '../fuse/file-system.ts'
import { entryInvalidation } from '../fuse/notifications.ts'
import { Session } from '../fuse/session.ts'
import { BlobCache } from '../vfs/blob-cache.ts'
import { SnapshotFileSystem } from '../vfs/snapshot-file-system.ts'
import type { FromMountThread, MountThreadStart, ToMountThread } from './messages.ts'

/** What decoded trees may take, whatever the memory for content. */
const TREE_BYTES_MAX = 32 * 1024 * 1024

class MountThread {
  readonly #start: MountThreadStart
  readonly #blobs: BlobCache
  readonly #fileSystem: SnapshotFileSystem
  readonly #session: Session
  readonly #buffer = newRequestBuffer()
  readonly #refreshes = new Map<number, () => void>()
  #nextRefresh = 1

  constructor(start: MountThreadStart) {
    this.#start = start
    this.#blobs = new BlobCache(start.memoryBytes, (request) => this.#tell({ kind: 'blob', request }))
    this.#fileSystem = new SnapshotFileSystem({
      shown: start.shown, blobs: this.#blobs, inodeKey: start.inodeKey, owner: start.owner,
      treeBytesMax: TREE_BYTES_MAX, aheadBytesMax: start.aheadBytesMax,
      refresh: () => this.#refresh(),
      onProblem: (error) => this.#problem(error),
    })
    this.#session = new Session(this.#buffer, {
      fileSystem: this.#fileSystem, channel: new DeviceChannel(start.device), checksPermissions: start.checksPermissions,
      isDying, onFailure: (_operation, error) => this.#problem(error),
    })
  }

  run(): void {
    const { device, wake } = this.#start
    runEventLoop({ device, wake, session: this.#session, buffer: this.#buffer, onWake: () => this.#takeMessages() })
  }

  #tell(message: FromMountThread): void {
    this.#start.port.postMessage(message)
  }

  #problem(error: unknown): void {
    const cause = isVaultError(error) ? 'damage' : 'bug'
    const message = cause === 'bug' && error instanceof Error ? (error.stack ?? error.message) : describeError(error)
    this.#tell({ kind: 'problem', cause, message })
  }

  #refresh(): Wait {
    const number = this.#nextRefresh++
    this.#tell({ kind: 'refresh', number })
    return (resume) => void this.#refreshes.set(number, resume)
  }

  /** False: to stop. */
  #takeMessages(): boolean {
    for (;;) {
      const received = receiveMessageOnPort(this.#start.port) as { message: ToMountThread } | undefined
      if (received === undefined) return true
      if (!this.#take(received.message)) return false
    }
  }

  #take(message: ToMountThread): boolean {
    switch (message.kind) {
      case 'arrived': this.#blobs.arrived(message.number, message.bytes); break
      case 'failed': this.#blobs.failed(message.number, message.message); break
      case 'refreshed': {
        const resume = this.#refreshes.get(message.number)
        this.#refreshes.delete(message.number)
        resume?.()
        break
      }
      case 'snapshots': {
        for (const name of this.#fileSystem.replaceSnapshots(message.snapshots)) {
          this.#tell({ kind: 'notification', message: entryInvalidation(ROOT_NODE, Buffer.from(name)) })
        }
        break
      }
      case 'stop': return false
    }
    return true
  }
}

const start: unknown = workerData
assert(typeof start === 'object' && start !== null && 'device' in start, 'runs in a worker thread of a mount')
new MountThread(start as MountThreadStart).run()
