// The link table of a snapshot: inodes that have several names, in ascending order of link id. Attributes and content
// stand here once, or two paths of one inode would drift apart.
import { ByteReader } from '../bytes/reader.ts'
import { ByteWriter } from '../bytes/writer.ts'
import { assert } from '../errors/assert.ts'
import type { BlobId } from '../ids/ids.ts'
import { readLinkRecord, writeLinkRecord } from './entry-codec.ts'
import type { LinkRecord } from './entry.ts'
import { leafFor, leaves, NodeBuilder, type BlobLoader, type BlobSaver, type Node } from './node.ts'

const SPLIT = { bytesMin: 16 * 1024, bytesMax: 256 * 1024, oneIn: 128 }

/** Key of a record. Big-endian: byte order is numeric order. */
export function linkKey(link: bigint): Uint8Array {
  const key = new Uint8Array(8)
  new DataView(key.buffer).setBigUint64(0, link)
  return key
}

function countOf(bytes: Uint8Array): number {
  return new ByteReader(bytes, 'link count').varint()
}

const sumCounts = (totals: readonly Uint8Array[]): Uint8Array =>
  new ByteWriter(8).varint(totals.reduce((sum, total) => sum + countOf(total), 0)).finish()

/** Stores `records`, in ascending order of ids; returns the root, or undefined when there are none. */
export function saveLinkTable(saver: BlobSaver, records: Iterable<LinkRecord>): BlobId | undefined {
  let last = -1n
  const nodes = new NodeBuilder('links', saver, SPLIT, sumCounts)
  const one = new ByteWriter(1).varint(1).finish()
  const writer = new ByteWriter(256)
  for (const record of records) {
    assert(record.link > last, 'link ids ascending')
    last = record.link
    writer.reset()
    writeLinkRecord(writer, record)
    nodes.add(linkKey(record.link), writer.finish(), one)
  }
  return last < 0n ? undefined : nodes.finish().id
}

/** Records of one leaf. Throws `vault-damaged`. */
export function* recordsOf(node: Node): Generator<LinkRecord> {
  let last = -1n
  for (let i = 0; i < node.count; i++) {
    const record = readLinkRecord(node.elements)
    if (record.link <= last) node.elements.fail('link ids not ascending')
    last = record.link
    yield record
  }
  node.elements.end()
}

/** All records in order. `visit` hears the id of every node blob read. */
export async function* readLinkTable(
  loader: BlobLoader, root: BlobId, visit?: (id: BlobId) => void,
): AsyncGenerator<LinkRecord> {
  for await (const leaf of leaves(loader, 'links', root, visit)) yield* recordsOf(leaf)
}

/** The record of `link`, or undefined. */
export async function findLink(loader: BlobLoader, root: BlobId, link: bigint): Promise<LinkRecord | undefined> {
  for (const record of recordsOf(await leafFor(loader, 'links', root, linkKey(link)))) {
    if (record.link === link) return record
  }
  return undefined
}
