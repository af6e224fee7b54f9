// Content lists: the runs of a large file, cut into blobs. A list ends after a run by that
// run's blob id, and its elements hold lengths, not offsets, so that an insert early in a file leaves the later lists as they
// are.
import { ByteReader } from '../bytes/reader.ts'
import { ByteWriter } from '../bytes/writer.ts'
import { assert } from '../errors/assert.ts'
import { blobId, BLOB_ID_BYTES, type BlobId } from '../ids/ids.ts'
import { BLOB_RAW_BYTES_MAX, NODE_LEVELS_MAX, TREE_NODE_BYTES_MAX } from '../limits/limits.ts'
import type { ContentItem } from './entry.ts'
import type { BlobLoader, BlobSaver } from './node.ts'
import { boundaryHash } from './node.ts'

const LIST_VERSION = 1
const ITEMS_MIN = 256
const ITEMS_MAX = 2048
const ONE_IN = 256

export interface ListItem {
  readonly length: number
  /** Leaf: data blob, absent for a hole. Inner: child list. */
  readonly id?: BlobId
}

const isBoundary = (item: ListItem, level: number): boolean =>
  item.id !== undefined && boundaryHash(item.id, level) % ONE_IN === 0

function encodeList(level: number, items: readonly ListItem[]): Uint8Array {
  const writer = new ByteWriter(items.length * 36 + 8).u8(LIST_VERSION).u8(level).varint(items.length)
  for (const { length, id } of items) {
    writer.varint(length * 2 + (id ? 0 : 1))
    if (id) writer.raw(id)
  }
  return writer.finish()
}

/** Stores the runs of a file, one at least, as a content list; returns its root. */
export function saveContentList(saver: BlobSaver, items: readonly ContentItem[]): BlobId {
  assert(items.length > 0, 'a content list has runs')
  let current: readonly ListItem[] = items
  for (let level = 0; ; level++) {
    const parents: ListItem[] = []
    let start = 0
    for (let end = 1; end <= current.length; end++) {
      const last = current[end - 1]
      const count = end - start
      const cut = end === current.length || count >= ITEMS_MAX || (count >= ITEMS_MIN && last && isBoundary(last, level))
      if (!cut) continue
      const group = current.slice(start, end)
      const id = saver.save('content', encodeList(level, group))
      parents.push({ id, length: group.reduce((sum, item) => sum + item.length, 0) })
      start = end
    }
    const [root] = parents
    if (parents.length === 1 && root?.id) return root.id
    current = parents
  }
}

/** Decodes one list blob; `levelMax` is one less than its parent's level. Throws `vault-damaged`. */
export function decodeList(id: BlobId, bytes: Uint8Array, levelMax: number): { level: number; items: ListItem[] } {
  const reader = new ByteReader(bytes, `content list ${Buffer.from(id).toString('hex').slice(0, 16)}`)
  if (bytes.length > TREE_NODE_BYTES_MAX) reader.fail('list too large')
  if (reader.u8() !== LIST_VERSION) reader.fail('unknown version')
  const level = reader.u8()
  if (level > levelMax) reader.fail('list level does not descend')
  const count = reader.varint(ITEMS_MAX)
  if (count === 0) reader.fail('empty list')
  const items: ListItem[] = []
  for (let i = 0; i < count; i++) {
    const head = reader.varint()
    const length = Math.floor(head / 2)
    const isHole = head % 2 === 1
    if (length === 0 || (level > 0 && isHole)) reader.fail('run that cannot be')
    if (level === 0 && !isHole && length > BLOB_RAW_BYTES_MAX) reader.fail('run longer than a blob may be')
    items.push(isHole ? { length } : { length, id: blobId(reader.raw(BLOB_ID_BYTES)) })
  }
  reader.end()
  return { level, items }
}

/** The runs of a content list in order. `visit` hears the id of every list blob read. Throws `vault-damaged`. */
export async function* readContentList(
  loader: BlobLoader, root: BlobId, visit?: (id: BlobId) => void, levelMax = NODE_LEVELS_MAX,
): AsyncGenerator<ContentItem> {
  visit?.(root)
  const { level, items } = decodeList(root, await loader.load('content', root), levelMax)
  for (const item of items) {
    if (level === 0) yield item
    else if (item.id) yield* readContentList(loader, item.id, visit, level - 1)
  }
}
