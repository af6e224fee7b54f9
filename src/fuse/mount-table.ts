// What is mounted where, from /proc/self/mountinfo (proc(5)).
import { readFileSync } from 'node:fs'

export interface MountedFileSystem {
  /** Raw bytes. */
  readonly mountPoint: Uint8Array
  /** `fuse.s3vault` */
  readonly type: string
  readonly source: Uint8Array
  /** Of the device, as in /sys/class/bdi. */
  readonly device: string
}

/** Space, tab, line feed and backslash stand as \040, \011, \012 and \134. */
function unescape(field: string): Uint8Array {
  return Buffer.from(field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))), 'latin1')
}

function parseLine(line: string): MountedFileSystem | undefined {
  const [left, right] = line.split(' - ')
  const [, , device, , mountPoint] = left?.split(' ') ?? []
  const [type, source] = right?.split(' ') ?? []
  if (device === undefined || mountPoint === undefined || type === undefined || source === undefined) return undefined
  return { mountPoint: unescape(mountPoint), type, source: unescape(source), device }
}

/** In the order they were mounted. Throws when there is no /proc. */
export function mountTable(path = '/proc/self/mountinfo'): MountedFileSystem[] {
  return readFileSync(path, 'latin1').split('\n').map(parseLine).filter((mounted) => mounted !== undefined)
}

/** What is seen at `mountPoint`: the last one mounted there. */
export function mountedAt(mountPoint: Uint8Array, table = mountTable()): MountedFileSystem | undefined {
  return table.findLast((mounted) => Buffer.compare(mounted.mountPoint, mountPoint) === 0)
}
