// Goal: the runs of a large file come back in order, an insert rewrites little, and hostile lists are VaultErrors.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { AssertionError } from '../../src/errors/assert.ts'
import { blobId, type BlobId } from '../../src/ids/ids.ts'
import { readContentList, saveContentList } from '../../src/tree/content-list.ts'
import type { ContentItem } from '../../src/tree/entry.ts'
import { BlobShelf } from '../support/blob-shelf.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const seed = testSeed()
console.log(`seed ${seed}`)

const runs = (random: SeededRandom, count: number, holesInTen = 2): ContentItem[] =>
  Array.from({ length: count }, () => random.below(10) < holesInTen
    ? { length: 1 + random.below(2 ** 30) }
    : { length: 1 + random.below(8 * 2 ** 20), id: blobId(random.bytes(32)) })

async function readAll(shelf: BlobShelf, root: BlobId): Promise<ContentItem[]> {
  const items: ContentItem[] = []
  for await (const item of readContentList(shelf, root)) items.push(item)
  return items
}

it('round trip of one run up to 100,000, and of holes only', async () => {
  const random = new SeededRandom(seed)
  for (const [count, holes] of [[1, 0], [1, 10], [33, 2], [255, 2], [257, 2], [2048, 10], [2049, 10], [5000, 10], [100_000, 1]] as const) {
    const shelf = new BlobShelf()
    const items = runs(random, count, holes)
    const read = await readAll(shelf, saveContentList(shelf, items))
    assert.equal(read.length, count)
    const textOf = ({ length, id }: ContentItem): string => `${length} ${id ? Buffer.from(id).toString('hex') : 'hole'}`
    assert.deepEqual(read.map(textOf), items.map(textOf))
  }
})

it('an insert into 100,000 runs rewrites one leaf and its ancestors', () => {
  const random = new SeededRandom(seed + 1)
  const shelf = new BlobShelf()
  const items = runs(random, 100_000)
  saveContentList(shelf, items)
  const all = shelf.added.length
  for (let round = 0; round < 5; round++) {
    const changed = [...items]
    changed.splice(random.below(items.length), 0, ...runs(random, 1, 0))
    const before = shelf.added.length
    saveContentList(shelf, changed)
    assert.ok(shelf.added.length - before <= 8, `${shelf.added.length - before} of ${all}`)
  }
})

it('no runs is a bug of the caller, not an endless loop', () => {
  assert.throws(() => saveContentList(new BlobShelf(), []), AssertionError)
})

it('flipped bits, random bytes and cycles are VaultErrors or other lists', async () => {
  const random = new SeededRandom(seed + 2)
  const shelf = new BlobShelf()
  saveContentList(shelf, runs(random, 600))
  const nodes = [...shelf.blobs.values()]
  for (let round = 0; round < 1500; round++) {
    const model = nodes[random.below(nodes.length)] ?? new Uint8Array(0)
    const bytes = round % 3 === 0
      ? Uint8Array.from([1, random.below(20), ...random.bytes(random.below(200))])
      : new Uint8Array(model)
    const at = random.below(Math.min(bytes.length, 200))
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
    const hostile = new BlobShelf()
    try {
      await readAll(hostile, hostile.save('content', bytes))
    } catch (error) {
      assert.ok(isVaultError(error, 'vault-damaged'), String(error))
    }
  }
  const id = new Uint8Array(32) as BlobId
  const cyclic = Uint8Array.from([1, 3, 1, 2, ...id])
  await assert.rejects(async () => {
    for await (const item of readContentList({ load: async () => cyclic }, id)) assert.fail(String(item.length))
  }, (error) => isVaultError(error, 'vault-damaged'))
})
