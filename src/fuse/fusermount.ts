// Mounting without being root: the setuid program fusermount3 opens the device, mounts, and hands the descriptor over a
// socket (_FUSE_COMMFD, SCM_RIGHTS). Node's own IPC channel aborts on such a descriptor, so the socket is ours.
import { spawnSync } from 'node:child_process'
import { closeSync } from 'node:fs'
import { VaultError } from '../errors/vault-error.ts'
import { system } from './system.ts'

// sys/socket.h of Linux
const AF_UNIX = 1
const SOCK_STREAM = 1
const SOCK_CLOEXEC = 0o2000000
const SOL_SOCKET = 1
const SCM_RIGHTS = 1
const MSG_DONTWAIT = 0x40
const MSG_CMSG_CLOEXEC = 0x40000000
/** struct cmsghdr (length 8 bytes, level, type) and one descriptor, aligned to 8. */
const CONTROL_BYTES = 24
const CMSG_HEADER_BYTES = 16
const COMM_FD = 3

const INSTALL_HINT = 'install it (Debian, Ubuntu: apt install fuse3; Fedora: dnf install fuse3), or mount as root'

/** Option values of fusermount3 are divided by commas. */
const escaped = (value: string): string => value.replace(/[\\,]/g, '\\$&')

export interface FusermountOptions {
  readonly mountPoint: string
  readonly source: string
  readonly subtype: string
  /** `allow_other`, `ro`, ... */
  readonly flags: readonly string[]
}

/** Mounts; returns the open device. Throws `mount-failed`. */
export function mountByFusermount({ mountPoint, source, subtype, flags }: FusermountOptions): number {
  const options = [...flags, `fsname=${escaped(source)}`, `subtype=${subtype}`].join(',')
  const [ours, theirs] = socketPair()
  try {
    run(['-o', options, '--', mountPoint], theirs)
    return receiveDescriptor(ours)
  } finally {
    closeSync(ours)
    closeSync(theirs)
  }
}

/** `lazy`: it disappears at once, and ends when nobody uses it any more. Throws `mount-failed`. */
export function unmountByFusermount(mountPoint: string, how: 'now' | 'lazy'): void {
  run([how === 'lazy' ? '-uz' : '-u', '--', mountPoint], undefined)
}

function run(args: readonly string[], socket: number | undefined): void {
  const stdio = socket === undefined ? (['ignore', 'ignore', 'pipe'] as const) : (['ignore', 'ignore', 'pipe', socket] as const)
  const result = spawnSync('fusermount3', args, {
    stdio: [...stdio], encoding: 'utf8',
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/bin:/bin:/usr/local/bin`, LC_ALL: 'C', _FUSE_COMMFD: String(COMM_FD) },
  })
  if (result.error) {
    const isMissing = 'code' in result.error && result.error.code === 'ENOENT'
    throw new VaultError('mount-failed', isMissing ? 'fusermount3 is not installed' : `fusermount3 cannot be run: ${result.error.message}`, {
      hint: INSTALL_HINT, cause: result.error,
    })
  }
  if (result.status === 0) return
  const message = (result.stderr || `fusermount3 failed with ${result.signal ?? `exit code ${result.status}`}`).trim().split('\n').at(-1)
  throw new VaultError('mount-failed', (message ?? '').replace(/^fusermount3: /, 'fusermount3: '), hintFor(message ?? ''))
}

function hintFor(message: string): { hint: string } | Record<string, never> {
  if (message.includes('user_allow_other')) return { hint: 'the line user_allow_other in /etc/fuse.conf permits it' }
  if (message.includes('/dev/fuse')) return { hint: 'load the module (modprobe fuse), or give the container /dev/fuse' }
  if (message.includes('busy')) return { hint: 'programs still use it: lsof or fuser -m names them; --lazy unmounts all the same' }
  return {}
}

function socketPair(): [number, number] {
  const fds = new Uint8Array(8)
  if (system().socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) !== 0) {
    throw new VaultError('mount-failed', `cannot make a socket (errno ${system().errno()})`)
  }
  const view = new DataView(fds.buffer)
  return [view.getInt32(0, true), view.getInt32(4, true)]
}

/** recvmsg(2) of one byte with one descriptor beside it, which was sent before fusermount3 ended. */
function receiveDescriptor(socket: number): number {
  const c = system()
  // More than 64 bytes each: smaller arrays may lie in memory that the collector moves.
  const [data, vector, control, message] = [new Uint8Array(128), new Uint8Array(128), new Uint8Array(128), new Uint8Array(128)]
  const view = (bytes: Uint8Array<ArrayBuffer>): DataView => new DataView(bytes.buffer)
  view(vector).setBigUint64(0, c.address(data), true)
  view(vector).setBigUint64(8, 1n, true)
  // struct msghdr: name, namelen, iov, iovlen, control, controllen, flags
  view(message).setBigUint64(16, c.address(vector), true)
  view(message).setBigUint64(24, 1n, true)
  view(message).setBigUint64(32, c.address(control), true)
  view(message).setBigUint64(40, BigInt(CONTROL_BYTES), true)
  const received = c.recvmsg(socket, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)
  const head = view(control)
  const isDescriptor = received > 0 && view(message).getBigUint64(40, true) >= BigInt(CMSG_HEADER_BYTES + 4) &&
    head.getInt32(8, true) === SOL_SOCKET && head.getInt32(12, true) === SCM_RIGHTS
  if (!isDescriptor) throw new VaultError('mount-failed', 'fusermount3 did not hand over the device')
  return head.getInt32(CMSG_HEADER_BYTES, true)
}
