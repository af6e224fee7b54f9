// Goal: each blob of a window is fetched once, neighbours in one request, within the bounds; and long files go through many
// windows. Method: plans of real restores, and the backend's own counters.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SeededBytes } from '../../fixtures/seeded-bytes.ts'
import { GAP_BYTES_MAX, type FetchPlan } from '../../src/restorer/fetch-plan.ts'
import { WINDOW_ITEMS_MAX } from '../../src/restorer/file-work.ts'
import { decodeWriteTask, encodeWriteTask, type WriteTask } from '../../src/restorer/write-task.ts'
import { blobId } from '../../src/ids/ids.ts'
import { file, storeTree, TestVault, type TestNode } from '../support/tree-maker.ts'
import { newTarget, problems, restoreEntries, restoreStored } from './restoring.ts'

const SEED = 7
const source = new SeededBytes(SEED)

test('a blob that many files share is fetched once, and neighbours share a request', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const shared = source.noise('shared', 50_000)
  const entries: Record<string, TestNode> = {}
  for (let i = 0; i < 20; i++) entries[`f${i}`] = file([source.noise(`own ${i}`, 1000), shared])
  const gets = vault.backend.counts.get
  const report = await restoreEntries(vault, entries, target)
  assert.equal(report.rangesFetched, 1)
  assert.ok(report.bytesFetched < 50_000 + 20 * 1100, `${report.bytesFetched}`)
  // One range of data, one pack of trees.
  assert.equal(vault.backend.counts.get - gets, 2)
  for (let i = 0; i < 20; i++) assert.deepEqual(readFileSync(join(target, `f${i}`)), Buffer.concat([source.noise(`own ${i}`, 1000), shared]))
})

test('small gaps are read over, large ones are not, and ranges stay within their limit', async (t) => {
  const vault = await TestVault.create({ packTargetBytes: 16 * 1024 * 1024, compression: { codec: 'none' } })
  const entries: Record<string, TestNode> = {}
  // In the order they lie in the pack: wanted, small gap, wanted, large gap, wanted, then 12 MiB wanted.
  const sizes = { a1: 1000, a2unwanted: GAP_BYTES_MAX / 2, a3: 1000, a4unwanted: GAP_BYTES_MAX * 2, a5: 1000 }
  for (const [name, size] of Object.entries(sizes)) entries[name] = file(source.noise(name, size))
  for (let i = 0; i < 12; i++) entries[`a6${i}`] = file(source.noise(`long ${i}`, 1024 * 1024))
  const stored = await storeTree(vault, entries)
  const plans: FetchPlan[] = []
  await restoreStored(vault, stored, newTarget(t), {
    select: (path) => (Buffer.from(path).toString().endsWith('unwanted') ? 'skip' : 'take'), isDryRun: true, onPlan: (plan) => plans.push(plan),
  })
  const ranges = plans.flatMap((plan) => plan.ranges)
  const lengths = ranges.map(({ start, end }) => end - start)
  assert.equal(lengths[0], 1000 + GAP_BYTES_MAX / 2 + 1000 + 3 * 28)
  assert.ok(lengths.every((length) => length <= 4 * 1024 * 1024), lengths.join())
  const blobs = ranges.flatMap(({ units }) => units.flatMap((unit) => unit.blobs))
  assert.equal(blobs.length, 15)
})

test('a file of more pieces than a window has room for', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const pieces = Array.from({ length: WINDOW_ITEMS_MAX * 2 + 100 }, (_, i) => Buffer.from([i & 255, i >> 8, 7]))
  const stored = await storeTree(vault, { before: file('b'), long: file(pieces), zafter: file('z') })
  let windows = 0
  const report = await restoreStored(vault, stored, target, { onPlan: () => void windows++, verifies: true })
  assert.deepEqual(problems(report), [])
  assert.equal(windows, 3)
  assert.deepEqual(readFileSync(join(target, 'long')), Buffer.concat(pieces))
  assert.equal(report.filesRestored, 3)
  assert.equal(report.filesVerified, 3)
})

test('a write task reads back as it was encoded', () => {
  const id = blobId(new Uint8Array(source.noise('id', 32)))
  const key = { form: 0, domain: 0, epoch: 3, wrapped: new Uint8Array(source.noise('key', 72)) }
  const attributes = { mode: 0o4755, uid: 0xffffffff, gid: 5, mtimeSeconds: -7, mtimeNanos: 999_999_999, xattrs: [{ name: new Uint8Array([97]), value: new Uint8Array(0) }] }
  const task: WriteTask = {
    blobs: [
      { id, offset: 0, length: 9, codec: 1, rawLength: 300, key, pieces: [{ file: 0, offset: 2 ** 45 }, { file: 1, offset: 0 }] },
      { id, offset: 9, length: 4, codec: 0, rawLength: 4, pieces: [] },
    ],
    files: [
      { directoryFd: 17, name: new Uint8Array([0xff]), opening: 'create', isSparse: true, punches: false, size: 2 ** 50, setsSize: true, pieceCount: 1,
        wish: { attributes, isSymlink: false, mayHaveXattrs: true, extent: 'content-lost' } },
      { directoryFd: 18, name: new Uint8Array([1]), opening: 'write', isSparse: false, punches: true, size: 0, setsSize: false, pieceCount: 1 },
    ],
  }
  assert.deepEqual(decodeWriteTask(encodeWriteTask(task)), task)
})
