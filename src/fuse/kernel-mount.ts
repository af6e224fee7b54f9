// Mounting and unmounting: mount(2) as root, fusermount3 for everybody else.
import { closeSync, constants, openSync, writeFileSync } from 'node:fs'
import { errnoOf, VaultError } from '../errors/vault-error.ts'
import { errno } from './file-system.ts'
import { mountByFusermount, unmountByFusermount } from './fusermount.ts'
import { mountedAt } from './mount-table.ts'
import { cBytes, system } from './system.ts'

const DEVICE = '/dev/fuse'

// linux/mount.h
const MS_RDONLY = 1
const MS_NOSUID = 2
const MS_NODEV = 4
const MNT_DETACH = 2
const UMOUNT_NOFOLLOW = 8
// fcntl.h
const F_SETFL = 4

/** KiB that are read ahead of a reader in order; the kernel's default is 128. */
const READ_AHEAD_KIB = 1024

export interface MountWishes {
  /** Absolute, without symlinks. */
  readonly mountPoint: Uint8Array
  /** What `df` shows as the source; no secrets. */
  readonly source: string
  /** The type is `fuse.SUBTYPE`. */
  readonly subtype: string
  /** Other users than the one who mounts may enter; the kernel then checks permissions. */
  readonly allowsOthers: boolean
}

const isRoot = (): boolean => process.getuid?.() === 0

/**
 * Mounts read-only, without setuid and devices taking effect. Returns the open device, not blocking and closed on exec.
 * Throws `mount-failed`.
 */
export function mount(wishes: MountWishes): number {
  const device = isRoot() ? mountAsRoot(wishes) : mountAsUser(wishes)
  if (isRoot()) raiseReadAhead(wishes.mountPoint)
  return device
}

function mountAsRoot({ mountPoint, source, subtype, allowsOthers }: MountWishes): number {
  const device = openDevice()
  const options = [
    `fd=${device}`, 'rootmode=40000', `user_id=${process.getuid?.() ?? 0}`, `group_id=${process.getgid?.() ?? 0}`,
    ...(allowsOthers ? ['allow_other', 'default_permissions'] : []),
  ].join(',')
  const flags = MS_RDONLY | MS_NOSUID | MS_NODEV
  const c = system()
  if (c.mount(cBytes(source), cBytes(mountPoint), cBytes(`fuse.${subtype}`), flags, cBytes(options)) === 0) return device
  const code = c.errno()
  closeSync(device)
  throw mountError('mount', mountPoint, code)
}

function openDevice(): number {
  try {
    return openSync(DEVICE, constants.O_RDWR | constants.O_NONBLOCK)
  } catch (cause) {
    const name = errnoOf(cause)
    if (name === undefined) throw cause
    throw new VaultError('mount-failed', `cannot open ${DEVICE}: ${name}`, {
      hint: 'load the module (modprobe fuse); a container needs --device /dev/fuse --cap-add SYS_ADMIN', cause,
    })
  }
}

function mountAsUser({ mountPoint, source, subtype, allowsOthers }: MountWishes): number {
  const device = mountByFusermount({
    mountPoint: textOf(mountPoint), source, subtype,
    flags: ['ro', 'nosuid', 'nodev', ...(allowsOthers ? ['allow_other', 'default_permissions'] : [])],
  })
  // A request may go away between poll(2) and read(2), which must not wait then.
  system().fcntl(device, F_SETFL, constants.O_RDWR | constants.O_NONBLOCK)
  return device
}

/** Child processes take arguments as text only. */
function textOf(mountPoint: Uint8Array): string {
  const text = Buffer.from(mountPoint).toString('utf8')
  if (Buffer.compare(Buffer.from(text, 'utf8'), mountPoint) === 0) return text
  throw new VaultError('mount-failed', 'a mount point whose name is not UTF-8 needs root')
}

/** Best effort: larger reads ask for more of a file at once. */
function raiseReadAhead(mountPoint: Uint8Array): void {
  const device = mountedAt(mountPoint)?.device
  if (device === undefined) return
  try {
    writeFileSync(`/sys/class/bdi/${device}/read_ahead_kb`, `${READ_AHEAD_KIB}\n`)
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
  }
}

/** `lazy`: it disappears at once, and ends when nobody uses it any more. Throws `mount-failed`. */
export function unmount(mountPoint: Uint8Array, how: 'now' | 'lazy'): void {
  if (!isRoot()) return unmountByFusermount(textOf(mountPoint), how)
  const c = system()
  if (c.umount2(cBytes(mountPoint), UMOUNT_NOFOLLOW | (how === 'lazy' ? MNT_DETACH : 0)) !== 0) {
    throw mountError('unmount', mountPoint, c.errno())
  }
}

function mountError(verb: 'mount' | 'unmount', mountPoint: Uint8Array, code: number): VaultError {
  const name = Object.entries(errno).find(([, value]) => value === code)?.[0] ?? `errno ${code}`
  const place = Buffer.from(mountPoint).toString()
  if (code === errno.EBUSY && verb === 'unmount') {
    return new VaultError('mount-failed', `${place} is busy`, {
      hint: 'programs still use it: lsof or fuser -m names them; --lazy unmounts all the same',
    })
  }
  if (code === errno.EPERM) {
    return new VaultError('mount-failed', `may not ${verb} ${place} (${name})`, {
      hint: 'a container needs --device /dev/fuse --cap-add SYS_ADMIN',
    })
  }
  if (code === errno.ENODEV) {
    return new VaultError('mount-failed', `cannot ${verb} ${place}: this kernel has no FUSE`, { hint: 'load the module: modprobe fuse' })
  }
  return new VaultError('mount-failed', `cannot ${verb} ${place} (${name})`)
}
