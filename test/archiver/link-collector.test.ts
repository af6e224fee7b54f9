// Goal: hard links are gathered as a plain map of objects would, and in a quarter of its memory. Method: random names of
// random inodes, some of which fail to be read or get their number from another, against a model; and a count of bytes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { LinkCollector } from '../../src/archiver/link-collector.ts'
import type { FileStat } from '../../src/posix/stat.ts'
import { encodeEntry } from '../../src/tree/entry-codec.ts'
import type { Inode } from '../../src/tree/entry.ts'
import { childInode } from '../../src/tree/inode-number.ts'
import { blobId } from '../../src/ids/ids.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const seed = testSeed()
console.log(`seed ${seed}`)
const KEY = new Uint8Array(32)

const statOf = (ino: bigint, sizeBytes: number, dev = 1n): FileStat => ({
  type: 'file', mode: 0o644, uid: 0, gid: 0, nlink: 2, ino, dev, rdevMajor: 0, rdevMinor: 0, sizeBytes, blocks512: 0,
  mtimeNs: BigInt(sizeBytes) * 7n - 20n, ctimeNs: 0n,
})

const inodeOf = (size: number, user = 'somebody'): Inode => ({
  kind: 'file', mode: 0o644, uid: 1000, gid: 1000, user, group: 'users', mtimeSeconds: 1_700_000_000, mtimeNanos: 5, xattrs: [],
  size, isSparse: false, content: { items: size > 0 ? [{ length: size, id: blobId(new Uint8Array(32).fill(size & 255)) }] : [] },
})
const encodedOf = (name: Uint8Array, inode: Inode): { encoded: Uint8Array } => ({ encoded: encodeEntry({ name, isLocked: false, inode }) })

test('random names: ids, records, parents and failures are those of the model', async () => {
  const random = new SeededRandom(seed)
  const links = new LinkCollector(KEY)
  interface Model { id: bigint; size: number; names: number; parents: Set<bigint> }
  const current = new Map<string, Model>()
  const all: Model[] = []
  for (let i = 0; i < 6000; i++) {
    const ino = BigInt(random.below(1400))
    const dev = BigInt(random.below(3)) << 40n
    const parent = BigInt(random.below(50))
    // Now and then a number is given to another file.
    const size = 100 + (random.below(40) === 0 ? random.below(5) : 0)
    const stat = statOf(ino, size, dev)
    const name = Buffer.from(`n${i}`)
    const isReadable = random.below(10) > 0
    const known = current.get(`${dev}:${ino}`)
    let expected = known?.size === size ? known : undefined
    let wasRead = false
    const entry = await links.entry(stat, parent, name, async () => {
      wasRead = true
      return isReadable ? encodedOf(name, inodeOf(size)) : undefined
    })
    assert.equal(wasRead, expected === undefined)
    if (!expected && isReadable) {
      expected = { id: childInode(KEY, parent, name), size, names: 0, parents: new Set() }
      all.push(expected)
    }
    if (wasRead && !isReadable) current.delete(`${dev}:${ino}`)
    else if (expected) current.set(`${dev}:${ino}`, expected)
    if (!expected) {
      assert.equal(entry, undefined)
      continue
    }
    expected.names++
    expected.parents.add(parent)
    assert.deepEqual(entry, { name, isLocked: false, link: expected.id, linkKind: 'file', linkSize: size })
  }
  const records = [...links.records()]
  const model = all.sort((a, b) => (a.id < b.id ? -1 : 1))
  assert.deepEqual(records.map(({ link, nlink, parents, inode }) => ({ link, nlink, parents, size: inode.kind === 'file' ? inode.size : -1 })),
    model.map(({ id, names, parents, size }) => ({ link: id, nlink: names, parents: [...parents].sort((a, b) => (a < b ? -1 : 1)), size })))
})

test('names that come while the first is read wait for it; when it fails the next is read', async () => {
  const links = new LinkCollector(KEY)
  const stat = statOf(5n, 10)
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const reads: string[] = []
  const ask = (name: string, answer: () => Promise<{ encoded: Uint8Array } | undefined>): ReturnType<typeof links.entry> =>
    links.entry(stat, 1n, Buffer.from(name), () => {
      reads.push(name)
      return answer()
    })
  const first = ask('a', () => promise)
  const others = ['b', 'c'].map((name) => ask(name, async () => encodedOf(Buffer.from(name), inodeOf(10))))
  resolve(undefined)
  assert.equal(await first, undefined)
  const [second, third] = await Promise.all(others)
  assert.deepEqual(reads, ['a', 'b'])
  assert.ok(second && third && 'link' in second && 'link' in third && second.link === third.link)
  assert.deepEqual([...links.records()].map(({ nlink }) => nlink), [2])
})

test('an entry of half a megabyte, and one after it', async () => {
  const links = new LinkCollector(KEY)
  for (const [ino, length] of [[1n, 10], [2n, 500_000], [3n, 20]] as const) {
    const name = Buffer.from(`f${ino}`)
    const inode: Inode = { ...inodeOf(0), xattrs: [...Array.from({ length: Math.ceil(length / 60_000) }, (_, i) => ({ name: Buffer.from(`user.${i}`), value: new Uint8Array(Math.min(length, 60_000)) }))] }
    await links.entry(statOf(ino, 0), 1n, name, async () => encodedOf(name, inode))
  }
  assert.equal([...links.records()].length, 3)
})

test('40,000 inodes of two names take less than 300 bytes each', async () => {
  const count = 40_000
  const measure = async (): Promise<number> => {
    for (let turn = 0; turn < 5; turn++) { // buffers are freed a turn after their objects
      collectGarbage()
      await new Promise((resolve) => setImmediate(resolve))
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const links = new LinkCollector(KEY)
  const before = await measure()
  for (const parent of [1n, 2n]) {
    for (let i = 0; i < count; i++) {
      const name = Buffer.from(`f${i}`)
      await links.entry(statOf(BigInt(i), 10), parent, name, async () => encodedOf(name, inodeOf(10)))
    }
  }
  const bytes = ((await measure()) - before) / count
  let records = 0
  for (const { nlink } of links.records()) records += nlink
  assert.equal(records, 2 * count)
  console.log(`${Math.round(bytes)} bytes an inode`)
  assert.ok(bytes > 100, 'its own data is counted')
  assert.ok(bytes < 300, `${bytes} bytes an inode`)
})
