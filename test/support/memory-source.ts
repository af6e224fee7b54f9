// A source in memory, for backups that run thousands of times a second: directories, files with holes, symlinks, and what
// goes wrong with them.
import type { DirectoryHandle, FileHandle, Source, SourceFiles } from '../../src/archiver/source.ts'
import type { DataRange } from '../../src/posix/holes.ts'
import type { FileStat } from '../../src/posix/stat.ts'
import type { Attributes } from '../../src/tree/entry.ts'

export type MemoryNode =
  | { readonly type: 'directory'; readonly children: Map<string, MemoryNode> }
  | { readonly type: 'file'; bytes: Uint8Array; ino: bigint; mtimeNs: bigint; nlink: number }
  | { readonly type: 'symlink'; readonly target: string }

let nextIno = 100n

export const memoryDirectory = (children: Record<string, MemoryNode> = {}): MemoryNode & { type: 'directory' } => ({
  type: 'directory', children: new Map(Object.entries(children)),
})

export const memoryFile = (content: string | Uint8Array): MemoryNode & { type: 'file' } => ({
  type: 'file', bytes: typeof content === 'string' ? Buffer.from(content) : content, ino: nextIno++, mtimeNs: 1_000_000_000n,
  nlink: 1,
})

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: in memory`), { code })
}

export class MemorySource implements Source, SourceFiles {
  readonly root: MemoryNode & { type: 'directory' }
  readonly #open = new Map<number, MemoryNode>()
  /** Files read since the start, by name. */
  readonly readNames: string[] = []
  #nextHandle = 1

  constructor(root: MemoryNode & { type: 'directory' }) {
    this.root = root
  }

  #find(path: Uint8Array): MemoryNode {
    let node: MemoryNode = this.root
    for (const part of Buffer.from(path).toString('utf8').split('/').filter((name) => name !== '')) {
      const child: MemoryNode | undefined = node.type === 'directory' ? node.children.get(part) : undefined
      if (!child) throw systemError('ENOENT')
      node = child
    }
    return node
  }

  #child(directory: DirectoryHandle, name: Uint8Array): MemoryNode {
    const parent = this.#open.get(directory)
    const child = parent?.type === 'directory' ? parent.children.get(Buffer.from(name).toString('utf8')) : undefined
    if (!child) throw systemError('ENOENT')
    return child
  }

  #handle(node: MemoryNode): number {
    const handle = this.#nextHandle++
    this.#open.set(handle, node)
    return handle
  }

  /** Handles that nobody closed. */
  get openHandles(): number {
    return this.#open.size
  }

  #stat(node: MemoryNode): FileStat {
    const isFile = node.type === 'file'
    const sizeBytes = isFile ? node.bytes.length : 0
    return {
      type: node.type, mode: 0o644, uid: 0, gid: 0, nlink: isFile ? node.nlink : 1, ino: isFile ? node.ino : 1n, dev: 1n,
      rdevMajor: 0, rdevMinor: 0, sizeBytes, blocks512: Math.ceil(sizeBytes / 512),
      mtimeNs: isFile ? node.mtimeNs : 0n, ctimeNs: isFile ? node.mtimeNs : 0n,
    }
  }

  statPath = (path: Uint8Array): FileStat => this.#stat(this.#find(path))
  attributesOfPath = (): Attributes => attributes
  open = (path: Uint8Array): DirectoryHandle => this.#handle(this.#find(path))
  openChild = (parent: DirectoryHandle, name: Uint8Array): DirectoryHandle => this.#handle(this.#child(parent, name))

  close(directory: DirectoryHandle): void {
    this.#open.delete(directory)
  }

  list(directory: DirectoryHandle): readonly Uint8Array[] {
    const node = this.#open.get(directory)
    if (node?.type !== 'directory') throw systemError('ENOTDIR')
    return [...node.children.keys()].map((name) => Buffer.from(name)).sort(Buffer.compare)
  }

  stat = (directory: DirectoryHandle, name: Uint8Array): FileStat => this.#stat(this.#child(directory, name))

  readLink(directory: DirectoryHandle, name: Uint8Array): Uint8Array {
    const node = this.#child(directory, name)
    if (node.type !== 'symlink') throw systemError('EINVAL')
    return Buffer.from(node.target)
  }

  attributes = (): Attributes => attributes
  isCache = (): boolean => false

  openFile(directory: DirectoryHandle, name: Uint8Array): FileHandle {
    const node = this.#child(directory, name)
    this.readNames.push(Buffer.from(name).toString('utf8'))
    return this.#handle(node)
  }

  readAhead = (): void => undefined
  closeFile = (file: FileHandle): void => this.close(file)
  statFile = (file: FileHandle): FileStat => this.#stat(this.#open.get(file) ?? memoryDirectory())

  read(file: FileHandle, buffer: Uint8Array, offset: number, length: number, position: number): number {
    const node = this.#open.get(file)
    if (node?.type !== 'file') throw systemError('EISDIR')
    const part = node.bytes.subarray(position, position + length)
    buffer.set(part, offset)
    return part.length
  }

  *ranges(_file: FileHandle, sizeBytes: number): Iterable<DataRange> {
    yield { offset: 0, length: sizeBytes }
  }

  attributesOfFile: SourceFiles['attributesOfFile'] = () => attributes
}

const attributes: Attributes = {
  mode: 0o644, uid: 0, gid: 0, user: '', group: '', mtimeSeconds: 1, mtimeNanos: 0, xattrs: [],
}
