// What becomes of one name, given what stands there already. Pure: the table of the overwrite modes.
import { readlinkSync } from 'node:fs'
import { bufferOf } from '../posix/directories.ts'
import type { FileStat } from '../posix/stat.ts'
import type { Inode } from '../tree/entry.ts'
import { mtimeNs, statMatches, type FileAttributes } from './file-attributes.ts'

/**
 * `always`: content is compared, differing blocks are rewritten. `if-changed`: equal size and mtime count as unchanged.
 * `if-newer`: only what is older than the snapshot's is touched. `never`: what exists stays.
 */
export type OverwriteMode = 'always' | 'if-changed' | 'if-newer' | 'never'

/**
 * `create`: nothing is there. `replace`: what is there goes, then create. `keep`: protected by the mode. `compare`: a file
 * whose blocks are compared, and differing ones written in place. `compare-then-replace`: the same, but nothing is written
 * through. `attributes`: the content is right.
 */
export type Decision = 'create' | 'replace' | 'keep' | 'compare' | 'compare-then-replace' | 'attributes'

export interface Situation {
  readonly overwrite: OverwriteMode
  readonly inode: Inode
  readonly attributes: FileAttributes
  /** Has further names in the snapshot. */
  readonly isLinked: boolean
  readonly existing: FileStat | undefined
  /** Target of the symlink that is there. */
  readonly readTarget: () => Uint8Array
}

export function decide(situation: Situation): Decision {
  const { overwrite, inode, attributes, isLinked, existing } = situation
  if (existing === undefined) return 'create'
  if (overwrite === 'never') return 'keep'
  if (overwrite === 'if-newer' && existing.mtimeNs >= mtimeNs(inode)) return 'keep'
  if (existing.type !== inode.kind) return 'replace'
  // Another name of that inode may lie anywhere: what is written here would change it there.
  const isShared = existing.nlink > 1
  if (isShared && !isLinked) return 'replace'
  if (inode.kind === 'file') {
    const isTrusted = overwrite === 'if-changed' && existing.sizeBytes === inode.size && existing.mtimeNs === mtimeNs(inode)
    if (!isShared) return isTrusted ? 'attributes' : 'compare'
    if (!statMatches(existing, attributes)) return 'replace'
    return isTrusted ? 'attributes' : 'compare-then-replace'
  }
  if (isShared && !statMatches(existing, attributes)) return 'replace'
  return isSameSpecial(inode, existing, situation.readTarget) ? 'attributes' : 'replace'
}

function isSameSpecial(inode: Inode, existing: FileStat, readTarget: () => Uint8Array): boolean {
  if (inode.kind === 'symlink') return Buffer.compare(inode.target, readTarget()) === 0
  if (inode.kind === 'char' || inode.kind === 'block') {
    return existing.rdevMajor === inode.major && existing.rdevMinor === inode.minor
  }
  return true
}

export const symlinkTarget = (path: Uint8Array): Uint8Array => readlinkSync(bufferOf(path), { encoding: 'buffer' })
