// Makes small vaults for tests with the code that a backup uses: trees through DirectoryBuilder, blobs through BlobWriter,
// packs and segments through PackStore. The password is a generated secret, so nothing waits for argon2.
import { SystemRandom, type RandomSource } from '../../src/async/random.ts'
import type { Backend } from '../../src/backend/backend.ts'
import { BlobWriter, type PackOutlet } from '../../src/content/blob-writer.ts'
import { systemKdf } from '../../src/crypto/kdf.ts'
import { assert } from '../../src/errors/assert.ts'
import { toHex, type BlobId, type SnapshotId } from '../../src/ids/ids.ts'
import { loadIndex } from '../../src/repository/index-loading.ts'
import { initVault, newSecret, type NewVault } from '../../src/repository/init.ts'
import { PackStore } from '../../src/repository/pack-store.ts'
import { sealSnapshot, visibleDigest, type StoredSnapshot } from '../../src/snapshot/snapshot.ts'
import type { SealedPack } from '../../src/pack/pack-writer.ts'
import { saveContentList } from '../../src/tree/content-list.ts'
import { DirectoryBuilder } from '../../src/tree/directory.ts'
import { encodeEntry, encodeXattrs, INLINE_ITEMS_MAX } from '../../src/tree/entry-codec.ts'
import { summaryOf, type Attributes, type Content, type ContentItem, type Inode, type LinkRecord } from '../../src/tree/entry.ts'
import { saveLinkTable } from '../../src/tree/link-table.ts'
import type { BlobSaver } from '../../src/tree/node.ts'

export interface FileNode {
  readonly bytes: Uint8Array
  /** Cut into blobs of this many bytes. Default: one blob. */
  readonly chunkBytes?: number
  /** Names with the same word are one inode. */
  readonly link?: string
  /** Stored in a blob of its own. */
  readonly xattrs?: Readonly<Record<string, string>>
}
export interface DirectoryNode {
  readonly [name: string]: FileNode | DirectoryNode
}

const isFile = (node: FileNode | DirectoryNode): node is FileNode => node.bytes instanceof Uint8Array
const COMMON: Attributes = {
  mode: 0o644, uid: 1000, gid: 1000, user: 'u', group: 'g', mtimeSeconds: 1_700_000_000, mtimeNanos: 5, xattrs: [],
}

export interface MadeVault extends NewVault {
  readonly backend: Backend
  readonly password: string
}

export async function makeVault(backend: Backend): Promise<MadeVault> {
  const password = newSecret()
  const made = await initVault({
    backend, password, kdf: systemKdf, random: new SystemRandom(), now: new Date(Date.UTC(2026, 0, 1)),
  })
  return { ...made, backend, password }
}

export interface TreeSaving {
  readonly data: BlobSaver
  readonly metadata: BlobSaver
}

class TreeSaver {
  readonly records = new Map<string, LinkRecord>()
  readonly #savers: TreeSaving

  constructor(savers: TreeSaving) {
    this.#savers = savers
  }

  #content(file: FileNode): Content {
    const items: ContentItem[] = []
    const chunkBytes = file.chunkBytes ?? Math.max(file.bytes.length, 1)
    for (let at = 0; at < file.bytes.length; at += chunkBytes) {
      const chunk = file.bytes.subarray(at, at + chunkBytes)
      items.push({ length: chunk.length, id: this.#savers.data.save('data', chunk) })
    }
    return items.length > INLINE_ITEMS_MAX ? { list: saveContentList(this.#savers.metadata, items) } : { items }
  }

  #fileInode(file: FileNode): Inode {
    const xattrs = Object.entries(file.xattrs ?? {}).sort()
      .map(([name, value]) => ({ name: Buffer.from(name), value: Buffer.from(value) }))
    return {
      ...COMMON, kind: 'file', size: file.bytes.length, isSparse: false, content: this.#content(file),
      xattrs: xattrs.length > 0 ? { blob: this.#savers.metadata.save('xattr', encodeXattrs(xattrs)) } : [],
    }
  }

  directory(node: DirectoryNode): Inode {
    const builder = new DirectoryBuilder(this.#savers.metadata)
    const names = Object.keys(node).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    for (const text of names) {
      const child = node[text]
      const name = Buffer.from(text)
      if (!child) continue
      const entry = isFile(child) && child.link !== undefined
        ? { name, isLocked: false, linkKind: 'file' as const, link: this.#link(child, child.link), linkSize: child.bytes.length }
        : { name, isLocked: false, inode: isFile(child) ? this.#fileInode(child) : this.directory(child) }
      builder.add(name, encodeEntry(entry), summaryOf(entry))
    }
    return { ...COMMON, kind: 'directory', mode: 0o755, ...builder.finish() }
  }

  #link(file: FileNode, word: string): bigint {
    const known = this.records.get(word)
    const link = known?.link ?? BigInt(1000 + this.records.size)
    this.records.set(word, { link, nlink: (known?.nlink ?? 0) + 1, parents: [1n], inode: known?.inode ?? this.#fileInode(file) })
    return link
  }
}

export interface StoreOptions {
  readonly host?: string
  readonly serverTimeMs: number
  readonly previous?: SnapshotId
  /** All snapshots there are. */
  readonly visible?: readonly SnapshotId[]
  /** Bytes of a pack; small ones give many. */
  readonly packBytes?: number
  readonly random?: RandomSource
  /** Also writes a checkpoint in the middle, which the last segment supersedes. */
  readonly withCheckpoint?: true
}

export interface StoredTree {
  readonly snapshot: StoredSnapshot
  readonly tree: BlobId
}

/** Root directory and link table of what a test stores. */
export interface BuiltTree {
  readonly tree: BlobId
  readonly links?: BlobId | undefined
}

function buildTree(root: DirectoryNode, savers: TreeSaving): BuiltTree {
  const saver = new TreeSaver(savers)
  const inode = saver.directory(root)
  assert(inode.kind === 'directory', 'the root is a directory')
  return { tree: inode.tree, links: saveLinkTable(savers.metadata, [...saver.records.values()].sort((a, b) => (a.link < b.link ? -1 : 1))) }
}

/** Stores `root` as one snapshot, as a backup would: packs, then segments, then the snapshot. */
export const storeSnapshot = (vault: MadeVault, root: DirectoryNode, options: StoreOptions): Promise<StoredTree> =>
  storeBuilt(vault, (savers) => buildTree(root, savers), options)

/** The same for a tree that the test builds itself. */
export async function storeBuilt(
  vault: MadeVault, build: (savers: TreeSaving) => BuiltTree, options: StoreOptions,
): Promise<StoredTree> {
  const { backend, keys } = vault
  const random = options.random ?? new SystemRandom()
  const { index } = await loadIndex({ backend, keys })
  const store = new PackStore({ backend, keys, random, index })
  const targetBytes = options.packBytes ?? 1024 * 1024
  const packs: SealedPack[] = []
  const outlet: PackOutlet = { buffer: () => new Uint8Array(targetBytes), emit: (pack) => packs.push(pack) }
  const compression = { codec: 'zstd', level: 3 } as const
  const parts = { keys, random, table: index.table, states: index.states, outlet, targetBytes, compression }
  const data = new BlobWriter('data', parts)
  const metadata = new BlobWriter('metadata', parts)
  const { tree, links } = build({ data, metadata })
  data.flush()
  metadata.flush()
  for (const [place, pack] of packs.entries()) {
    await store.accept(pack)
    if (options.withCheckpoint && place === 0) {
      await store.drain()
      await store.writeSegment()
    }
  }
  await store.drain()
  await store.writeSegment()
  const { stored, bytes } = sealSnapshot(keys, random, {
    version: 1, time: new Date(options.serverTimeMs).toISOString(), host: options.host ?? 'host', user: 'u', paths: ['/'], tags: [],
    program: 'test', tree: toHex(tree), ...(links ? { links: toHex(links) } : {}),
    ...(options.previous ? { previous: options.previous } : {}), visible: visibleDigest(options.visible ?? []),
  }, options.serverTimeMs)
  await backend.put(stored.name, bytes)
  return { snapshot: stored, tree }
}
