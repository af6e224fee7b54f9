// Goal: blocks of packs on the disk give the bytes that storage has, save requests, keep their limit, and survive damage,
// other processes and full disks. Method: over the memory backend, whose requests are counted.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { BLOCK_BYTES, BlockBackend } from '../../src/cache/block-backend.ts'
import { BlockStore } from '../../src/cache/block-store.ts'
import { packId, type PackId } from '../../src/ids/ids.ts'
import { packName } from '../../src/pack/layout.ts'
import { contractTests } from '../backend/contract.ts'
import { SeededRandom } from '../support/seeded-random.ts'

const scratch = mkdtempSync(join(tmpdir(), 's3vault-blocks-'))
after(() => rmSync(scratch, { recursive: true }))
const seed = Number(process.env['S3VAULT_TEST_SEED'] ?? Date.now() % 1_000_000)
const random = new SeededRandom(seed)

contractTests({
  title: 'blocks',
  open: async () => new BlockBackend(new MemoryBackend(), new BlockStore(join(scratch, 'contract'), 2 ** 30), () => undefined),
})

const id = (digit: string): PackId => packId(digit.repeat(64))

async function newPacks(name: string, sizes: readonly number[], bytesMax: number) {
  const inner = new MemoryBackend()
  const packs = sizes.map((size, i) => ({ id: id(i.toString(16)), bytes: random.bytes(size) }))
  for (const pack of packs) await inner.put(packName('data', pack.id), pack.bytes)
  const directory = join(scratch, name)
  const open = () => {
    const store = new BlockStore(directory, bytesMax)
    const at = (kept: BlockStore | undefined) =>
      ({ backend: new BlockBackend(inner, kept, (wanted) => packs.find((pack) => pack.id === wanted)?.bytes.length) })
    return { store, at, ...at(store) }
  }
  return { inner, packs, directory, open }
}

const files = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => /-\d+$/.test(name)).map((name) => join(directory, name))
const onDisk = (directory: string): number => files(directory).reduce((sum, path) => sum + statSync(path).size, 0)

test(`any range is what storage has, at any limit (seed ${seed})`, async () => {
  const { packs, directory, open } = await newPacks('ranges', [BLOCK_BYTES * 3 + 17, BLOCK_BYTES, 5, BLOCK_BYTES * 2 - 1], BLOCK_BYTES * 4)
  const { at, store } = open()
  let { backend } = at(store)
  for (let i = 0; i < 200; i++) {
    const { id: pack, bytes } = packs[random.below(packs.length)]!
    if (i % 10 === 0) ({ backend } = at(store)) // forgets what it has in memory
    const offset = random.below(bytes.length)
    const length = 1 + random.below(Math.min(bytes.length - offset, BLOCK_BYTES * 2))
    const got = await backend.get(packName('data', pack), { offset, length })
    assert.ok(Buffer.from(bytes.subarray(offset, offset + length)).equals(got), `${offset} ${length}`)
    assert.ok(store.bytes <= BLOCK_BYTES * 4)
  }
  assert.equal(onDisk(directory), store.bytes)
  await assert.rejects(backend.get(packName('data', id('2')), { offset: 3, length: 3 }), /asked for/)
  store.close()
})

test('neighbours come with one request, also at the next opening and when many ask at once', async () => {
  const { inner, open, packs } = await newPacks('neighbours', [BLOCK_BYTES * 2], 2 ** 30)
  const name = packName('data', packs[0]!.id)
  const first = open()
  await Promise.all([0, 1000, 2000, 3000].map((offset) => first.backend.get(name, { offset, length: 500 })))
  assert.equal(inner.counts.get, 1)
  first.store.close()
  const second = open()
  await second.backend.get(name, { offset: 5000, length: 500 })
  assert.equal(inner.counts.get, 1)
  await second.backend.get(name, { offset: BLOCK_BYTES - 10, length: 20 })
  assert.equal(inner.counts.get, 2)
  second.store.close()
})

test('a local disk is read in blocks for small pieces only', async () => {
  const { inner, at, packs, store } = await newPacks('local', [BLOCK_BYTES * 2], 2 ** 30).then((made) => ({ ...made, ...made.open() }))
  const { backend } = at(undefined)
  const name = packName('data', packs[0]!.id)
  for (const offset of [0, 5000, 10_000]) await backend.get(name, { offset, length: 4000 })
  assert.deepEqual([inner.counts.get, inner.counts.bytesDown], [1, BLOCK_BYTES])
  await backend.get(name, { offset: 5, length: 500_000 })
  assert.deepEqual([inner.counts.get, inner.counts.bytesDown], [2, BLOCK_BYTES + 500_000])
  store.close()
})

test('a block that was changed or cut is fetched again', async () => {
  const { inner, open, packs, directory } = await newPacks('damage', [BLOCK_BYTES], 2 ** 30)
  const name = packName('data', packs[0]!.id)
  const { at, store } = open()
  const read = async () => Buffer.from(await at(store).backend.get(name, { offset: 10, length: 100 }))
  const right = await read()
  const [path] = files(directory)
  for (const damage of [() => writeFileSync(path!, random.bytes(BLOCK_BYTES + 32)), () => truncateSync(path!, 700), () => truncateSync(path!, 3), () => rmSync(path!)]) {
    const before = inner.counts.get
    damage()
    assert.deepEqual(await read(), right)
    assert.equal(inner.counts.get, before + 1)
  }
  store.close()
})

test('a second process reads what the first keeps, and adds nothing', async () => {
  const { inner, open, packs, directory } = await newPacks('shared', [BLOCK_BYTES * 2], 2 ** 30)
  const name = packName('data', packs[0]!.id)
  const [first, second] = [open(), open()]
  await first.backend.get(name, { offset: 0, length: 5 })
  await second.backend.get(name, { offset: 0, length: 5 })
  assert.equal(inner.counts.get, 1)
  await second.backend.get(name, { offset: BLOCK_BYTES, length: 5 })
  assert.equal(files(directory).length, 1)
  first.store.close()
  second.store.close()
})

test('a smaller limit at the next opening is kept, and where nothing can be written nothing is kept', async () => {
  const { open, packs, directory, inner } = await newPacks('smaller', [BLOCK_BYTES * 6], 2 ** 30)
  const name = packName('data', packs[0]!.id)
  const { backend, store } = open()
  await backend.get(name, { offset: 0, length: BLOCK_BYTES * 5 })
  store.close()
  const limit = BLOCK_BYTES * 2 + 100
  const smaller = new BlockStore(directory, limit)
  await smaller.put(packs[0]!.id, 5, packs[0]!.bytes.subarray(BLOCK_BYTES * 5))
  assert.ok(onDisk(directory) <= limit)
  smaller.close()
  writeFileSync(join(scratch, 'file'), '')
  const unwritable = new BlockBackend(inner, new BlockStore(join(scratch, 'file'), 2 ** 30), () => BLOCK_BYTES * 6)
  assert.equal((await unwritable.get(name, { offset: 3, length: 4 })).length, 4)
})
