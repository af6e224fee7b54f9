// Goal: a directory is what was put into it, in one form only, and a small change rewrites little of it.
// Method: random directories against a plain array.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isVaultError } from '../../src/errors/vault-error.ts'
import type { BlobId } from '../../src/ids/ids.ts'
import { DirectoryBuilder, findEntry, readDirectoryTree } from '../../src/tree/directory.ts'
import { encodeEntry } from '../../src/tree/entry-codec.ts'
import { addSummaries, EMPTY_SUMMARY, summaryOf, type Entry, type Summary } from '../../src/tree/entry.ts'
import { readNode } from '../../src/tree/node.ts'
import { BlobShelf } from '../support/blob-shelf.ts'
import { randomEntries, randomEntry, randomName } from '../support/random-entries.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const seed = testSeed()
console.log(`seed ${seed}`)

function build(shelf: BlobShelf, entries: readonly Entry[]): { tree: BlobId; summary: Summary } {
  const builder = new DirectoryBuilder(shelf)
  for (const entry of entries) builder.add(entry.name, encodeEntry(entry), summaryOf(entry))
  return builder.finish()
}

async function readAll(shelf: BlobShelf, tree: BlobId, visit?: (id: BlobId) => void): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const entry of readDirectoryTree(shelf, tree, visit)) entries.push(entry)
  return entries
}

/** Views and Buffers of equal bytes are equal here. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return `${part}n`
    if (part instanceof Uint8Array) return Buffer.from(part).toString('hex')
    return part
  }, 0).replaceAll(/\{"type":"Buffer","data":\[([\d,]*)\]\}/g, (_all, bytes: string) =>
    JSON.stringify(Buffer.from(bytes === '' ? [] : bytes.split(',').map(Number)).toString('hex'))))

it('read and find give back what was built', async () => {
  const random = new SeededRandom(seed)
  for (const count of [0, 1, 2, 3, 50, 300, 1500]) {
    const shelf = new BlobShelf()
    const entries = randomEntries(random, count)
    const { tree, summary } = build(shelf, entries)
    assert.deepEqual(plain(await readAll(shelf, tree)), plain(entries))
    assert.deepEqual(summary, entries.map(summaryOf).reduce(addSummaries, EMPTY_SUMMARY))
    for (let i = 0; i < 30; i++) {
      const entry = entries[random.below(Math.max(count, 1))]
      if (entry) assert.deepEqual(plain(await findEntry(shelf, tree, entry.name)), plain(entry))
      const other = randomName(random)
      const expected = entries.find(({ name }) => Buffer.compare(name, other) === 0)
      assert.deepEqual(plain({ found: await findEntry(shelf, tree, other) }), plain({ found: expected }))
    }
  }
})

it('visits every node blob once, and the same entries give the same tree', async () => {
  const random = new SeededRandom(seed + 1)
  const shelf = new BlobShelf()
  const entries = randomEntries(random, 4000)
  const { tree } = build(shelf, entries)
  const visited = new Set<string>()
  await readAll(shelf, tree, (id) => visited.add(Buffer.from(id).toString('hex')))
  assert.equal(visited.size, shelf.blobs.size)
  assert.ok(visited.size > 4)
  assert.deepEqual(build(new BlobShelf(), entries).tree, tree)
})

const fileOf = (name: string, mtimeSeconds: number): Entry => ({
  name: Buffer.from(name), isLocked: false,
  inode: {
    mode: 0o644, uid: 0, gid: 0, user: '', group: '', mtimeSeconds, mtimeNanos: 0, xattrs: [], kind: 'file', size: 0, isSparse: false,
    content: { items: [] },
  },
})

it('one change among 50,000 entries rewrites one leaf and its ancestors', () => {
  const random = new SeededRandom(seed + 2)
  const shelf = new BlobShelf()
  const entries = Array.from({ length: 50_000 }, (_, i) => fileOf(`file-${String(i).padStart(8, '0')}.txt`, 1))
  build(shelf, entries)
  const nodes = shelf.blobs.size
  const spread: number[] = []
  for (let round = 0; round < 9; round++) {
    const at = random.below(entries.length)
    const changed = [...entries]
    if (round % 3 === 0) changed[at] = fileOf(`file-${String(at).padStart(8, '0')}.txt`, 2 + round)
    else if (round % 3 === 1) changed.splice(at, 1)
    else changed.splice(at, 0, fileOf(`file-${String(at).padStart(8, '0')}`, round)) // sorts before its .txt
    const before = shelf.added.length
    build(shelf, changed)
    spread.push(shelf.added.length - before)
  }
  console.log(`${nodes} nodes; rewritten by one change: ${spread.join(' ')}`)
  assert.ok(Math.max(...spread) <= 6, 'leaf, perhaps its neighbour when a boundary moved, and the levels above')
  assert.ok(spread.reduce((sum, count) => sum + count, 0) / spread.length < 4)
})

it('flipped bits and random bytes in nodes are VaultErrors or other sound values, never more', async () => {
  const random = new SeededRandom(seed + 3)
  const shelf = new BlobShelf()
  const { tree } = build(shelf, randomEntries(random, 400))
  const nodes = [...shelf.blobs.values()]
  let refused = 0
  const rounds = 2000
  for (let round = 0; round < rounds; round++) {
    const model = nodes[random.below(nodes.length)] ?? new Uint8Array(0)
    const bytes = round % 4 === 0
      ? Uint8Array.from([1, random.below(18), ...random.bytes(random.below(400))])
      : new Uint8Array(model.subarray(0, random.below(10) === 0 ? random.below(model.length) : model.length))
    for (let flips = round % 4 === 0 ? 0 : 1 + random.below(3); flips > 0 && bytes.length > 0; flips--) {
      const at = random.below(3) === 0 ? random.below(Math.min(bytes.length, 64)) : random.below(bytes.length)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
    }
    const hostile = new BlobShelf()
    const root = hostile.save('tree', bytes)
    try {
      readNode('tree', root, bytes)
      await readAll(hostile, root)
    } catch (error) {
      assert.ok(isVaultError(error, 'vault-damaged', 'vault-newer'), String(error instanceof Error ? error.stack : error))
      refused++
    }
  }
  assert.ok(refused > rounds / 4)
  assert.ok(tree)
})

it('a node whose child is not below it is refused: no cycle, no endless walk', async () => {
  const loops = { load: async (): Promise<Uint8Array> => cyclic }
  const id = new Uint8Array(32) as BlobId
  const cyclic = Uint8Array.from([1, 1, 1, 1, 0x61, ...id, 3, 0, 0, 0])
  await assert.rejects(async () => {
    for await (const entry of readDirectoryTree(loops, id)) assert.fail(String(entry.name))
  }, (error) => isVaultError(error, 'vault-damaged'))
  await assert.rejects(findEntry(loops, id, Buffer.from('a')), (error) => isVaultError(error, 'vault-damaged'))
})

it('entries out of order or twice are refused', async () => {
  const random = new SeededRandom(seed + 4)
  for (const [a, b] of [['b', 'a'], ['a', 'a']] as const) {
    const parts = [a, b].map((name) => encodeEntry(randomEntry(random, Buffer.from(name))))
    const shelf = new BlobShelf()
    const root = shelf.save('tree', Buffer.concat([Uint8Array.of(1, 0, 2), ...parts]))
    await assert.rejects(readAll(shelf, root), (error) => isVaultError(error, 'vault-damaged'))
  }
})
