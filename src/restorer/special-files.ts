import { symlinkSync } from 'node:fs'
import { bufferOf, childPath } from '../posix/directories.ts'
import { makeNode } from '../posix/nodes.ts'
import type { Inode } from '../tree/entry.ts'
import { newAttributeOutcome, setAttributes, type AttributeOutcome } from './attribute-setting.ts'
import type { FileAttributes } from './file-attributes.ts'

/** An inode without content: symlink, fifo, socket, device. */
export type SpecialInode = Exclude<Inode, { kind: 'file' | 'directory' }>

/** Makes it, or takes what is there, and sets its attributes. Throws the system's errors: EPERM for devices, unless root. */
export function placeSpecial(
  directoryFd: number, name: Uint8Array, special: { inode: SpecialInode; attributes: FileAttributes; exists: boolean },
): AttributeOutcome {
  const { inode, attributes, exists } = special
  const path = childPath(directoryFd, name)
  if (!exists) {
    if (inode.kind === 'symlink') symlinkSync(bufferOf(inode.target), path)
    else if ('major' in inode) makeNode(path, inode.kind, 0o600, inode.major, inode.minor)
    else makeNode(path, inode.kind, 0o600)
  }
  const outcome = newAttributeOutcome()
  setAttributes(path, { attributes, isSymlink: inode.kind === 'symlink', mayHaveXattrs: true, extent: 'all' }, outcome)
  return outcome
}
