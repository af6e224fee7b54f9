// Goal: every record of a link table is read and found.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isVaultError } from '../../src/errors/vault-error.ts'
import type { LinkRecord } from '../../src/tree/entry.ts'
import { findLink, readLinkTable, saveLinkTable } from '../../src/tree/link-table.ts'
import { BlobShelf } from '../support/blob-shelf.ts'
import { randomInode } from '../support/random-entries.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const seed = testSeed()
console.log(`seed ${seed}`)

const record = (random: SeededRandom, link: bigint): LinkRecord =>
  ({ link, nlink: 2 + random.below(5), parents: [1n, link + 1n], inode: randomInode(random, true) })

it('reads in order and finds, for link ids over the whole 64 bits', async () => {
  const random = new SeededRandom(seed)
  for (const count of [1, 2, 500, 2000]) {
    const shelf = new BlobShelf()
    const links = new Set([0n, 2n ** 64n - 2n].slice(0, count))
    while (links.size < count) links.add(Buffer.from(random.bytes(8)).readBigUInt64LE() % (2n ** 64n - 2n))
    const records = [...links].sort((a, b) => (a < b ? -1 : 1)).map((link) => record(random, link))
    const root = saveLinkTable(shelf, records)
    assert.ok(root)
    if (count > 1) assert.throws(() => saveLinkTable(new BlobShelf(), records.toReversed()), /ascending/)
    const read: bigint[] = []
    for await (const { link } of readLinkTable(shelf, root)) read.push(link)
    assert.deepEqual(read, [...links].sort((a, b) => (a < b ? -1 : 1)))
    for (const { link, nlink, parents } of records.slice(0, 50)) {
      const found = await findLink(shelf, root, link)
      assert.deepEqual([found?.nlink, found?.parents], [nlink, parents])
    }
    assert.equal(await findLink(shelf, root, 2n ** 64n - 1n), undefined)
  }
})

it('no records, no table', () => {
  assert.equal(saveLinkTable(new BlobShelf(), []), undefined)
})

it('flipped bits are VaultErrors or other records', async () => {
  const random = new SeededRandom(seed + 1)
  const shelf = new BlobShelf()
  saveLinkTable(shelf, Array.from({ length: 400 }, (_, i) => record(random, BigInt(i) * 977n)))
  const nodes = [...shelf.blobs.values()]
  for (let round = 0; round < 800; round++) {
    const bytes = new Uint8Array(nodes[random.below(nodes.length)] ?? [])
    const at = random.below(Math.min(bytes.length, 500))
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
    const hostile = new BlobShelf()
    try {
      for await (const { link } of readLinkTable(hostile, hostile.save('links', bytes))) assert.equal(typeof link, 'bigint')
    } catch (error) {
      assert.ok(isVaultError(error, 'vault-damaged', 'vault-newer'), String(error))
    }
  }
})
