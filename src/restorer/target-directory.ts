// Directories of the target, and their descriptors. A directory is opened component by component, O_PATH and O_NOFOLLOW,
// so that neither a hostile tree nor a symlink planted in the target leads elsewhere, at any depth. Descriptors belong to
// the process: the main thread opens, worker threads use the numbers while a window pins them.
import { closeSync } from 'node:fs'
import { assert } from '../errors/assert.ts'
import { openDirectoryNoFollow, selfPath } from '../posix/directories.ts'
import { getXattr } from '../posix/xattrs.ts'

/** A directory below the target (or the target itself, without parent). Made when entered, dropped when left. */
export class TargetDirectory {
  readonly parent: TargetDirectory | undefined
  readonly name: Uint8Array
  /** `absent`: not there (yet); `existed`; `made`: by this run, so nothing else is in it. */
  state: 'absent' | 'existed' | 'made' = 'absent'
  #hasDefaultAcl: boolean | undefined

  constructor(parent: TargetDirectory | undefined, name: Uint8Array) {
    this.parent = parent
    this.name = name
  }

  /** True when what is made in it inherits ACL entries. */
  hasDefaultAcl(fd: number): boolean {
    return (this.#hasDefaultAcl ??= getXattr(selfPath(fd), DEFAULT_ACL) !== undefined)
  }

  /** Relative to the target; empty for the target. */
  path(): Uint8Array {
    return this.parent === undefined ? new Uint8Array(0) : this.parent.pathOf(this.name)
  }

  /** Path of a child, relative to the target. */
  pathOf(name: Uint8Array): Uint8Array {
    const parts: Uint8Array[] = [name]
    let at: TargetDirectory | undefined = this
    for (; at?.parent !== undefined; at = at.parent) parts.push(SLASH, at.name)
    return new Uint8Array(Buffer.concat(parts.reverse()))
  }
}

const DEFAULT_ACL = Buffer.from('system.posix_acl_default')
const SLASH = Buffer.from('/')

interface OpenDirectory {
  readonly fd: number
  pins: number
}

/** Descriptors kept open that nobody has pinned. */
const IDLE_MAX = 128

/** The descriptors of target directories: pinned ones, and the most recently used others. */
export class OpenDirectories {
  /** In order of last use. */
  readonly #open = new Map<TargetDirectory, OpenDirectory>()
  #pinned = 0

  /** Takes over `rootFd`, an O_PATH descriptor; undefined in a dry run into nowhere. */
  constructor(root: TargetDirectory, rootFd: number | undefined) {
    if (rootFd === undefined) return
    this.#open.set(root, { fd: rootFd, pins: 1 })
    this.#pinned = 1
  }

  /** Valid until the next call, or while pinned. Throws ELOOP, ENOTDIR or ENOENT when something else is in its place. */
  fdOf(directory: TargetDirectory): number {
    return this.#find(directory).fd
  }

  pin(directory: TargetDirectory): number {
    const open = this.#find(directory)
    if (open.pins++ === 0) this.#pinned++
    return open.fd
  }

  unpin(directory: TargetDirectory): void {
    const open = this.#open.get(directory)
    assert(open && open.pins > 0, 'directory is pinned')
    if (--open.pins === 0) this.#pinned--
    this.#evict(undefined)
  }

  #find(directory: TargetDirectory): OpenDirectory {
    const known = this.#open.get(directory)
    if (known !== undefined) {
      this.#open.delete(directory)
      this.#open.set(directory, known)
      return known
    }
    const missing: TargetDirectory[] = []
    let at: TargetDirectory | undefined = directory
    for (; at !== undefined && !this.#open.has(at); at = at.parent) missing.push(at)
    assert(at, 'the target directory is open')
    let open = this.#open.get(at)
    for (const next of missing.reverse()) {
      assert(open, 'parent is open')
      open = { fd: openDirectoryNoFollow(open.fd, next.name), pins: 0 }
      this.#open.set(next, open)
      this.#evict(next)
    }
    assert(open, 'directory is open')
    return open
  }

  #evict(inUse: TargetDirectory | undefined): void {
    let idle = this.#open.size - this.#pinned
    if (idle <= IDLE_MAX) return
    for (const [directory, { fd, pins }] of this.#open) {
      if (pins > 0 || directory === inUse) continue
      this.#open.delete(directory)
      closeSync(fd)
      if (--idle <= IDLE_MAX) return
    }
  }

  /** Closes a directory that is about to be removed. */
  drop(directory: TargetDirectory): void {
    const open = this.#open.get(directory)
    if (open === undefined) return
    assert(open.pins === 0, 'a pinned directory stays')
    this.#open.delete(directory)
    closeSync(open.fd)
  }

  close(): void {
    for (const { fd } of this.#open.values()) closeSync(fd)
    this.#open.clear()
  }
}
