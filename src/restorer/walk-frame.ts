import type { Entry, Inode } from '../tree/entry.ts'
import type { FileStat } from '../posix/stat.ts'
import type { DirectoryPiece } from './directory-leaves.ts'
import type { ExistingNames } from './existing-names.ts'
import type { TargetDirectory } from './target-directory.ts'

/** A directory that the walk is in: the snapshot's side and the target's. */
export class WalkFrame {
  readonly directory: TargetDirectory
  readonly above: WalkFrame | undefined
  /** Relative to the root that is restored. */
  readonly path: Uint8Array
  /** Absent for a target whose own attributes stay as they are. */
  readonly inode: Inode | undefined
  /** Taken by itself, not only for what is below. */
  readonly isTaken: boolean
  readonly #pieces: AsyncGenerator<DirectoryPiece>
  #entries: readonly Entry[] = []
  #next = 0
  /** Names in the target, when it existed. */
  existing: ExistingNames | undefined
  /** Something else than a directory is in its place. */
  conflict: FileStat | undefined
  /** It exists now, or in a dry run would. */
  isReady = false
  /** It can not be made or must not be: nothing below is restored. */
  isRefused = false
  /** Entries are missing before the next one: names in the target prove nothing. */
  hasGap = false
  /** What it was when the walk came by, if it was there. */
  statBefore: FileStat | undefined
  /** Mode it had before it was made accessible to us. */
  modeBefore: number | undefined

  constructor(fields: Pick<WalkFrame, 'directory' | 'above' | 'path' | 'inode' | 'isTaken'>, pieces: AsyncGenerator<DirectoryPiece>) {
    this.directory = fields.directory
    this.above = fields.above
    this.path = fields.path
    this.inode = fields.inode
    this.isTaken = fields.isTaken
    this.#pieces = pieces
  }

  /** The next entry if it lies ready, without waiting: a promise for each of a million entries costs a second. */
  readyEntry(): Entry | undefined {
    return this.#entries[this.#next++]
  }

  /** Reads on. False at the end; a damaged part is handed to `onDamage`. */
  async readMore(onDamage: (error: Error) => void): Promise<boolean> {
    const { done, value } = await this.#pieces.next()
    if (done) return false
    this.#next = 0
    this.#entries = 'entries' in value ? value.entries : []
    if ('damage' in value) {
      this.hasGap = true
      onDamage(value.damage)
    }
    return true
  }
}
