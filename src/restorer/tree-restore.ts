// The walk through a snapshot's tree: entries in order, directories entered and left, windows filled and sent off. While one
// is being written, the next one is fetched and the one after filled; they never overtake each other.
import type { BlobId } from '../ids/ids.ts'
import { treeSummary } from '../tree/directory.ts'
import { kindOf, summaryOf, type Entry, type Inode, type InodeKind } from '../tree/entry.ts'
import { directoryPieces, type DirectoryPiece } from './directory-leaves.ts'
import { adoptDirectory, inspectDirectory, leaveDirectory, makeReady } from './directory-making.ts'
import { EntryPlacer, type PlacingTools } from './entry-placing.ts'
import { loadAttributes, withXattrs, type FileAttributes } from './file-attributes.ts'
import { Window } from './file-work.ts'
import { isDamage } from './link-records.ts'
import { stopIfInterrupted } from './range-fetching.ts'
import { joinPath, removeTree } from './removal.ts'
import { TargetDirectory } from './target-directory.ts'
import { WalkFrame } from './walk-frame.ts'
import { runWindow, settled, type WindowOutcome, type WindowTools } from './window-run.ts'

/** Entries between two turns of the event loop, in which workers' replies are heard. */
const ENTRIES_PER_TURN = 128

/** A directory, whose contents go into the target, and which gives it its attributes if `inode` is there; or one entry. */
export type RestoreRoot = { readonly tree: BlobId; readonly inode?: Inode } | { readonly entry: Entry }

export interface TreeRestoreTools extends WindowTools, Omit<PlacingTools, 'window' | 'flush'> {}

export class TreeRestore {
  readonly #tools: TreeRestoreTools
  readonly #placer: EntryPlacer
  #window = new Window()
  #running: Promise<WindowOutcome> = Promise.resolve(undefined)
  /** The window before the running one. */
  #earlier: Promise<WindowOutcome> = Promise.resolve(undefined)
  #entriesSeen = 0

  constructor(tools: TreeRestoreTools) {
    this.#tools = tools
    this.#placer = new EntryPlacer({ ...tools, window: () => this.#window, flush: () => this.#flush() })
  }

  /** Restores `root` into `target`. When it returns or throws nothing is under way. */
  async run(root: RestoreRoot, target: TargetDirectory): Promise<void> {
    try {
      const frame = this.#rootFrame(root, target)
      await this.#planWork(root)
      await this.#walk(frame)
      await this.#flush()
      await settled(this.#running)
    } finally {
      await this.#running
      for (const directory of this.#window.pinned) this.#tools.directories.unpin(directory)
    }
  }

  async #planWork(root: RestoreRoot): Promise<void> {
    const { loader, tally } = this.#tools
    try {
      tally.work.plan('entry' in root ? summaryOf(root.entry) : root.inode?.kind === 'directory' ? root.inode.summary : await treeSummary(loader, root.tree))
    } catch (error) {
      // The walk will say so: without a total progress is only a count.
      if (!isDamage(error)) throw error
    }
  }

  #rootFrame(root: RestoreRoot, directory: TargetDirectory): WalkFrame {
    const { loader } = this.#tools
    const pieces = 'tree' in root ? directoryPieces(loader, root.tree) : onePiece(root.entry)
    const inode = 'tree' in root ? root.inode : undefined
    const frame = new WalkFrame({ directory, above: undefined, path: new Uint8Array(0), inode, isTaken: true }, pieces)
    try {
      if (directory.state === 'existed') adoptDirectory(frame, this.#tools)
    } catch (error) {
      this.#tools.tally.targetRefused(error)
    }
    // A single entry says nothing of its neighbours.
    if ('entry' in root) frame.hasGap = true
    frame.isReady = true
    return frame
  }

  async #walk(root: WalkFrame): Promise<void> {
    const stack = [root]
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const entry = frame.readyEntry()
      if (entry === undefined) {
        if (await frame.readMore((error) => this.#damaged(frame, error))) continue
        stack.pop()
        await this.#leave(frame)
        continue
      }
      const entered = await this.#entry(frame, entry)
      if (entered) stack.push(entered)
      if (++this.#entriesSeen % ENTRIES_PER_TURN === 0) await this.#turn()
    }
  }

  async #turn(): Promise<void> {
    stopIfInterrupted(this.#tools.signal)
    this.#tools.tally.progress()
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (this.#window.isFull) await this.#flush()
  }

  #damaged(frame: WalkFrame, error: Error): void {
    this.#tools.tally.problem(
      frame.directory.path(), 'vault-damaged', `entries of this directory cannot be read and are missing: ${error.message}`,
    )
  }

  /** Returns the frame of a directory to go into. */
  async #entry(frame: WalkFrame, entry: Entry): Promise<WalkFrame | undefined> {
    const exists = this.#pass(frame, entry.name)
    const kind = kindOf(entry)
    const path = joinPath(frame.path, entry.name)
    const choice = this.#tools.select(path, kind)
    const { work } = this.#tools.tally
    if (choice === 'skip') {
      work.leaveOut(summaryOf(entry))
      return undefined
    }
    work.pass()
    if ('inode' in entry && entry.inode.kind === 'directory') {
      const entered = this.#directory(frame, entry.name, { inode: entry.inode, path, exists, isTaken: choice === 'take' })
      if (!entered) work.leaveOut(entry.inode.summary)
      return entered
    }
    if (choice === 'take' && makeReady(frame, this.#tools)) await this.#placer.place(frame.directory, entry, exists)
    else work.leaveOut({ bytes: summaryOf(entry).bytes })
    return undefined
  }

  #directory(
    above: WalkFrame, name: Uint8Array,
    found: { inode: Inode & { kind: 'directory' }; path: Uint8Array; exists: boolean; isTaken: boolean },
  ): WalkFrame | undefined {
    const { inode, path, exists, isTaken } = found
    const directory = new TargetDirectory(above.directory, name.slice())
    const pieces = directoryPieces(this.#tools.loader, inode.tree)
    const frame = new WalkFrame({ directory, above, path, inode, isTaken }, pieces)
    try {
      inspectDirectory(frame, exists, this.#tools)
    } catch (error) {
      this.#tools.tally.failure(directory.path(), error)
      return undefined
    }
    return !isTaken || makeReady(frame, this.#tools) ? frame : undefined
  }

  /** Moves on in the target's names; deletes those that the snapshot has not, if asked to. */
  #pass(frame: WalkFrame, name: Uint8Array): boolean {
    if (!frame.existing) return false
    const { exists, extras } = frame.existing.advance(name)
    this.#deleteExtras(frame, extras)
    frame.hasGap = false
    return exists
  }

  #deleteExtras(frame: WalkFrame, extras: readonly Uint8Array[]): void {
    const { deletesExtra, directories, isDryRun, select, tally } = this.#tools
    if (!deletesExtra || frame.hasGap) return
    const onFailure = (path: Uint8Array, error: unknown): void => tally.failure(path, error)
    const onRemoved = (path: Uint8Array, kind: InodeKind): void => tally.removed(path, kind)
    for (const name of extras) removeTree(directories, frame.directory, name, { select, isDryRun, onRemoved, onFailure })
  }

  async #leave(frame: WalkFrame): Promise<void> {
    if (frame.existing) this.#deleteExtras(frame, frame.existing.rest())
    if (!frame.isReady) return
    if (frame.above) this.#tools.tally.report.directories++
    const isOurs = frame.isTaken || frame.directory.state === 'made'
    const isProtected = this.#tools.overwrite === 'never' && frame.directory.state === 'existed'
    const attributes = isOurs && !isProtected ? await this.#attributes(frame) : undefined
    this.#window.after.push(() => leaveDirectory(frame, attributes, this.#tools))
    if (this.#window.isFull) await this.#flush()
  }

  async #attributes({ inode, directory }: WalkFrame): Promise<FileAttributes | undefined> {
    const { loader, ownersBy, tally } = this.#tools
    if (!inode) return undefined
    try {
      return await loadAttributes(inode, loader, ownersBy)
    } catch (error) {
      if (!isDamage(error)) throw error
      tally.problem(directory.path(), 'vault-damaged', `restored without its xattrs: ${error.message}`)
      return withXattrs(inode, [], ownersBy)
    }
  }

  async #flush(): Promise<void> {
    const window = this.#window
    if (window.isEmpty) return
    await settled(this.#earlier)
    this.#window = new Window()
    this.#earlier = this.#running
    this.#running = runWindow(window, this.#tools, this.#running).then(() => undefined, (error: unknown) => ({ error }))
  }
}

async function* onePiece(entry: Entry): AsyncGenerator<DirectoryPiece> {
  yield { entries: [entry] }
}

