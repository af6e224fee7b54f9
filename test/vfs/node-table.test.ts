// Goal: the compact table does what a map of objects would. Method: random operations on both, compared after each.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NodeTable } from '../../src/vfs/node-table.ts'
import { SeededRandom } from '../support/seeded-random.ts'

interface Model {
  readonly inode: bigint
  readonly id: number
  readonly parent: Model | undefined
  references: number
  children: number
}

const seed = Number(process.env['S3VAULT_TEST_SEED'] ?? Date.now() % 1_000_000)

test(`random references, forgets and look-ups agree with a model (seed ${seed})`, () => {
  const random = new SeededRandom(seed)
  const table = new NodeTable(1n)
  const root: Model = { inode: 1n, id: 1, parent: undefined, references: 1, children: 0 }
  const live = new Map<bigint, Model>([[1n, root]])
  const everUsed = new Set<number>([1])
  const isUsed = (node: Model): boolean => node.references > 0 || node.children > 0 || node === root
  const pick = (): Model => [...live.values()][random.below(live.size)] ?? root
  for (let step = 0; step < 20_000; step++) {
    if (random.below(100) < 52) {
      const parent = pick()
      // Few different low bits: long runs in the hash table.
      const inode = BigInt(16 + random.below(2000)) + (BigInt(random.below(3)) << 40n)
      const known = live.get(inode)
      if (known) {
        table.refer(table.slotOf(known.id) ?? -1)
        known.references++
        continue
      }
      const slot = table.add(inode, { parent: table.slotOf(parent.id) ?? -1, view: 3, leaf: step, index: 5 })
      table.refer(slot)
      const id = table.idOf(slot)
      assert.ok(!everUsed.has(id), 'an id never comes again')
      everUsed.add(id)
      live.set(inode, { inode, id, parent, references: 1, children: 0 })
      parent.children++
    } else {
      const node = pick()
      if (node === root) continue
      const count = 1 + random.below(Math.max(node.references, 1))
      table.forget(table.slotOf(node.id) ?? -1, count)
      node.references = Math.max(0, node.references - count)
      for (let gone: Model | undefined = node; gone && !isUsed(gone); gone = gone.parent) {
        live.delete(gone.inode)
        assert.equal(table.slotOf(gone.id), undefined)
        if (gone.parent) gone.parent.children--
      }
    }
    assert.equal(table.count, live.size)
    const probe = pick()
    const slot = table.slotOf(probe.id) ?? -1
    assert.equal(table.inodeOf(slot), probe.inode)
    assert.equal(table.find(probe.inode), slot)
  }
  for (const node of live.values()) assert.equal(table.find(node.inode), table.slotOf(node.id))
  assert.equal(table.find(15n), undefined)
})

test('a node stays while something below it is held', () => {
  const table = new NodeTable(1n)
  const directory = table.add(100n, { parent: 1, view: 0, leaf: 0, index: 0 })
  table.refer(directory)
  const file = table.add(200n, { parent: directory, view: 0, leaf: 2, index: 7 })
  table.refer(file)
  const ids = [table.idOf(directory), table.idOf(file)]
  assert.deepEqual(table.forget(directory, 1), [])
  assert.equal(table.slotOf(ids[0] ?? 0), directory)
  assert.deepEqual(table.positionOf(file), { parent: directory, view: 0, leaf: 2, index: 7 })
  assert.deepEqual(table.forget(file, 1), [file, directory])
  assert.deepEqual(ids.map((id) => table.slotOf(id)), [undefined, undefined])
  assert.equal(table.count, 1)
})
