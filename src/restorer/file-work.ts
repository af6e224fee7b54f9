// Files on their way to disk, and the windows they travel in.
import type { FileStat } from '../posix/stat.ts'
import type { ContentItem, Inode } from '../tree/entry.ts'
import type { Decision } from './decision.ts'
import { statMatches, type FileAttributes } from './file-attributes.ts'
import type { ByteSpan } from './report.ts'
import type { TargetDirectory } from './target-directory.ts'

export type FileInode = Inode & { readonly kind: 'file' }

/** One file from the moment it is found in the tree until its attributes are set. */
export class FileWork {
  readonly directory: TargetDirectory
  readonly name: Uint8Array
  readonly inode: FileInode
  readonly attributes: FileAttributes
  readonly existing: FileStat | undefined
  /** `create` once nothing is in its place any more. */
  intent: Exclude<Decision, 'keep' | 'replace'>
  mayHaveXattrs: boolean
  /** An empty file of its name has been made, or it was there. */
  isMade = false
  /** Its attributes are set: nothing more is to be done. */
  isFinished = false
  /** Mode, owner and mtime of what exists are as they must be. */
  readonly statIsRight: boolean
  /** Pieces handed out and not yet written. */
  piecesLeft = 0
  /** Pieces written, or right before. */
  piecesDone = 0
  /** Something of it was or will be written. */
  isTouched = false
  /** A system call failed: it is reported and left. */
  hasFailed = false
  /** Content the vault could not give. */
  readonly missing: ByteSpan[] = []
  missingReason = ''

  constructor(fields: Pick<FileWork, 'directory' | 'name' | 'inode' | 'attributes' | 'existing' | 'intent' | 'mayHaveXattrs'>) {
    this.directory = fields.directory
    this.name = fields.name
    this.inode = fields.inode
    this.attributes = fields.attributes
    this.existing = fields.existing
    this.intent = fields.intent
    this.mayHaveXattrs = fields.mayHaveXattrs
    this.statIsRight = fields.existing !== undefined && statMatches(fields.existing, fields.attributes)
    this.isMade = fields.intent !== 'create'
  }

  path(): Uint8Array {
    return this.directory.pathOf(this.name)
  }
}

/** Consecutive items of one file, as many as a window had room for. */
export interface FilePart {
  readonly file: FileWork
  /** Where the first item starts. */
  readonly offset: number
  readonly items: readonly ContentItem[]
  readonly isLast: boolean
  /** One byte an item after comparing: 0 is right already. Absent: all are to be written. */
  differs?: Uint8Array
}

/** What is done when the files of a window are on disk, in the order the walk met it. */
export type AfterStep = () => void

export const WINDOW_FILES_MAX = 4096
export const WINDOW_ITEMS_MAX = 16384
export const WINDOW_DIRECTORIES_MAX = 192

/** A stretch of the walk that is planned and executed as one: about 5 MB of objects whatever the size of its files. */
export class Window {
  readonly parts: FilePart[] = []
  readonly after: AfterStep[] = []
  /** Directories that stay open until the window is done. */
  readonly pinned = new Set<TargetDirectory>()
  itemCount = 0

  add(part: FilePart): void {
    this.parts.push(part)
    this.itemCount += part.items.length
  }

  get isFull(): boolean {
    return this.parts.length >= WINDOW_FILES_MAX || this.itemCount >= WINDOW_ITEMS_MAX ||
      this.pinned.size >= WINDOW_DIRECTORIES_MAX || this.after.length >= WINDOW_FILES_MAX
  }

  get isEmpty(): boolean {
    return this.parts.length === 0 && this.after.length === 0
  }
}
