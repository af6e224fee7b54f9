// Entries of a snapshot as `ls -l` shows them, and as JSON.
import type { Inode, InodeKind } from '../tree/entry.ts'
import { pathText } from '../snapshot/path-text.ts'
import { printableText } from './printable-text.ts'
import { formatTime } from './quantities.ts'

export interface ShownEntry {
  readonly path: Uint8Array
  readonly inode: Inode
}

const KIND_LETTERS: Readonly<Record<InodeKind, string>> = {
  file: '-', directory: 'd', symlink: 'l', fifo: 'p', socket: 's', char: 'c', block: 'b',
}

/** `-rwsr-xr-t`: ten letters. */
export function modeText(kind: InodeKind, mode: number): string {
  const bit = (mask: number, letter: string): string => ((mode & mask) === 0 ? '-' : letter)
  // setuid, setgid and sticky share a place with the execute bit: lower case when both are set.
  const execute = (mask: number, special: number, letter: string): string => {
    if ((mode & special) === 0) return bit(mask, 'x')
    return (mode & mask) === 0 ? letter.toUpperCase() : letter
  }
  return [
    KIND_LETTERS[kind],
    bit(0o400, 'r'), bit(0o200, 'w'), execute(0o100, 0o4000, 's'),
    bit(0o040, 'r'), bit(0o020, 'w'), execute(0o010, 0o2000, 's'),
    bit(0o004, 'r'), bit(0o002, 'w'), execute(0o001, 0o1000, 't'),
  ].join('')
}

/** Size as ls shows it: bytes of a file, length of a symlink's target, `major, minor` of a device. */
function sizeText(inode: Inode): string {
  if (inode.kind === 'file') return String(inode.size)
  if (inode.kind === 'symlink') return String(inode.target.length)
  return inode.kind === 'char' || inode.kind === 'block' ? `${inode.major}, ${inode.minor}` : '0'
}

/** One line: mode, owner, group, size, time, path. */
export function longEntryLine({ path, inode }: ShownEntry): string {
  const owner = printableText(inode.user || String(inode.uid)).padEnd(8)
  const group = printableText(inode.group || String(inode.gid)).padEnd(8)
  const target = inode.kind === 'symlink' ? ` -> ${pathText(inode.target)}` : ''
  const time = formatTime(inode.mtimeSeconds * 1000)
  return `${modeText(inode.kind, inode.mode)} ${owner} ${group} ${sizeText(inode).padStart(12)} ${time} ${pathText(path)}${target}`
}

/** ISO 8601 in UTC with nanoseconds; seconds as a number where a calendar has no such year. */
export function timeText(seconds: number, nanos: number): string {
  const date = new Date(seconds * 1000)
  const fraction = String(nanos).padStart(9, '0')
  return Number.isNaN(date.getTime()) ? `${seconds}.${fraction}` : date.toISOString().replace(/\.\d+Z$/, `.${fraction}Z`)
}

export function entryRecord({ path, inode }: ShownEntry): Record<string, unknown> {
  return {
    path: pathText(path),
    kind: inode.kind,
    mode: inode.mode.toString(8).padStart(4, '0'),
    uid: inode.uid,
    gid: inode.gid,
    user: inode.user,
    group: inode.group,
    mtime: timeText(inode.mtimeSeconds, inode.mtimeNanos),
    ...(inode.kind === 'file' ? { size: inode.size } : {}),
    ...(inode.kind === 'symlink' ? { target: pathText(inode.target) } : {}),
    ...(inode.kind === 'char' || inode.kind === 'block' ? { major: inode.major, minor: inode.minor } : {}),
  }
}
