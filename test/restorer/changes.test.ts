// Goal: a run names what it changes, a dry run the same beforehand; and progress ends at its totals, whatever is in the tree.
// Method: a target that needs everything at once, dry and then real, inline and with a worker.
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RestoreProgress } from '../../src/restorer/tally.ts'
import { directory, file, storeTree, symlink, TestVault, type TestEntries } from '../support/tree-maker.ts'
import { newTarget, problems, restoreStored, type Extra } from './restoring.ts'

const BLOCK = 64 * 1024

const entries: TestEntries = {
  right: file('right'), content: file('content'), mode: file('mode', { mode: 0o640 }), type: file('a file'), new: file('new'),
  link: { kind: 'link', link: 7n, node: file('linked') }, other: { kind: 'link', link: 7n },
  symlink: symlink('to'), wrong: symlink('to'),
  dir: directory({ inside: file('inside'), sub: directory({ deep: file('deep') }) }),
  touched: directory({ right: file('right') }, { mode: 0o750 }),
}

/** What a target is before: some of it right, some not, some too much. */
function disturb(target: string): void {
  writeFileSync(join(target, 'content'), 'CONTENT')
  chmodSync(join(target, 'mode'), 0o600)
  writeFileSync(join(target, 'extra'), '')
  mkdirSync(join(target, 'extra-dir', 'sub'), { recursive: true })
  writeFileSync(join(target, 'extra-dir', 'sub', 'x'), '')
  symlinkSync('elsewhere', join(target, 'wrong'))
  mkdirSync(join(target, 'type'))
  chmodSync(join(target, 'touched'), 0o700)
}

const present: TestEntries = {
  right: file('right'), content: file('content'), mode: file('mode', { mode: 0o640 }), symlink: symlink('to'),
  touched: directory({ right: file('right') }, { mode: 0o750 }),
}

for (const threads of [0, 1]) {
  test(`changes are named, in a dry run as in a real one (${threads} threads)`, async (t) => {
    const target = newTarget(t)
    const vault = await TestVault.create()
    await restoreStored(vault, await storeTree(vault, present), target)
    disturb(target)
    const stored = await storeTree(vault, entries)
    const run = async (extra: Extra): Promise<string[]> => {
      const changes: string[] = []
      const onChange: Extra['onChange'] = ({ action, kind, path }) => void changes.push(`${action} ${kind} ${Buffer.from(path).toString()}`)
      assert.deepEqual(problems(await restoreStored(vault, stored, target, { deletesExtra: true, threads, onChange, ...extra })), [])
      return changes.sort()
    }
    const expected = [
      'attributes directory touched', 'attributes file mode', 'create directory dir', 'create directory dir/sub',
      'create file dir/inside', 'create file dir/sub/deep', 'create file link', 'create file new', 'create file other',
      'delete directory extra-dir', 'delete directory extra-dir/sub', 'delete directory type', 'delete file extra', 'delete file extra-dir/sub/x',
      'replace file type', 'replace symlink wrong', 'update file content',
    ]
    assert.deepEqual(await run({ isDryRun: true }), expected)
    assert.deepEqual(await run({}), expected)
    assert.deepEqual(await run({ isDryRun: true }), [], 'all is right now')
    assert.equal(readFileSync(join(target, 'type'), 'utf8'), 'a file')
  })
}

test('a target that is made is named too', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const stored = await storeTree(vault, { a: file('a') })
  for (const isDryRun of [true, false]) {
    const changes: string[] = []
    await restoreStored(vault, stored, target, { isDryRun, onChange: ({ action, path }) => void changes.push(`${action} ${Buffer.from(path).toString()}`) })
    assert.deepEqual(changes, ['create ', 'create a'])
  }
})

/** All reports of a run; each must be within its totals, and none may go back. */
async function progressOf(run: (onProgress: (progress: RestoreProgress) => void) => Promise<unknown>): Promise<RestoreProgress[]> {
  const reports: RestoreProgress[] = []
  await run((progress) => {
    const last = reports.at(-1)
    assert.ok(progress.bytes <= progress.bytesTotal && progress.entries <= progress.entriesTotal, JSON.stringify(progress))
    assert.ok(!last || (progress.bytes >= last.bytes && progress.entries >= last.entries), JSON.stringify([last, progress]))
    reports.push(progress)
  })
  return reports
}

test('progress: totals are known from the first report, holes are no work, and the end is the total', async (t) => {
  const target = newTarget(t)
  const vault = await TestVault.create()
  const data = Buffer.alloc(BLOCK, 7)
  const stored = await storeTree(vault, {
    plain: file([data, Buffer.alloc(BLOCK, 8)]),
    sparse: file([data, { hole: 2 ** 40 }, data], { isSparse: true }),
    zeros: file([Buffer.alloc(BLOCK), data], { isSparse: true }),
    list: file([data, { hole: 2 ** 30 }, Buffer.alloc(BLOCK, 9)], { isSparse: true, asList: true }),
    link: { kind: 'link', link: 7n, node: file(data) }, other: { kind: 'link', link: 7n },
    dir: directory({ empty: file(''), link: symlink('x'), deep: directory({ file: file(data) }) }),
  })
  const work = 10 * BLOCK
  const end = async (extra: Extra): Promise<[entries: number, of: number, bytes: number, of: number]> => {
    const reports = await progressOf((onProgress) => restoreStored(vault, stored, target, { onProgress, ...extra }))
    assert.equal(reports[0]?.entriesTotal, 11)
    const last = reports.at(-1)
    assert.ok(last)
    return [last.entries, last.entriesTotal, last.bytes, last.bytesTotal]
  }
  assert.deepEqual(await end({ isDryRun: true }), [11, 11, work, work])
  assert.deepEqual(await end({ threads: 1 }), [11, 11, work, work])
  assert.deepEqual(await end({}), [11, 11, work, work], 'all of it compared')
  utimesSync(join(target, 'plain'), 1, 1)
  assert.deepEqual(await end({ overwrite: 'if-changed' }), [11, 11, 2 * BLOCK, 2 * BLOCK], 'what is trusted is no work')
  assert.deepEqual(await end({ overwrite: 'never' }), [11, 11, 0, 0])
})

test('progress: what the selection skips leaves the totals, what is lost does not stop them', async (t) => {
  const vault = await TestVault.create()
  const lost = { id: vault.keys.blobId('data', Buffer.from('never stored')), length: 12 }
  const stored = await storeTree(vault, {
    a: directory({ take: file('take'), skip: file('skip!') }), b: directory({ take: file('take!!'), deep: directory({ skip: file('x') }) }),
    take: file(['part', lost]),
  })
  const reports = await progressOf((onProgress) => restoreStored(vault, stored, newTarget(t), {
    onProgress,
    select: (path, kind) => (Buffer.from(path).toString().endsWith('take') ? 'take' : kind === 'directory' ? 'descend' : 'skip'),
  }))
  const last = reports.at(-1)
  assert.deepEqual([last?.entries, last?.entriesTotal, last?.bytes, last?.bytesTotal], [6, 6, 26, 26])
})
