// What tests of real mounts share. They need root (or fusermount3) and /dev/fuse.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Backend } from '../../src/backend/backend.ts'
import { mount } from '../../src/fuse/kernel-mount.ts'
import { MountSession, type MountSessionOptions } from '../../src/mount/mount-session.ts'
import { shownSnapshots, VaultView } from '../../src/mount/vault-view.ts'
import { Repository } from '../../src/repository/repository.ts'
import { isRoot, type Scope } from '../support/cli.ts'
import type { MadeVault } from '../support/vault-maker.ts'

/** Value for a test's `skip` option. */
export const unlessMountable: string | false =
  !isRoot ? 'needs root' : existsSync('/dev/fuse') ? false : 'needs /dev/fuse'

export const isMounted = (place: string): boolean => readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${place} `)

/**
 * Places where a test mounts: whatever is left there is taken away after it. To be called before the scratch directory is made,
 * as what is to be done after a test is done in the order it was said.
 */
export function mountPlaces(scope: Scope): Set<string> {
  const places = new Set<string>()
  scope.after(() => {
    for (const place of places) while (isMounted(place)) spawnSync('umount', ['-l', place])
  })
  return places
}

export interface InProcessMount {
  readonly place: string
  readonly log: string[]
  /** Unmounts; resolves when the session has ended. */
  stop(): Promise<void>
}

/**
 * Mounts the snapshots of a vault in this process, with `backend` in the place of the vault's own. The tree is to be read by
 * asynchronous calls, or by other processes: this thread serves it.
 */
export async function mountInProcess(
  scope: Scope, vault: MadeVault, backend: Backend, options: Partial<MountSessionOptions> = {},
): Promise<InProcessMount> {
  const place = join(mkdtempSync(join(tmpdir(), 's3vault-mount-')), 'mnt')
  mkdirSync(place)
  const log: string[] = []
  const view = new VaultView({ repository: new Repository(backend, vault), isShown: () => true, onProblem: (error) => log.push(String(error)) })
  const snapshots = shownSnapshots(await view.snapshots())
  const device = mount({ mountPoint: Buffer.from(place), source: 'test', subtype: 's3vault', allowsOthers: false })
  const session = new MountSession({
    mountPoint: Buffer.from(place), device, view, parallelMax: 4, log: (message) => log.push(message),
    thread: {
      shown: { kind: 'list', snapshots }, inodeKey: vault.keys.inodeKey(), owner: { uid: 0, gid: 0 }, checksPermissions: false,
      memoryBytes: 2 ** 25, aheadBytesMax: 2 ** 22,
    },
    ...options,
  })
  const controller = new AbortController()
  const running = session.run(controller.signal)
  const stop = async (): Promise<void> => {
    controller.abort()
    await running
  }
  scope.after(async () => {
    await stop()
    spawnSync('rm', ['-rf', join(place, '..')])
  })
  return { place, log, stop }
}
