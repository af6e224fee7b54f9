// Listing a directory tree in the byte order of full names, one folder at a time.
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { VaultError } from '../../errors/vault-error.ts'
import { objectName } from '../../ids/ids.ts'
import type { ListOptions, ObjectInfo, RequestCounts } from '../backend.ts'
import { throwIfInterrupted } from '../failures.ts'
import { nameOrForeign } from '../foreign-name.ts'
import { isMissing, systemError } from './system-errors.ts'

/** Files looked at together: enough to hide the latency of a network file system. */
const STATS_AT_ONCE = 64

export interface WalkRequest extends ListOptions {
  readonly root: string
  readonly prefix: string
  /** Names at the root that are no objects. */
  readonly hidden: ReadonlySet<string>
  readonly counts: RequestCounts
}

/**
 * Yields the objects below `folder` ('' or ending in '/'). The first call starts at the root, so that no prefix leads out
 * of it or to what is hidden.
 */
export async function* walk(request: WalkRequest, folder = ''): AsyncGenerator<ObjectInfo> {
  throwIfInterrupted(request.signal)
  request.counts.list++
  const keys = (await keysOf(request, folder)).filter((key) => isWanted(key, request)).sort()
  for (let start = 0; start < keys.length; ) {
    const key = keys[start] ?? ''
    if (key.endsWith('/')) {
      yield* walk(request, key)
      start++
      continue
    }
    let end = start + 1
    while (end < keys.length && end - start < STATS_AT_ONCE && !keys[end]?.endsWith('/')) end++
    for (const info of await Promise.all(keys.slice(start, end).map((name) => infoOf(request.root, name)))) {
      if (info === undefined) continue
      yield info
      throwIfInterrupted(request.signal)
    }
    start = end
  }
}

/**
 * Full names in a folder. A subfolder's ends in '/', which also gives it its place among the files: `a-b` sorts before
 * everything in `a/`, `a0` after. What cannot be an object's name, links and devices are nobody's objects and are skipped.
 */
async function keysOf(request: WalkRequest, folder: string): Promise<string[]> {
  const path = join(request.root, folder)
  try {
    const entries = await readdir(path, { withFileTypes: true })
    return entries
      .filter((entry) => !(folder === '' && request.hidden.has(entry.name)) && nameOrForeign(entry.name) !== undefined)
      .filter((entry) => entry.isFile() || entry.isDirectory())
      .map((entry) => folder + entry.name + (entry.isDirectory() ? '/' : ''))
  } catch (error) {
    // The vault itself gone (a disk unmounted) must not pass for an empty one; a folder may go meanwhile.
    if (!isMissing(error)) throw systemError(error, 'read', path)
    if (folder !== '') return []
    throw new VaultError('vault-missing', `no directory at ${request.root}`, { cause: error })
  }
}

/** Whether an object, or some name in a folder, can have the prefix and come after `startAfter`. */
function isWanted(key: string, { prefix, startAfter }: WalkRequest): boolean {
  const isFolder = key.endsWith('/')
  if (!key.startsWith(prefix) && !(isFolder && prefix.startsWith(key))) return false
  return startAfter === undefined || key > startAfter || (isFolder && startAfter.startsWith(key))
}

async function infoOf(root: string, name: string): Promise<ObjectInfo | undefined> {
  const path = join(root, name)
  try {
    const { size, mtimeMs } = await lstat(path)
    return { name: objectName(name), sizeBytes: size, modifiedMs: Math.floor(mtimeMs) }
  } catch (error) {
    if (isMissing(error)) return undefined // deleted since the folder was read
    throw systemError(error, 'read', path)
  }
}
