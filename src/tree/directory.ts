// Directories: sequences of entries in ascending byte order of names.
import { ByteReader } from '../bytes/reader.ts'
import { ByteWriter } from '../bytes/writer.ts'
import { assert } from '../errors/assert.ts'
import type { BlobId } from '../ids/ids.ts'
import { readEntry, readSummary, writeSummary } from './entry-codec.ts'
import { addSummaries, EMPTY_SUMMARY, summaryOf, type Entry, type Summary } from './entry.ts'
import { leafFor, leaves, NodeBuilder, readNode, type BlobLoader, type BlobSaver, type Node } from './node.ts'

/** Leaves of about 45 KiB: 16 KiB and then one name in 256. */
const SPLIT = { bytesMin: 16 * 1024, bytesMax: 256 * 1024, oneIn: 256 }

function encodeSummary(summary: Summary): Uint8Array {
  const writer = new ByteWriter(24)
  writeSummary(writer, summary)
  return writer.finish()
}

const decodeSummary = (bytes: Uint8Array): Summary => readSummary(new ByteReader(bytes, 'summary'))

const sumSummaries = (totals: readonly Uint8Array[]): Uint8Array =>
  encodeSummary(totals.map(decodeSummary).reduce(addSummaries, EMPTY_SUMMARY))

/** Builds one directory from encoded entries added in order. */
export class DirectoryBuilder {
  readonly #nodes: NodeBuilder
  #lastName: Uint8Array | undefined

  constructor(saver: BlobSaver) {
    this.#nodes = new NodeBuilder('tree', saver, SPLIT, sumSummaries)
  }

  add(name: Uint8Array, encoded: Uint8Array, summary: Summary): void {
    assert(!this.#lastName || Buffer.compare(this.#lastName, name) < 0, 'entries in ascending order')
    this.#lastName = name
    this.#nodes.add(name, encoded, encodeSummary(summary))
  }

  finish(): { tree: BlobId; summary: Summary } {
    const { id, total } = this.#nodes.finish()
    return { tree: id, summary: decodeSummary(total) }
  }
}

/** Entries of one leaf; names must ascend, from `after` on. Throws `vault-damaged`. */
export function* entriesOf(node: Node, after: Uint8Array | undefined): Generator<Entry> {
  let last = after
  for (let i = 0; i < node.count; i++) {
    const entry = readEntry(node.elements)
    if (last && Buffer.compare(last, entry.name) >= 0) node.elements.fail('names not ascending')
    last = entry.name
    yield entry
  }
  node.elements.end()
}

/** Entries of a directory in order. `visit` hears the id of every node blob read. */
export async function* readDirectoryTree(
  loader: BlobLoader, tree: BlobId, visit?: (id: BlobId) => void,
): AsyncGenerator<Entry> {
  let last: Uint8Array | undefined
  for await (const leaf of leaves(loader, 'tree', tree, visit)) {
    for (const entry of entriesOf(leaf, last)) {
      last = entry.name
      yield entry
    }
  }
}

/** What lies below a directory, from its root node alone. */
export async function treeSummary(loader: BlobLoader, tree: BlobId): Promise<Summary> {
  const node = readNode('tree', tree, await loader.load('tree', tree))
  const parts = node.level === 0 ? Array.from(entriesOf(node, undefined), summaryOf) : node.children.map(({ total }) => decodeSummary(total))
  return parts.reduce(addSummaries, EMPTY_SUMMARY)
}

/** The entry called `name`, or undefined. */
export async function findEntry(loader: BlobLoader, tree: BlobId, name: Uint8Array): Promise<Entry | undefined> {
  for (const entry of entriesOf(await leafFor(loader, 'tree', tree, name), undefined)) {
    if (Buffer.compare(entry.name, name) === 0) return entry
  }
  return undefined
}
