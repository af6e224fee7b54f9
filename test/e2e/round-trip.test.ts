// Goal: every kind of file that Linux has comes back exactly; what has not changed costs nothing, neither to back up again
// nor to restore again; and what is wrong in a target is mended without touching the rest.
// Method: the nasty tree through the real program, on each kind of storage.
import assert from 'node:assert/strict'
import { chmodSync, closeSync, lstatSync, openSync, rmSync, statSync, unlinkSync, writeFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { makeNastyTree } from '../../fixtures/nasty-tree.ts'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { setTimes } from '../../src/posix/times.ts'
import { Cli, isRoot, type BackupRecord } from '../support/cli.ts'
import { testSeed } from '../support/seeded-random.ts'
import { makeSite, SITES } from './storage-sites.ts'

const seed = testSeed()
/** A file is trusted as unchanged only when it was two seconds old as it was read. */
const SETTLING_MS = 2100

describe('the nasty tree', () => {
  const source = new Cli({ after }).path('source')

  before(async () => {
    console.log(`seed ${seed}`)
    for (const line of makeNastyTree(source, { seed })) console.log(`left out of the tree: ${line}`)
    await sleep(SETTLING_MS)
  })

  for (const site of SITES) {
    it(`round trip, unchanged backup, unchanged restore, mended restore: vault in ${site}`, async (t) => {
      const cli = new Cli(t)
      const { repo, env } = await makeSite(t, site, cli.directory)
      Object.assign(cli.env, env)
      const target = cli.path('target')
      await cli.init(repo)

      const first = await cli.backup([source])
      assert.ok(first.dataBlobsAdded > 100 && first.metadataBlobsAdded > 10 && first.bytesStored > 2 ** 20, JSON.stringify(first))
      assert.equal(first.filesNew, first.files)

      const second = await unchangedBackup(cli, source)
      assert.deepEqual([second.dataBlobsAdded, second.metadataBlobsAdded, second.bytesAdded, second.bytesStored], [0, 0, 0, 0])
      assert.deepEqual([second.filesUnmodified, second.bytesRead], [second.files, 0])
      const { put, get, list, stat, bytesUp } = second.requests
      assert.ok(put <= 4 && bytesUp < 8192, `unchanged: ${put} objects, ${bytesUp} bytes`)
      // In a directory the packs are listed too, a folder a call: looking whether they are all there costs nothing there.
      const requestsMax = site === 'directory' ? 300 : 24
      assert.ok(put + get + list + stat <= requestsMax, `unchanged: ${JSON.stringify(second.requests)}`)

      const restored = await cli.restore([`latest:${source}`, '--target', target, '--verify'])
      assert.equal(restored.warnings, 0)
      assert.deepEqual(compareTrees(source, target), [])

      const again = await cli.restore([`latest:${source}`, '--target', target])
      assert.deepEqual([again.bytesWritten, again.bytesFetched, again.filesRestored, again.filesUpdated], [0, 0, 0, 0])

      const expectedBytes = damage(target)
      const mended = await cli.restore([`latest:${source}`, '--target', target])
      assert.deepEqual(compareTrees(source, target), [])
      assert.ok(mended.bytesWritten >= expectedBytes.min && mended.bytesWritten <= expectedBytes.max,
        `${mended.bytesWritten} bytes written to mend ${JSON.stringify(expectedBytes)}`)
      assert.deepEqual([mended.filesRestored, mended.filesUpdated], [1, 2])

      assert.equal((await cli.check(['--read-data'])).errors, 0)
      if (!isRoot) t.diagnostic('not root: no devices, foreign owners, trusted and security xattrs')
    })
  }
})

/** A backup between which and the one before it nothing has changed, the directories above the source included. */
async function unchangedBackup(cli: Cli, source: string): Promise<BackupRecord> {
  for (let attempt = 1; ; attempt++) {
    const parent = (await cli.snapshots()).at(-1)
    const times = above(source)
    const [before, after] = [await cli.backup([source]), await cli.backup([source])]
    assert.equal(before.parent, parent)
    assert.equal(after.parent, before.snapshot)
    // Others make and remove things in the directory for temporary files.
    if (above(source).join() === times.join()) return after
    assert.ok(attempt < 20, 'the directories above the source change all the time')
  }
}

/** Times of the directories above a path. */
function above(path: string): bigint[] {
  const parent = dirname(path)
  return parent === path ? [] : [statSync(parent, { bigint: true }).mtimeNs, ...above(parent)]
}

/** Breaks contents and attributes at some places; returns between which numbers of bytes must be written to mend it. */
function damage(target: string): { min: number; max: number } {
  const big = join(target, 'contents', 'noise-12M')
  const mtimeNs = statSync(big, { bigint: true }).mtimeNs
  const fd = openSync(big, 'r+')
  writeSync(fd, Buffer.from('XXXX'), 0, 4, 5_000_000)
  closeSync(fd)
  setTimes(Buffer.from(big), 'omit', mtimeNs) // unseen by size and mtime
  writeFileSync(join(target, 'contents', 'one-byte'), 'longer than it was')
  rmSync(join(target, 'contents', 'prose-6M'))
  chmodSync(join(target, 'directories', 'sticky'), 0o700)
  unlinkSync(join(target, 'symlinks', 'relative'))
  const prose = 6 * 2 ** 20 + 7
  assert.ok(lstatSync(big).size > 12 * 2 ** 20)
  // The removed file, one byte, and one chunk of at most 8 MiB: never the 12 MiB of the damaged file.
  return { min: prose + 4, max: prose + 8 * 2 ** 20 + 4096 }
}
