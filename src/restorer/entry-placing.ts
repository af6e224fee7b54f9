// What is not a directory: decides by what is there, makes what has no content at once, and sends files on to the window.
import { isVaultError, VaultError } from '../errors/vault-error.ts'
import { childPath } from '../posix/directories.ts'
import { readStatAt, type FileStat } from '../posix/stat.ts'
import { readContentList } from '../tree/content-list.ts'
import { summaryOf, type ContentItem, type Entry, type Inode, type InodeKind, type LinkRecord } from '../tree/entry.ts'
import type { BlobLoader } from '../tree/node.ts'
import { decide, symlinkTarget, type Decision } from './decision.ts'
import { isLeftAsIs, loadAttributes, withXattrs, type FileAttributes, type OwnersBy } from './file-attributes.ts'
import { FileWork, WINDOW_ITEMS_MAX, type FileInode, type Window } from './file-work.ts'
import { LinkSources, makeLink, type Linking } from './link-places.ts'
import { isDamage, type LinkRecords } from './link-records.ts'
import { removeOne, removeTree } from './removal.ts'
import type { Selection } from './selection.ts'
import { placeSpecial, type SpecialInode } from './special-files.ts'
import type { TargetDirectory } from './target-directory.ts'

export interface PlacingTools extends Linking {
  readonly loader: BlobLoader
  readonly links: LinkRecords | undefined
  readonly ownersBy: OwnersBy
  readonly deletesExtra: boolean
  readonly select: Selection
  /** The window that is being filled. */
  readonly window: () => Window
  /** Sends the window off and starts the next. */
  readonly flush: () => Promise<void>
}

/** One name on its way. */
interface Placement {
  readonly directory: TargetDirectory
  readonly name: Uint8Array
  readonly inode: Inode
  readonly attributes: FileAttributes
  readonly existing: FileStat | undefined
  readonly record: LinkRecord | undefined
}

export class EntryPlacer {
  readonly #tools: PlacingTools
  readonly #sources = new LinkSources()

  constructor(tools: PlacingTools) {
    this.#tools = tools
  }

  /** `exists`: the target has that name. Damage and refusals concern this entry only and are reported. */
  async place(directory: TargetDirectory, entry: Entry, exists: boolean): Promise<void> {
    const { tally, overwrite, directories } = this.#tools
    try {
      const record = 'inode' in entry ? undefined : await this.#record(entry.link)
      if (record && this.#linkToFirst(directory, entry.name, record, exists)) {
        tally.work.leaveOut({ bytes: summaryOf(entry).bytes })
        return
      }
      const inode = 'inode' in entry ? entry.inode : record?.inode
      if (!inode) return
      const attributes = await this.#attributes(inode, directory, entry.name)
      const existing = exists ? readStatAt(directories.fdOf(directory), entry.name) : undefined
      const placement: Placement = { directory, name: entry.name, inode, attributes, existing, record }
      const decision = decide({
        overwrite, inode, attributes, existing, isLinked: record !== undefined,
        readTarget: () => symlinkTarget(childPath(directories.fdOf(directory), entry.name)),
      })
      if (decision === 'keep') {
        tally.report.kept++
        tally.work.leaveOut({ bytes: summaryOf(entry).bytes })
      } else if (decision !== 'replace' || this.#clear(placement)) await this.#put(placement, decision)
    } catch (error) {
      tally.work.leaveOut({ bytes: summaryOf(entry).bytes })
      tally.failure(directory.pathOf(entry.name), error)
    }
  }

  #record(link: bigint): Promise<LinkRecord> {
    const { links } = this.#tools
    if (!links) throw new VaultError('vault-damaged', 'the snapshot has a hard link and no link table')
    return links.find(link)
  }

  #linkToFirst(directory: TargetDirectory, name: Uint8Array, record: LinkRecord, exists: boolean): boolean {
    const source = this.#sources.take(record.link)
    if (!source) return false
    const further = { source, directory, name: name.slice(), record, exists }
    this.#tools.window().after.push(() => makeLink(further, this.#tools))
    return true
  }

  /** Lost xattrs do not keep a file from being restored. */
  async #attributes(inode: Inode, directory: TargetDirectory, name: Uint8Array): Promise<FileAttributes> {
    const { loader, ownersBy, tally } = this.#tools
    if (!('blob' in inode.xattrs)) return withXattrs(inode, inode.xattrs, ownersBy)
    try {
      return await loadAttributes(inode, loader, ownersBy)
    } catch (error) {
      if (!isDamage(error)) throw error
      tally.problem(directory.pathOf(name), 'vault-damaged', `restored without its xattrs: ${error.message}`)
      return withXattrs(inode, [], ownersBy)
    }
  }

  /** Takes away what is in the place. False when it stays. */
  #clear({ directory, name, existing }: Placement): boolean {
    const { directories, isDryRun, deletesExtra, select, tally } = this.#tools
    if (!existing) return true
    if (existing.type === 'directory' && deletesExtra) {
      let isClear = true
      const onFailure = (path: Uint8Array, error: unknown): void => {
        isClear = false
        tally.failure(path, error)
      }
      const onRemoved = (path: Uint8Array, kind: InodeKind): void => tally.removed(path, kind)
      removeTree(directories, directory, name, { select, isDryRun, onRemoved, onFailure })
      return isClear
    }
    if (!isDryRun) removeOne(directories.fdOf(directory), name, existing.type)
    return true
  }

  async #put(placement: Placement, decision: Exclude<Decision, 'keep'>): Promise<void> {
    const { inode } = placement
    if (inode.kind === 'file') await this.#file(placement, inode, decision)
    else if (inode.kind !== 'directory') this.#special(placement, inode, decision)
  }

  #special({ directory, name, attributes, record, existing }: Placement, inode: SpecialInode, decision: Decision): void {
    const { tally, isDryRun, directories } = this.#tools
    if (!isDryRun) {
      try {
        const exists = decision === 'attributes'
        const outcome = placeSpecial(directories.fdOf(directory), name, { inode, attributes, exists })
        tally.report.ownersRefused += outcome.ownersRefused
        tally.report.xattrsRefused += outcome.xattrsRefused
        for (const message of outcome.warnings) tally.warning(message, directory.pathOf(name))
      } catch (error) {
        const isDevice = inode.kind === 'char' || inode.kind === 'block'
        if (!isDevice || !(error instanceof Error && 'code' in error && error.code === 'EPERM')) throw error
        tally.warning('device not made: only root may', directory.pathOf(name))
        return
      }
    }
    if (record) this.#sources.set(record, { directory, name: name.slice(), file: undefined })
    tally.report.others++
    const isChanged = decision !== 'attributes' || (existing !== undefined && !isLeftAsIs(existing, attributes))
    if (!isChanged) return
    tally.change(decision === 'create' || decision === 'replace' ? decision : 'attributes', inode.kind, () => directory.pathOf(name))
  }

  async #file(placement: Placement, inode: FileInode, decision: Exclude<Decision, 'keep'>): Promise<void> {
    const { directory, name, attributes, existing, record } = placement
    const { directories, isDryRun } = this.#tools
    const isList = 'list' in inode.content
    const isHopeless = decision === 'compare-then-replace' && (isList || existing?.sizeBytes !== inode.size)
    if (isHopeless && !this.#clear(placement)) return
    const intent = isHopeless || decision === 'replace' ? 'create' : decision
    const isThere = !(isDryRun && directory.state === 'absent')
    const mayHaveXattrs = isThere && (intent !== 'create' || directory.hasDefaultAcl(directories.fdOf(directory)))
    const file = new FileWork({ directory, name, inode, attributes, existing, intent, mayHaveXattrs })
    if (record) this.#sources.set(record, { directory, name: name.slice(), file })
    if ('list' in inode.content) await this.#listed(file, inode.content.list)
    else this.#add(file, 0, inode.content.items, 'last')
    if (this.#tools.window().isFull) await this.#tools.flush()
  }

  #add(file: FileWork, offset: number, items: readonly ContentItem[], position: 'last' | 'more'): void {
    const window = this.#tools.window()
    const isThere = !(this.#tools.isDryRun && file.directory.state === 'absent')
    if (isThere && !window.pinned.has(file.directory)) {
      this.#tools.directories.pin(file.directory)
      window.pinned.add(file.directory)
    }
    window.add({ file, offset, items, isLast: position === 'last' })
    if (position === 'last') this.#tools.tally.work.queue()
  }

  /** A long file goes through as many windows as it needs. */
  async #listed(file: FileWork, list: NonNullable<Extract<FileInode['content'], { list: unknown }>>['list']): Promise<void> {
    let items: ContentItem[] = []
    let start = 0
    let at = 0
    try {
      for await (const item of readContentList(this.#tools.loader, list)) {
        if (at + item.length > file.inode.size) throw new VaultError('vault-damaged', 'its content list is longer than it')
        items.push(item)
        at += item.length
        if (this.#tools.window().itemCount + items.length < WINDOW_ITEMS_MAX) continue
        this.#add(file, start, items, 'more')
        await this.#tools.flush()
        items = []
        start = at
      }
      if (at < file.inode.size) throw new VaultError('vault-damaged', 'its content list is shorter than it')
    } catch (error) {
      if (!isVaultError(error, 'vault-damaged', 'object-missing')) throw error
      file.missing.push({ offset: at, length: file.inode.size - at })
      file.missingReason = error.message
      this.#tools.tally.work.leaveOut({ bytes: file.inode.size - at })
    }
    this.#add(file, start, items, 'last')
  }
}
