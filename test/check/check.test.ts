// Goal: a check says exactly which files damage costs, reads metadata once however many snapshots share it, works in
// threads as it does inline, and takes what is normal in a vault (remains, pardons, foreign objects) for what it is.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { systemClock } from '../../src/async/clock.ts'
import { SystemRandom } from '../../src/async/random.ts'
import { FaultyBackend } from '../../src/backend/faulty.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import type { Finding, FindingKind } from '../../src/check/finding.ts'
import type { CheckProgress, CheckReport } from '../../src/check/options.ts'
import { sealEnvelope } from '../../src/crypto/envelope.ts'
import { BlobSealer, type WrappedDataKey } from '../../src/crypto/data-key.ts'
import { makeSlot } from '../../src/crypto/key-slot.ts'
import { systemKdf } from '../../src/crypto/kdf.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { objectName, toHex, vaultId, type ObjectName, type PackId } from '../../src/ids/ids.ts'
import { openSegment, parseSegmentName, sealSegment, segmentName, type IndexedPack } from '../../src/index/segment.ts'
import { packName, parsePackName } from '../../src/pack/layout.ts'
import { PackWriter } from '../../src/pack/pack-writer.ts'
import { loadIndex } from '../../src/repository/index-loading.ts'
import { newSecret } from '../../src/repository/init.ts'
import { slotName } from '../../src/repository/unlock.ts'
import { saveContentList } from '../../src/tree/content-list.ts'
import { DirectoryBuilder } from '../../src/tree/directory.ts'
import { encodeEntry } from '../../src/tree/entry-codec.ts'
import { summaryOf, type Content, type Entry, type Inode } from '../../src/tree/entry.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'
import { makeVault, storeBuilt, storeSnapshot, type DirectoryNode, type MadeVault } from '../support/vault-maker.ts'
import { checkVault, makeSmallVault, START_MS } from './small-vault.ts'

const seed = testSeed()
console.log(`seed ${seed}`)
const HOUR_MS = 3_600_000
const ALL = { readData: { by: 'all' } } as const

const kindsOf = (report: CheckReport): FindingKind[] => report.findings.map(({ kind }) => kind)
const find = (report: CheckReport, kind: FindingKind): Finding | undefined => report.findings.find((finding) => finding.kind === kind)

async function emptyVault(): Promise<MadeVault & { backend: MemoryBackend }> {
  const backend = new MemoryBackend()
  return { ...(await makeVault(backend)), backend }
}

const flipByte = (at: number) => (bytes: Uint8Array): Uint8Array => {
  bytes[at] = (bytes[at] ?? 0) ^ 0x10
  return bytes
}

const packsOf = (backend: MemoryBackend, kind: 'data' | 'metadata'): ObjectName[] =>
  backend.names().filter((name) => parsePackName(name)?.kind === kind)

it('names the files of a damaged blob, in every snapshot that has them, and no others', async () => {
  const random = new SeededRandom(seed)
  const vault = await emptyVault()
  const lost = { bytes: random.bytes(3000) }
  const safe = { bytes: random.bytes(3000) }
  const one = await storeSnapshot(vault, { a: { 'lost.bin': lost }, same: { x: safe } }, { serverTimeMs: START_MS })
  const two = await storeSnapshot(vault, { a: { 'moved.bin': lost, new: { bytes: random.bytes(10) } }, same: { x: safe } },
    { serverTimeMs: START_MS + HOUR_MS, previous: one.snapshot.id, visible: [one.snapshot.id] })
  await storeSnapshot(vault, { same: { x: safe } }, { host: 'other', serverTimeMs: START_MS + 2 * HOUR_MS })
  const { index } = await loadIndex(vault)
  const place = index.locate(vault.keys.blobId('data', lost.bytes))[0]
  assert.ok(place)
  const name = packName('data', place.pack.id)
  vault.backend.damage(name, flipByte(place.offset + 100))
  assert.deepEqual(kindsOf(await checkVault(vault)), [], 'content is not read')
  const report = await checkVault(vault, ALL)
  assert.deepEqual(kindsOf(report), ['pack-hash'])
  const [finding] = report.findings
  assert.equal(finding?.object, name)
  assert.match(finding.message, /1 blob\)/)
  assert.deepEqual(finding.hurts, { snapshots: [one.snapshot.id, two.snapshot.id], paths: ['/a/moved.bin', '/a/lost.bin'], more: 0 })
  await vault.backend.delete(name)
  const gone = await checkVault(vault)
  assert.deepEqual(kindsOf(gone), ['pack-missing'])
  assert.equal(gone.findings[0]?.hurts?.snapshots.length, 3)
  assert.deepEqual([...(gone.findings[0]?.hurts?.paths ?? [])].sort(), ['/a/lost.bin', '/a/moved.bin', '/same/x'])
})

it('caps paths and counts the rest, each path once over all snapshots', async () => {
  const random = new SeededRandom(seed)
  const vault = await emptyVault()
  const lost = { bytes: random.bytes(100) }
  const fifty = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}`, lost]))
  const tree: { [name: string]: DirectoryNode[string] } = { d: fifty }
  for (let i = 0; i < 5; i++) {
    tree[`extra${i}`] = { bytes: random.bytes(10) }
    await storeSnapshot(vault, tree, { serverTimeMs: START_MS + i * HOUR_MS })
  }
  const { index } = await loadIndex(vault)
  const pack = index.locate(vault.keys.blobId('data', lost.bytes))[0]?.pack
  assert.ok(pack)
  vault.backend.damage(packName('data', pack.id), flipByte(60))
  const report = await checkVault(vault, { ...ALL, pathsMax: 3 })
  const { hurts } = report.findings[0] ?? {}
  assert.equal(hurts?.snapshots.length, 5)
  assert.deepEqual([hurts.paths.length, hurts.more], [3, 47])
})

it('hard links, xattrs and content lists: every name of what is lost', async () => {
  const vault = await makeSmallVault(seed)
  const expected: Record<string, string[]> = {
    links: ['/links/one', '/links/two'], xattr: ['/docs/b.txt'], content: ['/media/film.bin'],
  }
  for (const name of packsOf(vault.backend, 'metadata')) {
    const id = parsePackName(name)?.id as PackId
    const original = await vault.backend.get(name)
    const { packs } = await openedSegments(vault)
    for (const entry of packs.find((pack) => pack.id === id)?.entries ?? []) {
      const paths = expected[entry.type]
      if (!paths) continue
      vault.backend.damage(name, flipByte(entry.offset + 20))
      const finding = find(await checkVault(vault), 'pack-blobs')
      assert.equal(finding?.object, name)
      assert.deepEqual([...(finding.hurts?.paths ?? [])].sort(), paths, entry.type)
      delete expected[entry.type]
      await vault.backend.delete(name)
      await vault.backend.put(name, original)
    }
  }
  assert.deepEqual(expected, {}, 'each type was found and damaged')
})

async function openedSegments(vault: MadeVault): Promise<{ packs: IndexedPack[] }> {
  const packs: IndexedPack[] = []
  for await (const { name } of vault.backend.list('index/')) {
    const id = parseSegmentName(name)
    if (id) packs.push(...openSegment(vault.keys, id, await vault.backend.get(name)).packs)
  }
  return { packs }
}

it('a damaged directory costs what is below it, and only that', async () => {
  const random = new SeededRandom(seed)
  const vault = await emptyVault()
  await storeSnapshot(vault, { sound: { a: { bytes: random.bytes(9) } } }, { serverTimeMs: START_MS })
  await storeSnapshot(vault, { sound: { a: { bytes: random.bytes(9) } }, hurt: { deep: { b: { bytes: random.bytes(9) } } } },
    { serverTimeMs: START_MS + HOUR_MS })
  const { packs } = await openedSegments(vault)
  // The second snapshot wrote hurt/deep, hurt, sound and the root; children before their parents.
  const trees = packs.find(({ kind, entries }) => kind === 'metadata' && entries.length === 4)
  const deepest = trees?.entries[0]
  assert.ok(trees && deepest)
  vault.backend.damage(packName('metadata', trees.id), flipByte(deepest.offset + 15))
  const finding = find(await checkVault(vault), 'pack-blobs')
  assert.equal(finding?.hurts?.snapshots.length, 1)
  assert.deepEqual(finding.hurts.paths, ['/hurt/deep/'])
})

it('a blob with two places is lost only when both are', async () => {
  const random = new SeededRandom(seed)
  const vault = await emptyVault()
  await storeSnapshot(vault, { a: { bytes: random.bytes(500) } }, { serverTimeMs: START_MS })
  const { packs } = await openedSegments(vault)
  const pack = packs.find(({ kind }) => kind === 'data')
  assert.ok(pack)
  // The same sealed blob in a second pack: header and directory differ by a longer gap.
  const writer = new PackWriter('data', vault.keys.vault, new BlobSealer(vault.keys, new SystemRandom()), new Uint8Array(8192))
  const bytes = await vault.backend.get(packName('data', pack.id))
  for (const entry of pack.entries) {
    const key: WrappedDataKey | undefined = pack.keys[entry.keyIndex]
    assert.ok(key)
    writer.addSealed(entry, key, bytes.subarray(entry.offset, entry.offset + entry.length))
  }
  const copy = writer.finish()
  await vault.backend.put(packName('data', copy.id), copy.bytes)
  const segment = sealSegment(vault.keys, new SystemRandom(), { supersedes: [], packs: [{ ...copy, sizeBytes: copy.bytes.length }] })
  await vault.backend.put(segmentName(segment.id), segment.bytes)
  assert.deepEqual(kindsOf(await checkVault(vault, ALL)), [])
  await vault.backend.delete(packName('data', pack.id))
  const first = await checkVault(vault, ALL)
  assert.deepEqual(kindsOf(first), ['pack-missing'])
  assert.equal(first.findings[0]?.hurts, undefined, 'the copy has all')
  vault.backend.damage(packName('data', copy.id), flipByte(50))
  const both = await checkVault(vault, ALL)
  assert.deepEqual(kindsOf(both).sort(), ['pack-hash', 'pack-missing'])
  for (const finding of both.findings) assert.deepEqual(finding.hurts?.paths, ['/a'])
})

it('packs that prune has decided to delete are no damage', async () => {
  const random = new SeededRandom(seed)
  const vault = await emptyVault()
  await storeSnapshot(vault, { a: { bytes: random.bytes(500) } }, { serverTimeMs: START_MS })
  const before = packsOf(vault.backend, 'data')
  const orphan = await storeSnapshot(vault, { b: { bytes: random.bytes(500) } }, { serverTimeMs: START_MS + HOUR_MS })
  await vault.backend.delete(orphan.snapshot.name)
  const dead = packsOf(vault.backend, 'data').find((name) => !before.includes(name))
  assert.ok(dead)
  const mark = objectName(`gc/00000001-${'d'.repeat(32)}.${'e'.repeat(32)}.dead`)
  const value = Buffer.from(JSON.stringify({ packs: [parsePackName(dead)?.id], segments: [] }))
  await vault.backend.put(mark, sealEnvelope(vault.keys, new SystemRandom(), 'gc', mark, value))
  await vault.backend.delete(dead)
  assert.deepEqual(kindsOf(await checkVault(vault, ALL)), ['pack-condemned'])
})

it('remains and strangers are notes', async () => {
  const vault = await makeSmallVault(seed)
  const random = new SystemRandom()
  const other = vaultId('0123456789abcdef0123456789abcdef')
  const slot = await makeSlot({
    vault: other, master: new Uint8Array(32), epoch: 1, password: newSecret(), created: new Date(), kdf: systemKdf, random,
  })
  await vault.backend.put(slotName(slot), slot)
  await vault.backend.put(objectName('notes.txt'), Buffer.from('hello'))
  await vault.backend.put(objectName('packs/d/zz/strange'), Buffer.from('hello'))
  const id = toHex(random.bytes(32))
  await vault.backend.put(objectName(`packs/d/${id.slice(0, 2)}/${id}`), Buffer.from('left by an interrupted run'))
  const report = await checkVault(vault, ALL)
  assert.equal(report.errors, 0)
  assert.equal(report.notes, report.findings.length)
  assert.deepEqual(kindsOf(report).sort(), [
    'object-unknown', 'object-unknown', 'pack-unindexed', 'segment-superseded', 'slot-foreign',
  ])
})

it('authentic nonsense is found: a content list of the wrong length, a blob that is nowhere, a name without its record', async () => {
  const vault = await emptyVault()
  const random = new SeededRandom(seed)
  const common = { mode: 0o644, uid: 0, gid: 0, user: '', group: '', mtimeSeconds: 0, mtimeNanos: 0, xattrs: [] }
  const { snapshot } = await storeBuilt(vault, ({ data, metadata }) => {
    const builder = new DirectoryBuilder(metadata)
    const add = (entry: Entry): void => builder.add(entry.name, encodeEntry(entry), summaryOf(entry))
    const list = saveContentList(metadata, [{ length: 5, id: data.save('data', random.bytes(5)) }])
    const never = vault.keys.blobId('data', random.bytes(9))
    const file = (size: number, content: Content): Inode => ({ ...common, kind: 'file', size, isSparse: false, content })
    add({ name: Buffer.from('a'), isLocked: false, inode: file(6, { list }) })
    add({ name: Buffer.from('b'), isLocked: false, inode: file(9, { items: [{ length: 9, id: never }] }) })
    add({ name: Buffer.from('c'), isLocked: false, linkKind: 'file', link: 77n, linkSize: 1 })
    return { tree: builder.finish().tree }
  }, { serverTimeMs: START_MS })
  const report = await checkVault(vault)
  assert.deepEqual(kindsOf(report).sort(), ['blobs-missing', 'link-missing', 'metadata-malformed'])
  assert.deepEqual(find(report, 'metadata-malformed')?.hurts?.paths, ['/a'])
  assert.deepEqual(find(report, 'blobs-missing')?.hurts?.paths, ['/b'])
  assert.deepEqual(find(report, 'link-missing')?.hurts, { snapshots: [snapshot.id], paths: ['/c'], more: 0 })
})

it('a tree shared by many snapshots is read once', async () => {
  const random = new SeededRandom(seed)
  const vault = await emptyVault()
  const tree: { [name: string]: DirectoryNode[string] } = {}
  for (let d = 0; d < 60; d++) tree[`d${d}`] = { f: { bytes: random.bytes(20) } }
  await storeSnapshot(vault, tree, { serverTimeMs: START_MS })
  const alone = (await checkVault(vault)).counts.metadataBlobsRead
  assert.equal(alone, 61)
  for (let i = 1; i <= 30; i++) {
    tree['changed'] = { f: { bytes: random.bytes(20) } }
    await storeSnapshot(vault, tree, { serverTimeMs: START_MS + i * HOUR_MS })
  }
  assert.equal((await checkVault(vault)).counts.metadataBlobsRead, alone + 30 * 2, 'a root and one directory more each')
})

it('threads and the calling thread find the same, subsets read fewer packs', async () => {
  const vault = await makeSmallVault(seed)
  const names = packsOf(vault.backend, 'data')
  assert.ok(names.length >= 3)
  for (const [place, name] of names.entries()) vault.backend.damage(name, flipByte(place === 0 ? 5 : 40 + place)) // header; blobs
  const strip = (report: CheckReport): unknown =>
    report.findings.map((finding) => JSON.stringify(finding)).sort()
  const inline = await checkVault(vault, ALL)
  const threads = await checkVault(vault, { ...ALL, threads: 2, inFlightBytesMax: 200_000 })
  assert.deepEqual(strip(threads), strip(inline))
  assert.equal(inline.errors, names.length)
  assert.deepEqual(threads.counts, inline.counts)
  const packs = inline.counts.packs
  const parts = await Promise.all([1, 2].map((part) => checkVault(vault, { readData: { by: 'part', part, parts: 2 } })))
  assert.equal(parts.reduce((sum, { counts }) => sum + counts.packsRead, 0), packs)
  assert.equal(parts.reduce((sum, { errors }) => sum + errors, 0), names.length)
  assert.equal((await checkVault(vault, { readData: { by: 'size', bytes: 1 } })).counts.packsRead, 1)
})

it('streams findings and progress, and stops at a signal', async () => {
  const vault = await makeSmallVault(seed)
  const [name] = packsOf(vault.backend, 'data')
  assert.ok(name)
  vault.backend.damage(name, flipByte(44))
  const streamed: Finding[] = []
  const phases = new Set<string>()
  let nowMs = 0
  const clock = { nowMs: () => (nowMs += 200), elapsedMs: () => nowMs, sleep: async () => {} }
  const report = await checkVault(vault, {
    ...ALL, clock, onFinding: (finding) => streamed.push(finding), onProgress: ({ phase }: CheckProgress) => phases.add(phase),
  })
  assert.deepEqual(streamed, report.findings)
  assert.deepEqual([...phases].sort(), ['damage', 'index', 'objects', 'packs', 'trees'])
  assert.ok(report.bytesRead > report.counts.packBytesRead && report.durationMs > 0)
  for (const stopAt of ['objects', 'index', 'trees', 'packs', 'damage']) {
    const controller = new AbortController()
    const checking = checkVault(vault, {
      ...ALL, clock, threads: 1, signal: controller.signal, onProgress: ({ phase }) => phase === stopAt && controller.abort(),
    })
    await assert.rejects(checking, (error) => isVaultError(error, 'interrupted'), stopAt)
  }
})

it('storage that cannot be reached is no finding', async () => {
  const vault = await makeSmallVault(seed)
  for (const nth of [0, 3, 8, 20]) {
    let gets = 0
    const failing = new FaultyBackend(vault.backend, ({ method }) =>
      method === 'get' && gets++ === nth ? { kind: 'fail-before' } : undefined, systemClock)
    const checking = checkVault({ ...vault, backend: failing }, ALL)
    await assert.rejects(checking, (error) => isVaultError(error, 'storage-unreachable'), `get ${nth}`)
  }
})
