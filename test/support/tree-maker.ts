// Stores trees without the archiver, as a test writes them down.
import { SystemRandom } from '../../src/async/random.ts'
import type { Backend } from '../../src/backend/backend.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { ByteWriter } from '../../src/bytes/writer.ts'
import { DEFAULT_COMPRESSION, type CompressionPreference } from '../../src/compress/codec.ts'
import { BlobWriter } from '../../src/content/blob-writer.ts'
import type { BlobType, Keyring } from '../../src/crypto/keyring.ts'
import type { BlobId } from '../../src/ids/ids.ts'
import { VaultIndex } from '../../src/index/vault-index.ts'
import type { PackKind } from '../../src/pack/layout.ts'
import type { SealedPack } from '../../src/pack/pack-writer.ts'
import { BlobReader } from '../../src/repository/blob-reader.ts'
import { initVault, newSecret } from '../../src/repository/init.ts'
import { PackStore } from '../../src/repository/pack-store.ts'
import { saveContentList } from '../../src/tree/content-list.ts'
import { DirectoryBuilder } from '../../src/tree/directory.ts'
import { INLINE_ITEMS_MAX, writeEntry } from '../../src/tree/entry-codec.ts'
import {
  summaryOf, type Attributes, type Content, type ContentItem, type Entry, type Inode, type LinkRecord, type Xattr,
} from '../../src/tree/entry.ts'
import { saveLinkTable } from '../../src/tree/link-table.ts'
import type { BlobSaver } from '../../src/tree/node.ts'

export interface TestVaultOptions {
  readonly backend?: Backend
  readonly packTargetBytes?: number
  readonly compression?: CompressionPreference
}

/** A vault that is filled blob by blob. What was saved can be read after `flush`. */
export class TestVault implements BlobSaver {
  readonly backend: Backend
  readonly keys: Keyring
  readonly index = new VaultIndex(1024)
  readonly loader: BlobReader
  readonly #store: PackStore
  readonly #writers: Record<PackKind, BlobWriter>
  readonly #finished: SealedPack[] = []

  private constructor(backend: Backend, keys: Keyring, options: TestVaultOptions) {
    const random = new SystemRandom()
    const targetBytes = options.packTargetBytes ?? 1024 * 1024
    this.backend = backend
    this.keys = keys
    this.loader = new BlobReader(backend, keys, this.index)
    this.#store = new PackStore({ backend, keys, random, index: this.index })
    const outlet = {
      buffer: () => new Uint8Array(targetBytes),
      emit: (pack: SealedPack) => void this.#finished.push(pack),
    }
    const { table, states } = this.index
    const parts = { keys, random, table, states, outlet, targetBytes, compression: options.compression ?? DEFAULT_COMPRESSION }
    this.#writers = { data: new BlobWriter('data', parts), metadata: new BlobWriter('metadata', parts) }
  }

  static async create(options: TestVaultOptions = {}): Promise<TestVault> {
    const backend = options.backend ?? new MemoryBackend()
    // A generated secret is not hashed: nobody asks for argon2.
    const kdf = { argon2id: () => Promise.reject(new Error('no password here')) }
    const now = new Date()
    const { keys } = await initVault({ backend, password: newSecret(), kdf, random: new SystemRandom(), now })
    return new TestVault(backend, keys, options)
  }

  save(type: BlobType, plain: Uint8Array): BlobId {
    return this.#writers[type === 'data' ? 'data' : 'metadata'].save(type, plain)
  }

  /** Stores packs that are full, so that memory does not hold a large tree. */
  async storeFull(): Promise<void> {
    for (const pack of this.#finished.splice(0)) await this.#store.accept(pack)
  }

  /** Closes the open data pack: what is saved next lies in another. */
  endPack(): void {
    this.#writers.data.flush()
  }

  async flush(): Promise<void> {
    for (const writer of Object.values(this.#writers)) writer.flush()
    await this.storeFull()
    await this.#store.drain()
    await this.#store.writeSegment()
  }
}

/** What a test gives a file to hold: bytes, each piece a blob of its own, and holes. */
export type Piece = Uint8Array | string | { readonly hole: number } | { readonly id: BlobId; readonly length: number }

export interface NodeAttributes extends Partial<Omit<Attributes, 'xattrs'>> {
  readonly xattrs?: readonly Xattr[] | { readonly blob: BlobId }
}

export type TestNode = NodeAttributes & (
  | { readonly kind: 'file'; readonly pieces: readonly Piece[]; readonly isSparse?: boolean; readonly asList?: boolean }
  | { readonly kind: 'directory'; readonly entries: TestEntries }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'fifo' | 'socket' }
  | { readonly kind: 'char' | 'block'; readonly major: number; readonly minor: number }
  /** One more name of the inode `link`; its first name's node says what it is. */
  | { readonly kind: 'link'; readonly link: bigint; readonly node?: TestNode }
)
export type TestEntries = Readonly<Record<string, TestNode>>

export const file = (content: Piece | readonly Piece[], attributes: NodeAttributes & { isSparse?: boolean; asList?: boolean } = {}): TestNode =>
  ({ kind: 'file', pieces: Array.isArray(content) ? content : [content as Piece], ...attributes })
export const directory = (entries: TestEntries, attributes: NodeAttributes = {}): TestNode => ({ kind: 'directory', entries, ...attributes })
export const symlink = (target: string, attributes: NodeAttributes = {}): TestNode => ({ kind: 'symlink', target, ...attributes })

export interface StoredTree {
  readonly tree: BlobId
  readonly links?: BlobId
}

/** Stores a tree as written down. Names are UTF-8. */
export async function storeTree(vault: TestVault, entries: TestEntries): Promise<StoredTree> {
  const links = new Map<bigint, { inode: Inode; nlink: number }>()
  const { tree } = storeEntries(vault, entries, links)
  const records = [...links].map(([link, { inode, nlink }]): LinkRecord => ({ link, nlink, parents: [], inode }))
  const table = saveLinkTable(vault, records.sort((a, b) => (a.link < b.link ? -1 : 1)))
  await vault.flush()
  return table ? { tree, links: table } : { tree }
}

function storeEntries(
  vault: TestVault, entries: TestEntries, links: Map<bigint, { inode: Inode; nlink: number }>,
): ReturnType<typeof storeDirectory> {
  const named = Object.entries(entries).map(([name, node]) => ({ name: Buffer.from(name), node }))
  named.sort((a, b) => Buffer.compare(a.name, b.name))
  return storeDirectory(vault, named.map(({ name, node }) => entryOf(vault, name, node, links)))
}

function entryOf(vault: TestVault, name: Uint8Array, node: TestNode, links: Map<bigint, { inode: Inode; nlink: number }>): Entry {
  if (node.kind !== 'link') return { name, isLocked: false, inode: inodeOf(vault, node, links) }
  const { link } = node
  let known = links.get(link)
  if (!known) {
    if (!node.node) throw new Error('the first name of a link says what it is')
    links.set(link, (known = { inode: inodeOf(vault, node.node, links), nlink: 0 }))
  }
  known.nlink++
  return { name, isLocked: false, linkKind: known.inode.kind, link, linkSize: known.inode.kind === 'file' ? known.inode.size : 0 }
}

function inodeOf(vault: TestVault, node: TestNode, links: Map<bigint, { inode: Inode; nlink: number }>): Inode {
  const attributes: Attributes = {
    mode: node.mode ?? (node.kind === 'directory' ? 0o755 : 0o644), uid: node.uid ?? process.getuid?.() ?? 0,
    gid: node.gid ?? process.getgid?.() ?? 0, user: node.user ?? '', group: node.group ?? '',
    mtimeSeconds: node.mtimeSeconds ?? 1_600_000_000, mtimeNanos: node.mtimeNanos ?? 123_456_789, xattrs: node.xattrs ?? [],
  }
  switch (node.kind) {
    case 'file': {
      const items = node.pieces.map((piece) => itemOf(vault, piece))
      const size = items.reduce((sum, { length }) => sum + length, 0)
      return { ...attributes, kind: 'file', size, isSparse: node.isSparse ?? false, content: contentOf(vault, items, node.asList ?? false) }
    }
    case 'directory': {
      return { ...attributes, kind: 'directory', ...storeEntries(vault, node.entries, links) }
    }
    case 'symlink': return { ...attributes, kind: 'symlink', target: Buffer.from(node.target) }
    case 'char':
    case 'block': return { ...attributes, kind: node.kind, major: node.major, minor: node.minor }
    case 'link': throw new Error('a link to a link')
    default: return { ...attributes, kind: node.kind }
  }
}

function itemOf(vault: TestVault, piece: Piece): ContentItem {
  if (typeof piece === 'string') return itemOf(vault, Buffer.from(piece))
  if (piece instanceof Uint8Array) return { length: piece.length, id: vault.save('data', piece) }
  return 'hole' in piece ? { length: piece.hole } : { length: piece.length, id: piece.id }
}

export function contentOf(vault: TestVault, items: readonly ContentItem[], asList: boolean): Content {
  const sound = items.filter(({ length }) => length > 0)
  return asList || sound.length > INLINE_ITEMS_MAX ? { list: saveContentList(vault, sound) } : { items: sound }
}

/** Stores one directory's entries, which are in order. */
export function storeDirectory(vault: BlobSaver, entries: readonly Entry[]): ReturnType<DirectoryBuilder['finish']> {
  const builder = new DirectoryBuilder(vault)
  for (const entry of entries) {
    const writer = new ByteWriter()
    writeEntry(writer, entry)
    builder.add(entry.name, writer.finish(), summaryOf(entry))
  }
  return builder.finish()
}

