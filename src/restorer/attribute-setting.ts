// Sets attributes on what lies on disk. The order matters:
//   owner first, as chown takes setuid, setgid and security.capability away;
//   xattrs before the mode, as user.* of a file that is 0444 is refused to its owner;
//   ACLs after the mode, as chmod rewrites an ACL's mask;
//   times last.
import { errnoOf } from '../errors/vault-error.ts'
import { setMode, setOwner } from '../posix/nodes.ts'
import type { FileTarget } from '../posix/libc.ts'
import { isRoot } from '../posix/owners.ts'
import { setTimes } from '../posix/times.ts'
import { getXattr, listXattrs, removeXattr, setXattr } from '../posix/xattrs.ts'
import type { Xattr } from '../tree/entry.ts'
import type { FileAttributes } from './file-attributes.ts'

export interface AttributeWish {
  readonly attributes: FileAttributes
  readonly isSymlink: boolean
  /** May have xattrs that it must not have: it existed, or its directory has a default ACL. */
  readonly mayHaveXattrs: boolean
  /** `content-lost`: all but the mtime, which would make a damaged file pass for the real one next time. */
  readonly extent: 'all' | 'xattrs' | 'content-lost'
}

export interface AttributeOutcome {
  ownersRefused: number
  xattrsRefused: number
  readonly warnings: string[]
}

export const newAttributeOutcome = (): AttributeOutcome => ({ ownersRefused: 0, xattrsRefused: 0, warnings: [] })

const SETUID_SETGID = 0o6000
const XATTR_REFUSALS = new Set(['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSPC', 'E2BIG', 'ERANGE', 'EINVAL', 'EDQUOT'])

/** Throws system errors of chmod and utimensat; a refused owner or xattr is only noted in `outcome`. */
export function setAttributes(target: FileTarget, wish: AttributeWish, outcome: AttributeOutcome): void {
  const { attributes, extent } = wish
  if (extent === 'xattrs') {
    syncXattrs(target, attributes.xattrs, 'both', wish, outcome)
    return
  }
  const isOwned = setOwnerIfAllowed(target, attributes, outcome)
  syncXattrs(target, attributes.xattrs, 'plain', wish, outcome)
  // A program that was setuid root must not become setuid for whoever restored it.
  if (!wish.isSymlink) setMode(target, isOwned ? attributes.mode : attributes.mode & ~SETUID_SETGID)
  syncXattrs(target, attributes.xattrs, 'acl', wish, outcome)
  if (extent === 'content-lost') return
  setTimes(target, 'omit', { seconds: attributes.mtimeSeconds, nanoseconds: attributes.mtimeNanos })
}

function setOwnerIfAllowed(target: FileTarget, { uid, gid }: FileAttributes, outcome: AttributeOutcome): boolean {
  try {
    setOwner(target, uid, gid)
    return true
  } catch (error) {
    // EINVAL: an id that the user namespace does not map.
    if (errnoOf(error) !== 'EPERM' && errnoOf(error) !== 'EINVAL') throw error
  }
  outcome.ownersRefused++
  try {
    setOwner(target, -1, gid)
  } catch (error) {
    if (errnoOf(error) !== 'EPERM' && errnoOf(error) !== 'EINVAL') throw error
  }
  return false
}

/** ACLs and the like, which stand beside the mode. */
const isSystem = (name: Uint8Array): boolean => Buffer.from(name.subarray(0, 7)).toString('latin1') === 'system.'

function isRemovable(name: Uint8Array): boolean {
  const text = Buffer.from(name).toString('latin1')
  // The labels of a security module are the machine's, not the file's.
  return text.startsWith('user.') || text.startsWith('trusted.') || text.startsWith('system.posix_acl_') ||
    text === 'security.capability'
}

function syncXattrs(
  target: FileTarget, xattrs: readonly Xattr[], part: 'plain' | 'acl' | 'both', wish: AttributeWish, outcome: AttributeOutcome,
): void {
  if (xattrs.length === 0 && !wish.mayHaveXattrs) return
  const isPart = (name: Uint8Array): boolean => part === 'both' || (part === 'acl') === isSystem(name)
  if (wish.mayHaveXattrs) {
    for (const name of listXattrs(target)) {
      const isWanted = xattrs.some((xattr) => Buffer.compare(xattr.name, name) === 0)
      if (!isWanted && isPart(name) && isRemovable(name)) attempt('remove', name, outcome, () => removeXattr(target, name))
    }
  }
  for (const { name, value } of xattrs) {
    if (!isPart(name)) continue
    const known = wish.mayHaveXattrs ? getXattr(target, name) : undefined
    if (known !== undefined && Buffer.compare(known, value) === 0) continue
    attempt('set', name, outcome, () => setXattr(target, name, value))
  }
}

function attempt(verb: 'set' | 'remove', name: Uint8Array, outcome: AttributeOutcome, change: () => void): void {
  try {
    change()
  } catch (error) {
    const errno = errnoOf(error) ?? ''
    if (!XATTR_REFUSALS.has(errno)) throw error
    // xattr(7): these need a capability, so that without root they are like owners: everyday life, said once.
    if (errno === 'EPERM' && !isRoot() && /^(security|trusted)\./.test(Buffer.from(name).toString('latin1'))) {
      outcome.xattrsRefused++
      return
    }
    outcome.warnings.push(`cannot ${verb} xattr ${Buffer.from(name).toString('utf8')} (${errno})`)
  }
}
