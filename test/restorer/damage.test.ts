// Goal: a blob, pack or tree node that is lost hurts what needs it and nothing else, and never in silence.
// Method: bytes of packs in the memory backend are flipped or packs deleted after the tree is stored.
import assert from 'node:assert/strict'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { MemoryBackend } from '../../src/backend/memory.ts'
import type { BlobId } from '../../src/ids/ids.ts'
import { packName } from '../../src/pack/layout.ts'
import { directory, file, storeTree, TestVault } from '../support/tree-maker.ts'
import { newTarget, problems, restoreStored } from './restoring.ts'

const BLOCK = 64 * 1024
const NOTHING_COMPRESSED = { compression: { codec: 'none' } } as const

interface Vault { vault: TestVault; backend: MemoryBackend }
async function newVault(): Promise<Vault> {
  const backend = new MemoryBackend()
  return { vault: await TestVault.create({ backend, ...NOTHING_COMPRESSED }), backend }
}

/** Flips a bit of every stored copy of a blob. */
function spoil({ vault, backend }: Vault, id: BlobId): void {
  for (const { pack, offset, length } of vault.index.locate(id)) {
    backend.damage(packName(pack.kind, pack.id), (bytes) => {
      bytes[offset + length - 1] = (bytes[offset + length - 1] ?? 0) ^ 1
      return bytes
    })
  }
}

const block = (byte: number, length = BLOCK): Buffer => Buffer.alloc(length, byte)

test('a flipped bit in one blob: the file gets the rest and zeros, is reported, and has no trusted mtime', async (t) => {
  const target = newTarget(t)
  const made = await newVault()
  const { vault } = made
  const bad = vault.save('data', block(2))
  const stored = await storeTree(vault, { bad: file([block(1), block(2), block(3)]), good: file([block(1), block(3)]), alone: file(block(2)) })
  spoil(made, bad)
  const report = await restoreStored(vault, stored, target)
  assert.deepEqual(readdirSync(target), ['bad', 'good'])
  assert.deepEqual(readFileSync(join(target, 'bad')), Buffer.concat([block(1), block(0), block(3)]))
  assert.deepEqual(readFileSync(join(target, 'good')), Buffer.concat([block(1), block(3)]))
  assert.equal(report.errorCount, 2)
  const found = report.errors.find(({ path }) => Buffer.from(path).toString() === 'bad')
  assert.equal(found?.code, 'vault-damaged')
  assert.deepEqual(found?.missing, [{ offset: BLOCK, length: BLOCK }])
  assert.notEqual(Math.floor(lstatSync(join(target, 'bad')).mtimeMs / 1000), 1_600_000_000)
  assert.equal(Math.floor(lstatSync(join(target, 'good')).mtimeMs / 1000), 1_600_000_000)
})

test('an existing file keeps its bytes where the vault has none', async (t) => {
  const target = newTarget(t)
  const made = await newVault()
  const bad = made.vault.save('data', block(2))
  const stored = await storeTree(made.vault, { a: file([block(1), block(2)]) })
  spoil(made, bad)
  mkdirSync(target)
  writeFileSync(join(target, 'a'), Buffer.concat([block(8), block(9)]))
  const report = await restoreStored(made.vault, stored, target)
  assert.deepEqual(readFileSync(join(target, 'a')), Buffer.concat([block(1), block(9)]))
  assert.match(problems(report).join(), /^a: damaged: 65536 of 131072 bytes cannot be read, what stood there before is left/)
})

test('a pack that is gone: files of other packs come back, a second copy of a blob is used', async (t) => {
  const target = newTarget(t)
  const backend = new MemoryBackend()
  const vault = await TestVault.create({ backend })
  const first = file('only in the first pack')
  const both = file('in both packs')
  const id = vault.save('data', Buffer.from('in both packs'))
  await storeTree(vault, { first, both })
  // Another client stored one of them again.
  const [place] = vault.index.locate(id)
  assert.ok(place)
  const copy = await copyPack(vault, id)
  const stored = await storeTree(vault, { first, both, second: file('only in the second') })
  await backend.delete(packName('data', place.pack.id))
  const report = await restoreStored(vault, stored, target)
  assert.notEqual(copy, place.pack.id)
  assert.deepEqual(readdirSync(target), ['both', 'second'])
  assert.equal(readFileSync(join(target, 'both'), 'utf8'), 'in both packs')
  assert.match(problems(report).join(), /^first: not restored: nothing of its content can be read/)
})

/** Stores a blob once more, in a pack of its own; returns the pack's id. */
async function copyPack(vault: TestVault, id: BlobId): Promise<string> {
  const { BlobSealer } = await import('../../src/crypto/data-key.ts')
  const { PackWriter } = await import('../../src/pack/pack-writer.ts')
  const { PackStore } = await import('../../src/repository/pack-store.ts')
  const { SystemRandom } = await import('../../src/async/random.ts')
  const random = new SystemRandom()
  const { keys, backend, index } = vault
  const plain = await vault.loader.load('data', id)
  const writer = new PackWriter('data', keys.vault, new BlobSealer(keys, random), new Uint8Array(65536))
  writer.add('data', id, plain, 0, plain.length)
  const pack = writer.finish()
  const store = new PackStore({ backend, keys, random, index })
  await store.accept(pack)
  await store.drain()
  return pack.id
}

test('a directory that cannot be read is reported; its neighbours come back and nothing of it is deleted', async (t) => {
  const target = newTarget(t)
  const made = await newVault()
  const { vault } = made
  const stored = await storeTree(vault, { lost: directory({ x: file('x') }), other: directory({ y: file('y') }) })
  const found = await import('../../src/tree/directory.ts').then(({ findEntry }) => findEntry(vault.loader, stored.tree, Buffer.from('lost')))
  assert.ok(found && 'inode' in found && found.inode.kind === 'directory')
  spoil(made, found.inode.tree)
  mkdirSync(join(target, 'lost'), { recursive: true })
  writeFileSync(join(target, 'lost', 'mine'), '')
  // Another reader: the vault's own holds metadata packs in memory.
  const { BlobReader } = await import('../../src/repository/blob-reader.ts')
  const loader = new BlobReader(vault.backend, vault.keys, vault.index)
  const report = await restoreStored(vault, stored, target, { deletesExtra: true, loader })
  assert.match(problems(report).join(), /^lost: entries of this directory cannot be read/)
  assert.equal(report.errorCount, 1)
  assert.deepEqual(readdirSync(join(target, 'lost')), ['mine'])
  assert.equal(readFileSync(join(target, 'other', 'y'), 'utf8'), 'y')
})

test('a lost content list: reported, and a file of which nothing is left is not made', async (t) => {
  const target = newTarget(t)
  const made = await newVault()
  const { vault } = made
  const stored = await storeTree(vault, { a: file([block(1), block(2)], { asList: true }), b: file('b') })
  const found = await import('../../src/tree/directory.ts').then(({ findEntry }) => findEntry(vault.loader, stored.tree, Buffer.from('a')))
  assert.ok(found && 'inode' in found && found.inode.kind === 'file' && 'list' in found.inode.content)
  spoil(made, found.inode.content.list)
  const { BlobReader } = await import('../../src/repository/blob-reader.ts')
  const loader = new BlobReader(vault.backend, vault.keys, vault.index)
  const report = await restoreStored(vault, stored, target, { loader })
  assert.equal(report.errorCount, 1)
  assert.ok(!existsSync(join(target, 'a')))
  assert.equal(readFileSync(join(target, 'b'), 'utf8'), 'b')
})

test('names of a damaged linked file are all reported', async (t) => {
  const target = newTarget(t)
  const made = await newVault()
  const bad = made.vault.save('data', block(2))
  const stored = await storeTree(made.vault, {
    a: { kind: 'link', link: 5n, node: file([block(1), block(2)]) }, b: { kind: 'link', link: 5n },
  })
  spoil(made, bad)
  const report = await restoreStored(made.vault, stored, target)
  assert.deepEqual(report.errors.map(({ path }) => Buffer.from(path).toString()), ['a', 'b'])
  assert.equal(lstatSync(join(target, 'a')).ino, lstatSync(join(target, 'b')).ino)
})
