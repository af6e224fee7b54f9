// Directories of the snapshot as directories of the target: made, taken over, or put in place of something else; and their
// attributes, when all below is done.
import { mkdirSync } from 'node:fs'
import { childPath, selfPath } from '../posix/directories.ts'
import { setMode } from '../posix/nodes.ts'
import { isRoot } from '../posix/owners.ts'
import { fileStat, readStatAt } from '../posix/stat.ts'
import { newAttributeOutcome, setAttributes } from './attribute-setting.ts'
import { ExistingNames } from './existing-names.ts'
import { isLeftAsIs, type FileAttributes } from './file-attributes.ts'
import type { OverwriteMode } from './decision.ts'
import { removeOne } from './removal.ts'
import type { OpenDirectories } from './target-directory.ts'
import type { Tally } from './tally.ts'
import type { WalkFrame } from './walk-frame.ts'

/** Nobody else looks in before owner and mode are set. */
const MODE_WHILE_FILLED = 0o700

export interface DirectoryMaking {
  readonly directories: OpenDirectories
  readonly tally: Tally
  readonly overwrite: OverwriteMode
  readonly isDryRun: boolean
}

/** Looks at what is in a directory's place; makes and removes nothing. */
export function inspectDirectory(frame: WalkFrame, exists: boolean, making: DirectoryMaking): void {
  const { directory } = frame
  if (!exists || directory.parent === undefined) return
  const stat = readStatAt(making.directories.fdOf(directory.parent), directory.name)
  if (stat.type === 'directory') adoptDirectory(frame, making)
  else frame.conflict = stat
}

/** Takes over a directory that is there. */
export function adoptDirectory(frame: WalkFrame, making: DirectoryMaking): void {
  const fd = making.directories.fdOf(frame.directory)
  const stat = fileStat(fd)
  const { mode } = stat
  frame.statBefore = stat
  if (!isRoot() && !making.isDryRun && (mode & MODE_WHILE_FILLED) !== MODE_WHILE_FILLED) {
    setMode(frameTarget(frame, making.directories), mode | MODE_WHILE_FILLED)
    frame.modeBefore = mode
  }
  frame.existing = ExistingNames.of(fd)
  frame.directory.state = 'existed'
  frame.isReady = true
}

/** Sees to it that the directory is there, with all above it. False when it cannot or must not be: that is reported once. */
export function makeReady(frame: WalkFrame, making: DirectoryMaking): boolean {
  const pending: WalkFrame[] = []
  for (let at: WalkFrame | undefined = frame; at !== undefined && !at.isReady; at = at.above) pending.push(at)
  for (const next of pending.reverse()) {
    if (next.isRefused || next.above?.isRefused) {
      next.isRefused = true
      return false
    }
    try {
      make(next, making)
    } catch (error) {
      next.isRefused = true
      making.tally.failure(next.directory.path(), error)
    }
    if (next.isRefused) return false
  }
  return true
}

function make(frame: WalkFrame, making: DirectoryMaking): void {
  const { directory, conflict } = frame
  const { tally, directories, isDryRun, overwrite } = making
  if (conflict && overwrite === 'never') {
    tally.report.kept++
    tally.warning('something that is no directory is in its place and is kept: nothing below is restored', directory.path())
    frame.isRefused = true
    return
  }
  if (!isDryRun && directory.parent) {
    const parentFd = directories.fdOf(directory.parent)
    if (conflict) removeOne(parentFd, directory.name, conflict.type)
    mkdirSync(childPath(parentFd, directory.name), MODE_WHILE_FILLED)
    directory.state = 'made'
  }
  frame.isReady = true
  tally.change(conflict ? 'replace' : 'create', 'directory', () => directory.path())
}

/** By a path that works also when the directory itself may not be entered. */
function frameTarget({ directory }: WalkFrame, directories: OpenDirectories): Uint8Array {
  const { parent } = directory
  return parent ? childPath(directories.fdOf(parent), directory.name) : selfPath(directories.fdOf(directory))
}

/** Sets the attributes of a directory in which everything is done; `attributes` absent: as they were. */
export function leaveDirectory(frame: WalkFrame, attributes: FileAttributes | undefined, making: DirectoryMaking): void {
  const { tally, directories, isDryRun } = making
  const { statBefore } = frame
  if (attributes && statBefore && !isLeftAsIs(statBefore, attributes)) tally.change('attributes', 'directory', () => frame.directory.path())
  if (isDryRun) return
  const outcome = newAttributeOutcome()
  try {
    // Root can enter any directory: by its descriptor it is surely the one that was filled.
    const target = isRoot() ? selfPath(directories.fdOf(frame.directory)) : frameTarget(frame, directories)
    if (attributes) setAttributes(target, { attributes, isSymlink: false, mayHaveXattrs: true, extent: 'all' }, outcome)
    else if (frame.modeBefore !== undefined) setMode(target, frame.modeBefore)
  } catch (error) {
    tally.failure(frame.directory.path(), error)
  }
  tally.report.ownersRefused += outcome.ownersRefused
  tally.report.xattrsRefused += outcome.xattrsRefused
  for (const message of outcome.warnings) tally.warning(message, frame.directory.path())
}
