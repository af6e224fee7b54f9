// Goal: what is odd about one file costs that file at most, and never silently. Method: the real run on a source in memory
// that does what file systems do under load: names vanish, inode numbers are given again, attributes cannot be read.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { seededRandom } from '../backend/manual-clock.ts'
import { memoryDirectory, memoryFile, MemorySource, type MemoryNode } from '../support/memory-source.ts'
import { newSimulatedVault, restoreAll, SimulatedHost, TestClock } from '../support/simulated-backup.ts'

const random = seededRandom(11)

async function scene(tree: Record<string, MemoryNode>): Promise<{
  backend: MemoryBackend; host: SimulatedHost; source: MemorySource; restored: () => Promise<Map<string, Buffer>>
}> {
  const backend = new MemoryBackend({ nowMs: () => 1_800_000_000_000 })
  const vault = await newSimulatedVault(backend, random)
  const source = new MemorySource(memoryDirectory(tree))
  const host = new SimulatedHost({ vault, clock: new TestClock(), random, source, host: 'one' })
  return { backend, host, source, restored: async () => (await restoreAll(backend, vault)).at(-1) ?? new Map() }
}

const linked = (content: string): MemoryNode & { type: 'file' } => Object.assign(memoryFile(content), { nlink: 2 })
const texts = (files: Map<string, Buffer>): Record<string, string> =>
  Object.fromEntries([...files].map(([path, bytes]) => [path, bytes.toString()]))

test('the second name of a hard link is kept when the first vanished before it was read', async () => {
  const inode = linked('letter')
  const { backend, host, source, restored } = await scene({ 'a': memoryDirectory({ 'tmp': inode }), 'b': memoryDirectory({ 'final': inode }) })
  const open = source.openFile.bind(source)
  source.openFile = (directory, name) => {
    if (Buffer.from(name).toString() === 'tmp') throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' })
    return open(directory, name)
  }
  const result = await host.backup(backend)
  assert.equal(result.warnings, 1)
  assert.deepEqual(texts(await restored()), { '/b/final': 'letter' })
})

test('an inode number that is given to another file during the run is another file', async () => {
  const first = linked('OLD content')
  const second = Object.assign(linked('new'), { ino: first.ino, mtimeNs: 5_000_000_000n })
  const { backend, host, restored } = await scene({ 'a': first, 'b': first, 'c': second, 'd': second })
  assert.equal((await host.backup(backend)).warnings, 0)
  assert.deepEqual(texts(await restored()), { '/a': 'OLD content', '/b': 'OLD content', '/c': 'new', '/d': 'new' })
})

test('a large unchanged file whose chunks the vault lost is read again', async () => {
  const { backend, host, source, restored } = await scene({ 'large': memoryFile(random.bytes(2_700_000)) })
  await host.backup(backend)
  for (const name of backend.names()) {
    if (name.startsWith('index/') || name.startsWith('packs/d/')) await backend.delete(name)
  }
  source.readNames.length = 0
  await host.backup(backend)
  assert.deepEqual(source.readNames, ['large'])
  assert.deepEqual([...(await restored()).values()].map(({ length }) => length), [2_700_000])
})

test('a name that is listed twice is one name', async () => {
  const { backend, host, source, restored } = await scene({ 'a': memoryFile('x'), 'b': memoryFile('y') })
  const list = source.list.bind(source)
  source.list = (directory) => list(directory).flatMap((name) => [name, name])
  assert.equal((await host.backup(backend)).warnings, 0)
  assert.deepEqual(Object.keys(texts(await restored())), ['/a', '/b'])
})

test('a file beyond all bounds is left out with a warning that names it', async () => {
  const { backend, host, source, restored } = await scene({ 'huge': memoryFile(''), 'kept': memoryFile('x') })
  const statFile = source.statFile
  source.statFile = (file) => {
    const stat = statFile(file)
    return stat.sizeBytes === 0 ? { ...stat, sizeBytes: 2 ** 53 } : stat
  }
  assert.equal((await host.backup(backend)).warnings, 1)
  assert.match(host.warnings[0] ?? '', /^\/huge: .*size/)
  assert.deepEqual(Object.keys(texts(await restored())), ['/kept'])
})

test('attributes that no entry can hold cost the file, not the run', async () => {
  const { backend, host, source, restored } = await scene({ 'odd': memoryFile('odd'), 'kept': memoryFile('x') })
  const attributesOfFile = source.attributesOfFile
  source.attributesOfFile = (file, stat, saver, warn) => {
    const isOdd = stat.sizeBytes === 3
    return { ...attributesOfFile(file, stat, saver, warn), ...(isOdd ? { mtimeSeconds: Number.MAX_SAFE_INTEGER } : {}) }
  }
  assert.equal((await host.backup(backend)).warnings, 1)
  assert.deepEqual(Object.keys(texts(await restored())), ['/kept'])
})

test('a doubtful file is kept, with a warning, and read again next time', async () => {
  const { backend, host, source, restored } = await scene({ 'a': memoryFile('x') })
  const attributesOfFile = source.attributesOfFile
  source.attributesOfFile = (file, stat, saver, warn) => {
    warn('its extended attribute user.x cannot be read')
    return attributesOfFile(file, stat, saver, warn)
  }
  assert.equal((await host.backup(backend)).warnings, 1)
  assert.deepEqual(texts(await restored()), { '/a': 'x' })
  assert.equal((await host.backup(backend)).warnings, 1)
})

test('a source path that is a file is not read again when it is unchanged', async () => {
  const { backend, host, source } = await scene({ 'd': memoryDirectory({ 'disk.img': memoryFile('image'), 'other': memoryFile('o') }) })
  const paths = [Buffer.from('/d/disk.img'), Buffer.from('/d/other')]
  await host.backup(backend, { paths })
  source.readNames.length = 0
  const { summary } = await host.backup(backend, { paths })
  assert.deepEqual(source.readNames, [])
  assert.equal(summary.filesUnmodified, 2)
})

test('a dry run remembers nothing and stores nothing', async () => {
  const { backend, host, source } = await scene({ 'a': memoryFile('x') })
  const before = backend.names()
  await host.backup(backend, { mode: 'dry-run' })
  assert.deepEqual(backend.names(), before)
  source.readNames.length = 0
  await host.backup(backend)
  assert.deepEqual(source.readNames, ['a'])
})

test('a pack that is gone is named, and what the source still has of it is stored again', async () => {
  const { backend, host, restored } = await scene({ 'a': memoryFile('x'), 'large': memoryFile(random.bytes(2_700_000)) })
  await host.backup(backend)
  const lost = backend.names().filter((name) => name.startsWith('packs/d/'))
  for (const name of lost) await backend.delete(name)
  const { warnings } = await host.backup(backend)
  assert.equal(warnings, lost.length)
  assert.deepEqual([...(await restored()).values()].map(({ length }) => length), [1, 2_700_000])
  assert.equal((await host.backup(backend)).warnings, 0, 'it is replaced: no warning every night')
})

test('a few files are open ahead of the one that is read, and none afterwards, also when reading fails', async () => {
  for (const fails of [false, true]) {
    const names = Array.from({ length: 40 }, (_, index) => `f${index}`)
    const { backend, host, source } = await scene(Object.fromEntries(names.map((name) => [name, memoryFile(name)])))
    const open = source.openFile.bind(source)
    const close = source.closeFile
    const read = source.read.bind(source)
    const opened = new Set<number>()
    let openedMax = 0
    source.openFile = (directory, name) => {
      const file = open(directory, name)
      openedMax = Math.max(openedMax, opened.add(file).size)
      return file
    }
    source.closeFile = (file) => {
      opened.delete(file)
      close(file)
    }
    source.read = (file, ...rest) => {
      if (fails && opened.size > 1) throw new Error('a bug') // no errno: not the file's fault, the run ends
      return read(file, ...rest)
    }
    if (fails) await assert.rejects(host.backup(backend), /a bug/)
    else assert.equal((await host.backup(backend)).warnings, 0)
    assert.equal(openedMax, 8)
    assert.equal(opened.size, 0)
  }
})
