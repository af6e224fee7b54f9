// Goal: a person may stop a backup at any moment, and files may change under it: nothing breaks, and the program says so.
// Method: signals to the real program while it works; files that change, grow and go while they are read.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { SeededBytes } from '../../fixtures/seeded-bytes.ts'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { Cli, summaryOf, warningsOf, type BackupRecord } from '../support/cli.ts'
import { initVault, type VaultObjects } from './storage-sites.ts'
import { oldNode } from '../support/old-node.ts'

const MIB = 2 ** 20
/** Of one MiB each, incompressible. */
const FILES = 80
const SETTLING_MS = 2100

/** Resolves when the vault has stored some data packs: the backup is well under way. */
async function firstPacks(vault: VaultObjects): Promise<void> {
  for (let waited = 0; (await vault.names('packs/d/')).length < 4; waited += 5) {
    assert.ok(waited < 60_000, 'no packs after a minute')
    await sleep(5)
  }
}

for (const [signal, code] of [['SIGINT', 130], ['SIGHUP', 129]] as const) {
  test(`${signal} in the middle of a backup: exit code ${code}, and the next run goes on`, async (t) => {
    const cli = new Cli(t)
    const bytes = new SeededBytes(signal)
    mkdirSync(cli.path('source'))
    for (let index = 0; index < FILES; index++) writeFileSync(cli.path('source', `${index}`), bytes.noise(`${index}`, MIB))
    await sleep(SETTLING_MS)
    const vault = await initVault(t, cli, '--pack-size', '1')
    const stopped = await cli.run(['backup', cli.path('source')], {
      onStart: (child) => void firstPacks(vault).then(() => child.kill(signal)),
    })
    assert.deepEqual([stopped.code, stopped.signal], [code, null], stopped.stderr)
    assert.match(stopped.stderr, /^s3vault: (interrupted|stopped by SIG\w+)\n$/)
    assert.deepEqual(await cli.snapshots(), [])
    assert.equal((await cli.check()).errors, 0)
    const next = await cli.backup([cli.path('source')])
    assert.ok(next.bytesStored < FILES * MIB, `${next.bytesStored} bytes stored again`)
    assert.equal((await cli.check(['--read-data'])).errors, 0)
    await cli.restore([`latest:${cli.path('source')}`, '-t', cli.path('back')])
    assert.deepEqual(compareTrees(cli.path('source'), cli.path('back')), [])
  })
}

test('the launcher under an older Node passes signals on', async (t) => {
  const found = oldNode()
  if (found === undefined) return t.skip('no older Node in PATH')
  const cli = new Cli(t)
  cli.node = found
  mkdirSync(cli.path('source'))
  const bytes = new SeededBytes('older node')
  for (let index = 0; index < FILES; index++) writeFileSync(cli.path('source', `${index}`), bytes.noise(`${index}`, MIB))
  const vault = await initVault(t, cli, '--pack-size', '1')
  const stopped = await cli.run(['backup', cli.path('source')], {
    onStart: (child) => void firstPacks(vault).then(() => child.kill('SIGTERM')),
  })
  assert.deepEqual([stopped.code, stopped.signal], [143, null], stopped.stderr)
  await cli.backup([cli.path('source')])
})

test('a file that changes while it is read: a warning, exit code 3, and it is read again next time', async (t) => {
  const cli = new Cli(t)
  await initVault(t, cli)
  const growing = cli.write('source/growing', new SeededBytes('growing').noise('start', 64 * MIB))
  cli.write('source/still', 'does not move\n')
  const backup = cli.run(['backup', '--json', cli.path('source')])
  const writer = setInterval(() => appendFileSync(growing, 'one line more\n'), 1)
  const run = await backup
  clearInterval(writer)
  assert.equal(run.code, 3, run.stderr)
  assert.deepEqual(warningsOf(run), [`${growing}: changed while it was read`])
  assert.equal(summaryOf<BackupRecord>(run).files, 2)
  await sleep(SETTLING_MS)
  const next = await cli.backup([cli.path('source')])
  assert.ok(next.bytesRead >= 64 * MIB, 'not trusted as unchanged')
  await cli.restore([`latest:${cli.path('source')}`, '-t', cli.path('back')])
  const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')
  assert.equal(digest(cli.path('back', 'growing')), digest(growing))
})

test('files that vanish under the backup: warnings or silence, never a failure, and what stayed is all there', async (t) => {
  const cli = new Cli(t)
  await initVault(t, cli)
  const doomed = Array.from({ length: 3000 }, (_, index) => cli.write(`source/z-doomed/${index}`, `${index}`))
  cli.write('source/a-large', new SeededBytes('vanishing').noise('large', 32 * MIB))
  const kept = Array.from({ length: 200 }, (_, index) => cli.write(`source/kept/${index}`, `${index}`))
  const left = doomed.toReversed()
  let isRemoving = true
  const run = await cli.run(['backup', '--json', cli.path('source')], {
    onStart: () => void (async () => {
      while (isRemoving && left.length > 0) {
        for (const path of left.splice(0, 20)) rmSync(path)
        await sleep(2)
      }
    })(),
  })
  isRemoving = false
  const warnings = warningsOf(run)
  assert.equal(run.code, warnings.length > 0 ? 3 : 0, run.stderr)
  for (const warning of warnings) assert.match(warning, /z-doomed(\/\d+)?: .*vanished before it was read/)
  const listed = new Set(await cli.list('latest'))
  for (const path of kept) assert.ok(listed.has(path), path)
  const { filesNew } = summaryOf<BackupRecord>(run)
  assert.ok(filesNew >= 201 && filesNew <= 201 + 3000)
  assert.equal((await cli.check(['--read-data'])).errors, 0)
})
