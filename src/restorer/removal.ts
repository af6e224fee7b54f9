// Takes things out of the target: one name, or with --delete whole trees, of which the selection may keep parts. Symlinks
// are removed, never followed. With a stack of its own: trees may be deeper than any call stack.
import { rmdirSync, unlinkSync } from 'node:fs'
import { childPath, listDirectory, selfPath } from '../posix/directories.ts'
import { readStatAt } from '../posix/stat.ts'
import type { InodeKind } from '../tree/entry.ts'
import type { Selection } from './selection.ts'
import { TargetDirectory, type OpenDirectories } from './target-directory.ts'

export function removeOne(directoryFd: number, name: Uint8Array, kind: InodeKind): void {
  if (kind === 'directory') rmdirSync(childPath(directoryFd, name))
  else unlinkSync(childPath(directoryFd, name))
}

export interface Removal {
  readonly select: Selection
  readonly isDryRun: boolean
  /** Hears of each name that is gone, or in a dry run would be. */
  readonly onRemoved: (path: Uint8Array, kind: InodeKind) => void
  /** Hears of each name that could not be removed; what lies around it is removed all the same. */
  readonly onFailure: (path: Uint8Array, error: unknown) => void
}

interface Level {
  readonly directory: TargetDirectory
  readonly path: Uint8Array
  readonly names: Uint8Array[]
  /** Something in it stays, so it stays. */
  isKept: boolean
}

/** Removes `name` and, if it is a directory, all below that the selection takes. */
export function removeTree(
  directories: OpenDirectories, directory: TargetDirectory, name: Uint8Array, removal: Removal,
): void {
  new RemovalWalk(directories, removal).run(directory, name)
}

class RemovalWalk {
  readonly #directories: OpenDirectories
  readonly #removal: Removal
  readonly #levels: Level[] = []

  constructor(directories: OpenDirectories, removal: Removal) {
    this.#directories = directories
    this.#removal = removal
  }

  run(directory: TargetDirectory, name: Uint8Array): void {
    this.#visit(directory, name, directory.pathOf(name))
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      const next = level.names.pop()
      if (next === undefined) this.#leave()
      else this.#visit(level.directory, next, joinPath(level.path, next))
    }
  }

  #visit(parent: TargetDirectory, name: Uint8Array, path: Uint8Array): void {
    this.#guarded(path, () => {
      const parentFd = this.#directories.fdOf(parent)
      const { type } = readStatAt(parentFd, name)
      const choice = this.#removal.select(path, type)
      if (type === 'directory' && choice !== 'skip') {
        const directory = new TargetDirectory(parent, name)
        const names = listDirectory(selfPath(this.#directories.fdOf(directory)))
        this.#levels.push({ directory, path, names, isKept: choice === 'descend' })
      } else if (choice === 'take') this.#remove(parent, name, path, type)
      else this.#keep()
    })
  }

  #leave(): void {
    const level = this.#levels.pop()
    if (level === undefined) return
    const { directory, path } = level
    this.#directories.drop(directory)
    if (level.isKept || directory.parent === undefined) return this.#keep()
    const { parent } = directory
    this.#guarded(path, () => this.#remove(parent, directory.name, path, 'directory'))
  }

  #guarded(path: Uint8Array, step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#keep()
      this.#removal.onFailure(path, error)
    }
  }

  #keep(): void {
    const above = this.#levels.at(-1)
    if (above !== undefined) above.isKept = true
  }

  #remove(parent: TargetDirectory, name: Uint8Array, path: Uint8Array, kind: InodeKind): void {
    if (!this.#removal.isDryRun) removeOne(this.#directories.fdOf(parent), name, kind)
    this.#removal.onRemoved(path, kind)
  }
}

export function joinPath(directory: Uint8Array, name: Uint8Array): Uint8Array {
  return directory.length === 0 ? name : new Uint8Array(Buffer.concat([directory, Buffer.from('/'), name]))
}
