// Hard links: the first name of an inode is written, the others are linked to it once it is there.
import { linkSync } from 'node:fs'
import { describeError, errnoOf } from '../errors/vault-error.ts'
import { childPath } from '../posix/directories.ts'
import { readStatAt } from '../posix/stat.ts'
import { pathText } from '../snapshot/path-text.ts'
import type { LinkRecord } from '../tree/entry.ts'
import type { OverwriteMode } from './decision.ts'
import { mtimeNs } from './file-attributes.ts'
import type { FileWork } from './file-work.ts'
import { removeOne } from './removal.ts'
import type { OpenDirectories, TargetDirectory } from './target-directory.ts'
import type { Tally } from './tally.ts'

/** The name of a linked inode that was written by this run or found right. */
export interface LinkSource {
  readonly directory: TargetDirectory
  readonly name: Uint8Array
  /** The file that was written, if it is one. */
  readonly file: FileWork | undefined
}

/** First names by link id. An inode is forgotten when all names that its record counts have been seen. */
export class LinkSources {
  readonly #sources = new Map<bigint, { readonly source: LinkSource; left: number }>()

  set(record: LinkRecord, source: LinkSource): void {
    if (record.nlink > 1) this.#sources.set(record.link, { source, left: record.nlink - 1 })
  }

  /** The first name, for one more. */
  take(link: bigint): LinkSource | undefined {
    const known = this.#sources.get(link)
    if (known === undefined) return undefined
    if (--known.left <= 0) this.#sources.delete(link)
    return known.source
  }
}

export interface Linking {
  readonly directories: OpenDirectories
  readonly tally: Tally
  readonly overwrite: OverwriteMode
  readonly isDryRun: boolean
}

export interface FurtherName {
  readonly source: LinkSource
  readonly directory: TargetDirectory
  readonly name: Uint8Array
  readonly record: LinkRecord
  /** Something was there when the walk came by. */
  readonly exists: boolean
}

/** Makes a further name. Whatever else has that name goes, as far as the overwrite mode allows. */
export function makeLink(further: FurtherName, linking: Linking): void {
  const { source, directory, name, record, exists } = further
  const { directories, tally, isDryRun } = linking
  const path = directory.pathOf(name)
  if (source.file?.hasFailed) {
    tally.problem(path, 'target-unwritable', `not linked: ${pathText(source.file.path())}, the same file, was not restored`)
    return
  }
  if (source.file && source.file.missing.length > 0) {
    tally.problem(path, 'vault-damaged', `damaged, like ${pathText(source.file.path())}, the same file`, source.file.missing)
  }
  try {
    const isRight = exists && isDone(further, linking)
    if (isRight) return
    if (!isDryRun) {
      // Both stay open at once.
      const sourceFd = directories.pin(source.directory)
      try {
        linkSync(childPath(sourceFd, source.name), childPath(directories.fdOf(directory), name))
      } finally {
        directories.unpin(source.directory)
      }
    }
    tally.report.links++
    tally.change(exists ? 'replace' : 'create', record.inode.kind, () => path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') return tally.failure(path, error)
    const first = pathText(source.directory.pathOf(source.name))
    tally.refusal(path, 'ENOENT', `cannot be linked to ${first}, which is not there: ${describeError(error)}`)
  }
}

/** True when the name is right already or stays as it is; else it is free afterwards. */
function isDone({ source, directory, name, record }: FurtherName, linking: Linking): boolean {
  const { directories, tally, overwrite, isDryRun } = linking
  const existing = readStatAt(directories.fdOf(directory), name)
  const isProtected = overwrite === 'never' || (overwrite === 'if-newer' && existing.mtimeNs >= mtimeNs(record.inode))
  const first = isDryRun && source.directory.state === 'absent' ? undefined : statOf(source, directories)
  if (first && first.ino === existing.ino && first.dev === existing.dev) {
    tally.report.links++
    return true
  }
  if (isProtected) {
    tally.report.kept++
    return true
  }
  if (!isDryRun && first) removeOne(directories.fdOf(directory), name, existing.type)
  return false
}

function statOf({ directory, name }: LinkSource, directories: OpenDirectories): ReturnType<typeof readStatAt> | undefined {
  try {
    return readStatAt(directories.fdOf(directory), name)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
