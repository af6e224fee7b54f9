// Where to mount: an empty directory, or what a mount of ours left behind when its process died.
import { readdirSync, realpathSync, statSync } from 'node:fs'
import { describeError, errnoOf, VaultError } from '../errors/vault-error.ts'
import { unmount } from '../fuse/kernel-mount.ts'
import { mountedAt } from '../fuse/mount-table.ts'

export const SUBTYPE = 's3vault'
const TYPE = `fuse.${SUBTYPE}`
const SLASH = 0x2f

const bufferOf = (path: Uint8Array): Buffer => Buffer.from(path.buffer, path.byteOffset, path.length)
const isDisconnected = (name: string | undefined): boolean => name === 'ENOTCONN' || name === 'ECONNABORTED'
const shown = (path: Uint8Array): string => bufferOf(path).toString()

/** The same place without symlinks, also when what is mounted there is dead and its last component cannot be looked at. */
export function realMountPoint(path: Uint8Array): Uint8Array {
  try {
    return realpathSync(bufferOf(path), { encoding: 'buffer' })
  } catch (error) {
    const name = errnoOf(error)
    if (name === undefined) throw error
    const slash = path.lastIndexOf(SLASH)
    if (!isDisconnected(name) || slash < 0) {
      throw new VaultError('mount-failed', `${shown(path)}: ${name === 'ENOENT' ? 'no such directory' : describeError(error)}`, { cause: error })
    }
    const parent = realMountPoint(slash === 0 ? path.subarray(0, 1) : path.subarray(0, slash))
    return Buffer.concat([parent.length === 1 ? new Uint8Array(0) : parent, path.subarray(slash)])
  }
}

/** True when a mount of ours is there whose process has died: every access gives ENOTCONN, those under way ECONNABORTED. */
export function isDeadMount(mountPoint: Uint8Array): boolean {
  if (mountedAt(mountPoint)?.type !== TYPE) return false
  try {
    statSync(bufferOf(mountPoint))
    return false
  } catch (error) {
    return isDisconnected(errnoOf(error))
  }
}

/**
 * Takes away dead mounts and makes sure that an empty directory is there (or any, when it need not be empty). Throws
 * `mount-failed`.
 */
export function prepareMountPoint(mountPoint: Uint8Array, contents: 'must-be-empty' | 'may-be-hidden'): void {
  while (isDeadMount(mountPoint)) unmount(mountPoint, 'lazy')
  if (mountedAt(mountPoint)?.type === TYPE) {
    throw new VaultError('mount-failed', `${shown(mountPoint)}: a vault is mounted there already`, {
      hint: `s3vault umount ${shown(mountPoint)} ends it`,
    })
  }
  const problem = problemOf(mountPoint, contents)
  if (problem !== undefined) throw new VaultError('mount-failed', `${shown(mountPoint)}: ${problem}`, hintFor(problem))
}

const NOT_EMPTY = 'the directory is not empty'
const hintFor = (problem: string): { hint?: string } => (problem === NOT_EMPTY ? { hint: '--nonempty hides what it holds while it is mounted' } : {})

function problemOf(mountPoint: Uint8Array, contents: 'must-be-empty' | 'may-be-hidden'): string | undefined {
  try {
    if (!statSync(bufferOf(mountPoint)).isDirectory()) return 'not a directory'
    if (contents === 'must-be-empty' && readdirSync(bufferOf(mountPoint), { encoding: 'buffer' }).length > 0) return NOT_EMPTY
    return undefined
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return describeError(error)
  }
}

/** Throws `mount-failed` when no vault is mounted there. */
export function requireMounted(mountPoint: Uint8Array): void {
  const mounted = mountedAt(mountPoint)
  if (mounted?.type === TYPE) return
  throw new VaultError('mount-failed', `${shown(mountPoint)}: no vault is mounted there`, {
    hint: mounted ? `what is mounted there is of type ${mounted.type}` : 'findmnt -t fuse.s3vault lists what is mounted',
  })
}
