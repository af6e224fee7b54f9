// Walks the trees of all snapshots and reads each metadata blob once, whatever the number of snapshots that share it:
// decodes it and asks for every blob it names. Paths are not known here; damage-trace.ts finds them when there is damage.
import { ByteReader } from '../bytes/reader.ts'
import type { BlobType } from '../crypto/keyring.ts'
import { blobId, toHex, type BlobId } from '../ids/ids.ts'
import { NODE_LEVELS_MAX } from '../limits/limits.ts'
import { decodeList } from '../tree/content-list.ts'
import { readEntry, readLinkRecord, readSummary, readXattrs } from '../tree/entry-codec.ts'
import type { Entry, Inode } from '../tree/entry.ts'
import { readNode, type Node } from '../tree/node.ts'
import type { BlobFaults } from './blob-faults.ts'
import type { CheckRun } from './check-run.ts'
import type { FaultRecorder } from './fault-recording.ts'
import { IdSet } from '../ids/id-set.ts'
import type { LinkOutline } from './link-outline.ts'

/** Blobs in work at once: enough to hide a round trip, few enough that the walk stays within some packs. */
const BATCH_BLOBS = 16

export interface WalkItem {
  readonly type: Exclude<BlobType, 'data'>
  readonly id: BlobId
  /** Nodes and lists: the highest level it may have, one less than its parent's. */
  readonly levelMax: number
  /** Content lists: bytes that it must add up to. */
  readonly bytes?: number
}

const copyOf = (id: BlobId): BlobId => blobId(new Uint8Array(id)) // ids are views that would keep their node in memory

export interface WalkParts {
  readonly run: CheckRun
  readonly recorder: FaultRecorder
  readonly faults: BlobFaults
  readonly outline: LinkOutline
}

export class TreeWalk {
  readonly #parts: WalkParts
  readonly #visited = new IdSet()
  readonly #stack: WalkItem[] = []

  constructor(parts: WalkParts) {
    this.#parts = parts
  }

  /** Metadata blobs asked for so far. */
  get visitedCount(): number {
    return this.#visited.size
  }

  /** Walks what hangs on `id` and was not walked yet. */
  async walk(type: 'tree' | 'links', id: BlobId): Promise<void> {
    this.#push({ type, id, levelMax: NODE_LEVELS_MAX })
    while (this.#stack.length > 0) {
      const batch = this.#stack.splice(-BATCH_BLOBS)
      await Promise.all(batch.map((item) => this.#visit(item)))
      this.#parts.run.advance(batch.length, 0)
    }
  }

  #push(item: WalkItem): void {
    if (this.#visited.add(item.id)) this.#stack.push({ ...item, id: copyOf(item.id) })
  }

  async #visit(item: WalkItem): Promise<void> {
    const { recorder } = this.#parts
    switch (item.type) {
      case 'tree':
      case 'links': {
        const children = await recorder.read(item.type, item.id, (bytes) => this.#readNode(item, bytes))
        for (const child of children ?? []) this.#push(child)
        return
      }
      case 'content':
        return this.#visitList(item)
      case 'xattr':
        await recorder.read('xattr', item.id, (bytes) => {
          const reader = new ByteReader(bytes, `xattr blob ${toHex(item.id).slice(0, 16)}`)
          readXattrs(reader)
          reader.end()
        })
    }
  }

  /** Decodes one node and looks at all it names; returns the metadata blobs among them. */
  #readNode({ type, id, levelMax }: WalkItem, bytes: Uint8Array): WalkItem[] {
    if (type !== 'tree' && type !== 'links') return []
    const node = readNode(type, id, bytes)
    if (node.level > levelMax) node.elements.fail('node level does not descend')
    const items: WalkItem[] = []
    if (node.level > 0) {
      for (const child of node.children) items.push({ type, id: child.id, levelMax: node.level - 1 })
      if (type === 'links') this.#parts.outline.addTableNode(id, { children: node.children.map((child) => child.id) })
      else this.#parts.outline.addTreeNode(id, [], node.children.filter(hasLinks).map((child) => child.id))
    } else if (type === 'tree') {
      this.#readEntries(id, node, items)
    } else {
      this.#readRecords(id, node, items)
    }
    return items
  }

  #readEntries(id: BlobId, node: Node, items: WalkItem[]): void {
    const links: bigint[] = []
    const linkedTrees: BlobId[] = []
    let last: Entry | undefined
    for (let i = 0; i < node.count; i++) {
      const entry = readEntry(node.elements)
      if (last && Buffer.compare(last.name, entry.name) >= 0) node.elements.fail('names not ascending')
      last = entry
      if (!('inode' in entry)) links.push(entry.link)
      else {
        this.#readInode(entry.inode, items)
        if (entry.inode.kind === 'directory' && entry.inode.summary.hasLinks) linkedTrees.push(entry.inode.tree)
      }
    }
    node.elements.end()
    this.#parts.outline.addTreeNode(id, links, linkedTrees)
  }

  #readRecords(id: BlobId, node: Node, items: WalkItem[]): void {
    const records: { link: bigint; nlink: number }[] = []
    let last = -1n
    for (let i = 0; i < node.count; i++) {
      const record = readLinkRecord(node.elements)
      if (record.link <= last) node.elements.fail('link ids not ascending')
      last = record.link
      records.push({ link: record.link, nlink: record.nlink })
      this.#readInode(record.inode, items)
    }
    node.elements.end()
    this.#parts.outline.addTableNode(id, { records })
  }

  #readInode(inode: Inode, items: WalkItem[]): void {
    if ('blob' in inode.xattrs) items.push({ type: 'xattr', id: inode.xattrs.blob, levelMax: 0 })
    if (inode.kind === 'directory') items.push({ type: 'tree', id: inode.tree, levelMax: NODE_LEVELS_MAX })
    if (inode.kind !== 'file') return
    if ('list' in inode.content) {
      items.push({ type: 'content', id: inode.content.list, levelMax: NODE_LEVELS_MAX, bytes: inode.size })
    } else {
      for (const { id } of inode.content.items) if (id) this.#parts.faults.need('data', id)
    }
  }

  async #visitList({ id, levelMax, bytes: sizeBytes }: WalkItem): Promise<void> {
    const list = await this.#parts.recorder.read('content', id, (bytes) => decodeList(id, bytes, levelMax))
    if (!list) return
    let total = 0
    for (const item of list.items) {
      total += item.length
      if (!item.id) continue
      if (list.level === 0) this.#parts.faults.need('data', item.id)
      else this.#push({ type: 'content', id: item.id, levelMax: list.level - 1, bytes: item.length })
    }
    if (sizeBytes !== undefined && total !== sizeBytes) {
      this.#parts.recorder.malformed('content', id, `adds up to ${total} bytes instead of ${sizeBytes}`)
    }
  }
}

const hasLinks = (child: { readonly total: Uint8Array }): boolean =>
  readSummary(new ByteReader(child.total, 'summary')).hasLinks
