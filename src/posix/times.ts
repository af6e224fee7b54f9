import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, cPath, libc, type FileTarget } from './libc.ts'
import { systemError } from './system-error.ts'

/** Nanoseconds since 1970, negative before; or the same as whole seconds (rounded down) and 0..999,999,999 ns. */
export type FileTime = bigint | { readonly seconds: number; readonly nanoseconds: number }

const NS_PER_SECOND = 1_000_000_000n
/** linux/stat.h: leave this time as it is. */
const UTIME_OMIT = 0x3ffffffen
// struct timespec[2] on 64-bit Linux: seconds, nanoseconds, each 8 bytes.
const times = new BigInt64Array(4)
const timesBytes = new Uint8Array(times.buffer)

/**
 * Sets times to the nanosecond; a symlink's own when `target` is one. The kernel clamps silently to what the file system
 * can store (ext4 with 256-byte inodes: 1901 to 2446).
 */
export function setTimes(target: FileTarget, atime: FileTime | 'omit', mtime: FileTime | 'omit'): void {
  const c = libc()
  store(0, atime)
  store(2, mtime)
  const status =
    typeof target === 'number'
      ? c.futimens(target, timesBytes)
      : c.utimensat(AT_FDCWD, cPath(target, 'utimensat'), timesBytes, AT_SYMLINK_NOFOLLOW)
  if (status !== 0) throw systemError(c.errno(), 'utimensat', target)
}

function store(index: 0 | 2, time: FileTime | 'omit'): void {
  if (time === 'omit') {
    times[index] = 0n
    times[index + 1] = UTIME_OMIT
  } else if (typeof time === 'bigint') {
    const rest = time % NS_PER_SECOND
    const nanoseconds = rest < 0n ? rest + NS_PER_SECOND : rest
    times[index] = (time - nanoseconds) / NS_PER_SECOND
    times[index + 1] = nanoseconds
  } else {
    times[index] = BigInt(time.seconds)
    times[index + 1] = BigInt(time.nanoseconds)
  }
}
