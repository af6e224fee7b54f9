// A file system small enough to be seen through: one directory of files in memory, which waits when it is told to.
import {
  errno, FileSystemError, ROOT_NODE, type Absence, type Attributes, type DirectorySink, type Entry, type FileSystem,
  type FileSystemStatus, type NodeId, type Opened, type Operation, type Timed,
} from '../../src/fuse/file-system.ts'

export class ToyFileSystem implements FileSystem {
  readonly files: ReadonlyMap<string, Uint8Array>
  /** References that the kernel holds. */
  readonly references = new Map<NodeId, number>()
  /** While true, reads wait. */
  holds = false
  readonly #held: (() => void)[] = []

  constructor(files: Readonly<Record<string, string>>) {
    this.files = new Map(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)]))
  }

  /** Lets all reads that wait go on. */
  letGo(): void {
    this.holds = false
    for (const resume of this.#held.splice(0)) resume()
  }

  #content(node: NodeId): Uint8Array {
    const content = [...this.files.values()][node - 2]
    if (!content) throw new FileSystemError(errno.ESTALE, 'no such node')
    return content
  }

  #attributes(node: NodeId): Attributes {
    const time = { seconds: -5, nanos: 7 }
    const isRoot = node === ROOT_NODE
    return {
      inode: BigInt(node) + 0xffff_ffff_0000_0000n, type: isRoot ? 'directory' : 'file', mode: 0o4755, links: 1, uid: 1, gid: 2,
      sizeBytes: isRoot ? 0 : this.#content(node).length, blocks512: 8, atime: time, mtime: time, ctime: time,
      deviceMajor: 0, deviceMinor: 0,
    }
  }

  #entry(name: string): Entry | Absence {
    const node = [...this.files.keys()].indexOf(name) + 2
    if (node === 1) return { node: undefined, entryValidMs: 1500 }
    this.references.set(node, (this.references.get(node) ?? 0) + 1)
    return { node, attributes: this.#attributes(node), entryValidMs: 2500, attributesValidMs: 3500 }
  }

  *lookup(_parent: NodeId, name: Uint8Array): Operation<Entry | Absence> {
    return this.#entry(Buffer.from(name).toString())
  }

  forget(node: NodeId, count: number): void {
    this.references.set(node, (this.references.get(node) ?? 0) - count)
  }

  *attributes(node: NodeId): Operation<Timed<Attributes>> {
    return { value: this.#attributes(node), validMs: 4500 }
  }

  *readLink(): Operation<Uint8Array> {
    throw new FileSystemError(errno.EINVAL, 'no symlink')
  }

  *open(): Operation<'stateless'> {
    return 'stateless'
  }

  release(): void {}

  *read(node: NodeId, _handle: number, offset: number, sizeBytes: number): Operation<readonly Uint8Array[]> {
    while (this.holds) yield (resume) => this.#held.push(resume)
    const content = this.#content(node).subarray(offset, offset + sizeBytes)
    return [content.subarray(0, 1), content.subarray(1)]
  }

  *seek(): Operation<number | undefined> {
    return undefined
  }

  *openDirectory(): Operation<Opened> {
    return { handle: 9, cache: 'keep' }
  }

  releaseDirectory(): void {}

  *readDirectory(_node: NodeId, _handle: number, cookie: number, sink: DirectorySink): Operation<void> {
    for (const [index, name] of ['.', ...this.files.keys()].entries()) {
      if (index < cookie) continue
      if (!sink.hasRoom(name.length)) return
      const entry = sink.wantsEntries && name !== '.' ? this.#entry(name) : undefined
      if (entry?.node !== undefined) sink.addEntry(Buffer.from(name), entry, index + 1)
      else sink.addName(Buffer.from(name), 77n, 'file', index + 1)
    }
  }

  *listXattrs(): Operation<Uint8Array> {
    return Buffer.from('user.a\0user.b\0')
  }

  *getXattr(_node: NodeId, name: Uint8Array): Operation<Uint8Array | undefined> {
    return Buffer.from(name).toString() === 'user.a' ? Buffer.from('value') : undefined
  }

  *status(): Operation<FileSystemStatus> {
    return { blockBytes: 4096, blocks: 10, blocksFree: 3, files: 5, filesFree: 1, nameBytesMax: 255 }
  }
}
