// Goal: several machines, or several runs of one, back up into one vault at the same time and do not know each other.
// Method: three real processes at once with overlapping content, with a cache of their own and with one in common.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { SeededBytes } from '../../fixtures/seeded-bytes.ts'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { Cli } from '../support/cli.ts'

const MIB = 2 ** 20
const WRITERS = ['one', 'two', 'three']

for (const caches of ['separate', 'common'] as const) {
  test(`three backups at once, ${caches} caches`, async (t) => {
    const cli = new Cli(t, 2 * 2 ** 30)
    const bytes = new SeededBytes(caches)
    await cli.init(cli.path('vault'), '--pack-size', '2')
    for (const writer of WRITERS) {
      mkdirSync(cli.path(writer))
      writeFileSync(cli.path(writer, 'shared'), bytes.noise('shared', 60 * MIB))
      writeFileSync(cli.path(writer, 'own'), bytes.noise(writer, 30 * MIB))
      for (let index = 0; index < 400; index++) writeFileSync(cli.path(writer, `${index}`), bytes.noise(`${index % 300} ${index < 200 ? '' : writer}`, 10_000))
    }
    const flags = (writer: string): string[] => (caches === 'separate' ? ['--cache-dir', cli.path(`cache-${writer}`)] : [])
    for (const round of ['fresh', 'once more']) {
      const all = await Promise.all(WRITERS.map((writer) => cli.backup([...flags(writer), '--host', writer, cli.path(writer)])))
      assert.equal(new Set(all.map(({ snapshot }) => snapshot)).size, 3)
      // The directory above the sources has changed meanwhile: that is a tree of some hundred bytes.
      if (round !== 'fresh') for (const { dataBlobsAdded, bytesStored } of all) assert.ok(dataBlobsAdded === 0 && bytesStored < 4096)
    }
    // The very same source twice at once: the same series, the same file cache.
    const twins = await Promise.all([1, 2].map(() => cli.backup(['--host', 'one', cli.path('one')])))
    assert.notEqual(twins[0]?.snapshot, twins[1]?.snapshot)
    assert.equal((await cli.check(['--read-data'])).errors, 0)
    assert.equal((await cli.snapshots()).length, 8)
    for (const writer of WRITERS) {
      const [first] = await cli.snapshots('--host', writer)
      await cli.restore([`${first}:${cli.path(writer)}`, '-t', cli.path(`back-${writer}`)])
      assert.deepEqual(compareTrees(cli.path(writer), cli.path(`back-${writer}`)), [])
    }
  })
}
