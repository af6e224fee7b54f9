// Goal: a snapshot is shown as it is, node by node, whatever its shape and whatever is damaged in it. Method: trees written
// down here, stored in a vault in memory, looked at through the file system's own operations.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errno, FileSystemError, ROOT_NODE, type Entry, type NodeId } from '../../src/fuse/file-system.ts'
import { childInode } from '../../src/tree/inode-number.ts'
import type { SnapshotFileSystem } from '../../src/vfs/snapshot-file-system.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { directory, file, storeTree, symlink, TestVault, type TestEntries } from '../support/tree-maker.ts'
import { finish, ListSink, serve, shownOf, type ServedTree } from './operations.ts'

const seed = Number(process.env['S3VAULT_TEST_SEED'] ?? Date.now() % 1_000_000)

async function shown(entries: TestEntries, vault?: TestVault): Promise<ServedTree & { vault: TestVault }> {
  const used = vault ?? (await TestVault.create())
  return { vault: used, ...serve(used, { kind: 'snapshot', snapshot: shownOf('one', await storeTree(used, entries)) }) }
}

async function look(fileSystem: SnapshotFileSystem, parent: NodeId, ...names: string[]): Promise<Entry> {
  let entry: Entry | undefined
  for (const name of names) {
    const found = await finish(fileSystem.lookup(entry?.node ?? parent, Buffer.from(name)))
    assert.ok(found.node !== undefined, `${name} is there`)
    entry = found
  }
  assert.ok(entry)
  return entry
}

const content = async (fileSystem: SnapshotFileSystem, node: NodeId, offset = 0, size = 1e6): Promise<Buffer> =>
  Buffer.concat(await finish(fileSystem.read(node, 0, offset, size)))

const fails = (code: number) => (error: unknown): boolean => error instanceof FileSystemError && error.errno === code

test('attributes, targets, devices, xattrs and absence', async () => {
  const value = Buffer.from('v')
  const { fileSystem } = await shown({
    'file': file('hello', { mode: 0o4711, uid: 3, gid: 4, mtimeSeconds: -9, mtimeNanos: 5, xattrs: [{ name: Buffer.from('user.x'), value }] }),
    'link': symlink('to/somewhere'),
    'zero': { kind: 'char', major: 1, minor: 5 },
    'dir': directory({ 'inner': file('x') }, { mode: 0o1777 }),
  })
  const entry = await look(fileSystem, ROOT_NODE, 'file')
  const { attributes } = entry
  assert.deepEqual([attributes.mode, attributes.uid, attributes.gid, attributes.sizeBytes, attributes.blocks512], [0o4711, 3, 4, 5, 1])
  assert.deepEqual(attributes.mtime, { seconds: -9, nanos: 5 })
  assert.deepEqual((await finish(fileSystem.attributes(entry.node))).value, attributes)
  assert.equal(Buffer.from(await finish(fileSystem.listXattrs(entry.node))).toString(), 'user.x\0')
  assert.deepEqual(await finish(fileSystem.getXattr(entry.node, Buffer.from('user.x'))), new Uint8Array(value))
  assert.equal(await finish(fileSystem.getXattr(entry.node, Buffer.from('user.y'))), undefined)
  const link = await look(fileSystem, ROOT_NODE, 'link')
  assert.equal(Buffer.from(await finish(fileSystem.readLink(link.node))).toString(), 'to/somewhere')
  assert.equal(link.attributes.sizeBytes, 12)
  const { attributes: zero } = await look(fileSystem, ROOT_NODE, 'zero')
  assert.deepEqual([zero.type, zero.deviceMajor, zero.deviceMinor], ['char', 1, 5])
  assert.equal((await look(fileSystem, ROOT_NODE, 'dir')).attributes.mode, 0o1777)
  assert.equal((await finish(fileSystem.lookup(ROOT_NODE, Buffer.from('none')))).node, undefined)
  await assert.rejects(finish(fileSystem.lookup(entry.node, Buffer.from('x'))), fails(errno.ENOTDIR))
  await assert.rejects(finish(fileSystem.attributes(12345)), fails(errno.ESTALE))
})

test('inode numbers are those of the format where one snapshot is the root, and the same at the next mount', async () => {
  const entries = { 'dir': directory({ 'inner': file('x') }), 'l1': { kind: 'link', link: 4711n, node: file('y') }, 'l2': { kind: 'link', link: 4711n } } as const
  const { fileSystem, vault } = await shown(entries)
  const key = vault.keys.inodeKey()
  const inner = await look(fileSystem, ROOT_NODE, 'dir', 'inner')
  assert.equal(inner.attributes.inode, childInode(key, childInode(key, 1n, Buffer.from('dir')), Buffer.from('inner')))
  const [first, second] = [await look(fileSystem, ROOT_NODE, 'l1'), await look(fileSystem, ROOT_NODE, 'l2')]
  assert.deepEqual([first.attributes.inode, first.attributes.links], [4711n, 2])
  assert.equal(second.node, first.node, 'names of one inode are one node')
  const sink = new ListSink(false)
  await finish(fileSystem.readDirectory(ROOT_NODE, 0, 0, sink))
  assert.deepEqual(sink.listed.map(({ name }) => name), ['.', '..', 'dir', 'l1', 'l2'])
  assert.equal(sink.listed[3]?.inode, 4711n, 'd_ino is st_ino')
})

test('two snapshots of the same tree have nothing in common but content', async () => {
  const vault = await TestVault.create()
  const stored = await storeTree(vault, { 'f': file('same'), 'a': { kind: 'link', link: 99n, node: file('y') }, 'b': { kind: 'link', link: 99n } })
  const { fileSystem } = serve(vault, { kind: 'list', snapshots: [shownOf('s1', stored), shownOf('s2', stored)] })
  const files = [await look(fileSystem, ROOT_NODE, 's1', 'f'), await look(fileSystem, ROOT_NODE, 's2', 'f')]
  assert.notEqual(files[0]?.attributes.inode, files[1]?.attributes.inode)
  assert.notEqual(files[0]?.node, files[1]?.node)
  const links = [await look(fileSystem, ROOT_NODE, 's1', 'a'), await look(fileSystem, ROOT_NODE, 's2', 'a'), await look(fileSystem, ROOT_NODE, 's2', 'b')]
  assert.notEqual(links[0]?.node, links[1]?.node)
  assert.equal(links[1]?.node, links[2]?.node)
  for (const link of links) assert.ok((link?.attributes.inode ?? 0n) > 1000n, 'no snapshot has the bare number')
  assert.equal((await content(fileSystem, files[1]?.node ?? 0)).toString(), 'same')
})

test('the list of snapshots follows what comes and goes; a listing under way is of one moment', async () => {
  const vault = await TestVault.create()
  const stored = await storeTree(vault, { 'f': file('x') })
  let refreshes = 0
  const refresh = () => (resume: () => void) => {
    refreshes++
    setImmediate(resume)
  }
  const { fileSystem } = serve(vault, { kind: 'list', snapshots: [shownOf('s1', stored), shownOf('s2', stored)] }, { refresh })
  const names = async (handle: number): Promise<string[]> => {
    const sink = new ListSink(true)
    await finish(fileSystem.readDirectory(ROOT_NODE, handle, 0, sink))
    return sink.listed.map(({ name }) => name)
  }
  const { handle, cache } = await finish(fileSystem.openDirectory(ROOT_NODE))
  assert.deepEqual([cache, refreshes], ['drop', 1])
  const latest = await look(fileSystem, ROOT_NODE, 'latest')
  assert.equal(Buffer.from(await finish(fileSystem.readLink(latest.node))).toString(), 's2')
  assert.equal((await finish(fileSystem.lookup(ROOT_NODE, Buffer.from('s3')))).node, undefined)
  assert.equal(refreshes, 3, 'latest, and a name that is not known, are looked for anew')
  assert.deepEqual(fileSystem.replaceSnapshots([shownOf('s2', stored), shownOf('s3', stored)]).sort(), ['latest', 's1', 's3'])
  assert.deepEqual(await names(handle), ['.', '..', 's1', 's2', 'latest'], 'of one moment')
  fileSystem.releaseDirectory(ROOT_NODE, handle)
  assert.deepEqual(await names((await finish(fileSystem.openDirectory(ROOT_NODE))).handle), ['.', '..', 's2', 's3', 'latest'])
  const newer = await look(fileSystem, ROOT_NODE, 'latest')
  assert.notEqual(newer.node, latest.node, 'another symlink, so that no cached target is wrong')
  assert.equal(Buffer.from(await finish(fileSystem.readLink(newer.node))).toString(), 's3')
  assert.equal((await finish(fileSystem.attributes(ROOT_NODE))).value.links, 4)
  assert.deepEqual(fileSystem.replaceSnapshots([shownOf('s2', stored), shownOf('s3', stored)]), [])
})

test('a directory of 20,000 names is listed in small pieces, each name once, and looked up at random', async () => {
  const entries: Record<string, ReturnType<typeof file>> = {}
  for (let i = 0; i < 20_000; i++) entries[`name-${i}`] = file('')
  const { fileSystem, requests } = await shown(entries)
  const random = new SeededRandom(seed)
  const names: string[] = []
  for (let cookie = 0; ;) {
    const sink = new ListSink(random.below(2) === 1, 1 + random.below(500))
    await finish(fileSystem.readDirectory(ROOT_NODE, 0, cookie, sink))
    for (const { entry } of sink.listed) if (entry) fileSystem.forget(entry.node, 1)
    names.push(...sink.listed.map(({ name }) => name))
    if (sink.listed.length === 0) break
    cookie = sink.listed.at(-1)?.cookie ?? 0
  }
  assert.deepEqual(names.slice(2), Object.keys(entries).sort(), `seed ${seed}`)
  assert.equal(fileSystem.nodeCount, 1, 'all is forgotten')
  for (let i = 0; i < 200; i++) await look(fileSystem, ROOT_NODE, `name-${random.below(20_000)}`)
  for (const absent of ['', 'a', 'name-', 'name-20000', 'zzz']) {
    assert.equal((await finish(fileSystem.lookup(ROOT_NODE, Buffer.from(absent)))).node, undefined, absent)
  }
  assert.ok(new Set(requests.map(({ id }) => Buffer.from(id).toString('hex'))).size > 20, 'many leaves')
})

test('reading anywhere in a long file of blobs and holes gives its bytes', async () => {
  const random = new SeededRandom(seed)
  const pieces = Array.from({ length: 1500 }, (_, i) => (i % 7 === 3 ? { hole: 1 + random.below(5000) } : random.bytes(1 + random.below(900))))
  const whole = Buffer.concat(pieces.map((piece) => ('hole' in piece ? Buffer.alloc(piece.hole) : piece)))
  const { fileSystem } = await shown({ 'long': file(pieces, { isSparse: true }), 'short': file(['ab', { hole: 3 }, 'c'], { isSparse: true }) })
  const { node, attributes } = await look(fileSystem, ROOT_NODE, 'long')
  assert.equal(attributes.sizeBytes, whole.length)
  const dataBytes = pieces.reduce((sum, piece) => sum + ('hole' in piece ? 0 : piece.length), 0)
  assert.equal(attributes.blocks512, Math.ceil(dataBytes / 512))
  for (let i = 0; i < 300; i++) {
    const [offset, size] = [random.below(whole.length), 1 + random.below(20_000)]
    assert.ok((await content(fileSystem, node, offset, size)).equals(whole.subarray(offset, offset + size)), `${offset} ${size}, seed ${seed}`)
  }
  assert.equal((await content(fileSystem, node, whole.length, 10)).length, 0)
  const short = await look(fileSystem, ROOT_NODE, 'short')
  assert.equal((await content(fileSystem, short.node)).toString(), 'ab\0\0\0c')
  const seek = (offset: number, what: 'data' | 'hole') => finish(fileSystem.seek(short.node, 0, offset, what))
  assert.deepEqual(await Promise.all([seek(0, 'data'), seek(0, 'hole'), seek(2, 'data'), seek(3, 'hole'), seek(5, 'hole'), seek(6, 'data')]), [0, 2, 5, 3, 6, undefined])
})

test('reading in order asks ahead, at random it does not', async () => {
  const random = new SeededRandom(seed)
  const pieces = Array.from({ length: 30 }, () => random.bytes(200_000))
  const { fileSystem, requests } = await shown({ 'f': file(pieces) })
  const { node } = await look(fileSystem, ROOT_NODE, 'f')
  const asked = (): number => requests.filter(({ type }) => type === 'data').length
  await content(fileSystem, node, 3_000_000, 1000)
  await content(fileSystem, node, 100_000, 1000)
  assert.equal(asked(), 2)
  for (let at = 0; at < 800_000; at += 100_000) await content(fileSystem, node, at, 100_000)
  assert.ok(asked() > 8, `${asked()} blobs asked for`)
})

test('files of a directory that are read in order are asked for ahead, others are not', async () => {
  const random = new SeededRandom(seed)
  const entries = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`f${String(i).padStart(2, '0')}`, file(random.bytes(50))]))
  const { fileSystem, requests } = await shown(entries)
  const read = async (name: string) => content(fileSystem, (await look(fileSystem, ROOT_NODE, name)).node)
  const asked = (): number => requests.filter(({ type }) => type === 'data').length
  for (const name of ['f70', 'f10', 'f40']) await read(name)
  assert.equal(asked(), 3)
  await read('f41')
  const ahead = asked()
  assert.ok(ahead > 20 && ahead <= 40, `${ahead}`)
  for (let i = 42; i < 50; i++) await read(`f${i}`)
  assert.equal(asked(), ahead, 'they were there')
  for (let i = 50; i < 80; i++) await read(`f${i}`)
  assert.equal(new Set(requests.filter(({ type }) => type === 'data').map(({ number }) => number)).size, 1 + 40, 'each once')
})

test('what is damaged is EIO, what lies beside it is not', async () => {
  const vault = await TestVault.create()
  const { fileSystem, problems } = await shown({
    'bad': file({ id: Buffer.alloc(32, 7) as never, length: 10 }),
    'good': file('fine'),
    'dir': directory({}),
    'orphan': { kind: 'link', link: 5n, node: file('x') },
  }, vault)
  const bad = await look(fileSystem, ROOT_NODE, 'bad')
  await assert.rejects(content(fileSystem, bad.node), fails(errno.EIO))
  await assert.rejects(content(fileSystem, bad.node), fails(errno.EIO))
  assert.equal((await content(fileSystem, (await look(fileSystem, ROOT_NODE, 'good')).node)).toString(), 'fine')
  // The same tree without its link table: an entry that cannot be resolved is still listed.
  const { tree } = await storeTree(vault, { 'good': file('fine'), 'orphan': { kind: 'link', link: 5n, node: file('x') } })
  const lost = serve(vault, { kind: 'snapshot', snapshot: shownOf('x', { tree }) })
  const sink = new ListSink(true)
  await finish(lost.fileSystem.readDirectory(ROOT_NODE, 0, 0, sink))
  assert.deepEqual(sink.listed.map(({ name, entry }) => [name, entry !== undefined]).slice(2), [['good', true], ['orphan', false]])
  assert.match(String(lost.problems[0]?.message), /no link table/)
  assert.equal(problems.length, 0)
})

test('df shows a full disc of the size of what is there', async () => {
  const { fileSystem } = await shown({})
  assert.deepEqual(await finish(fileSystem.status()), {
    blockBytes: 4096, blocks: 2, blocksFree: 0, files: 12, filesFree: 0, nameBytesMax: 255,
  })
})
