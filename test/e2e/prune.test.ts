// Goal: what no snapshot needs leaves the disk, and everything else comes back as it was. Method: the real program on a vault
// in a directory, two prunes without a grace period; then one while a backup runs.
import assert from 'node:assert/strict'
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SeededBytes } from '../../fixtures/seeded-bytes.ts'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { Cli, ended } from '../support/cli.ts'
import { testSeed } from '../support/seeded-random.ts'

const MIB = 2 ** 20
const seed = testSeed()

function packBytes(vault: string): number {
  const files = readdirSync(join(vault, 'packs'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}

test('forget and two prunes give the storage back', async (t) => {
  t.diagnostic(`seed ${seed}`)
  const cli = new Cli(t)
  const bytes = new SeededBytes(seed)
  await cli.init(cli.path('vault'), '--pack-size', '1')
  for (let index = 0; index < 8; index++) cli.write(`source/file-${index}`, bytes.noise(`${index}`, MIB))
  await cli.backup([cli.path('source')])
  for (let index = 0; index < 8; index += 2) rmSync(cli.path('source', `file-${index}`))
  writeFileSync(cli.path('source', 'new'), 'new')
  await cli.backup([cli.path('source')])
  const before = packBytes(cli.path('vault'))
  const [first = '', second = ''] = await cli.snapshots()
  await cli.expect(0, ['forget', first])

  const none = await cli.expect(0, ['prune', '--dry-run', '--grace', '0s'])
  assert.equal(packBytes(cli.path('vault')), before, none.stdout)
  await cli.expect(0, ['prune', '--grace', '0s', '--max-unused', '0'])
  await cli.expect(0, ['undelete', first])
  await cli.restore([`${first}:${cli.path('source')}`, '-t', cli.path('old')])
  assert.equal(readdirSync(cli.path('old')).length, 8)
  await cli.expect(0, ['forget', first])
  for (let run = 0; run < 3; run++) await cli.expect(0, ['prune', '--grace', '0s', '--max-unused', '0'])

  const after = packBytes(cli.path('vault'))
  assert.ok(after < 4.2 * MIB && after > 4 * MIB, `${before} bytes before, ${after} after`)
  assert.equal((await cli.check(['--read-data'])).errors, 0)
  await cli.restore([`${second}:${cli.path('source')}`, '-t', cli.path('back')])
  assert.deepEqual(compareTrees(cli.path('source'), cli.path('back')), [])
  const { code } = await cli.fails(18, ['undelete', first])
  assert.equal(code, 'snapshot-missing')
})

test('prune beside running backups', async (t) => {
  const cli = new Cli(t)
  const bytes = new SeededBytes(seed)
  await cli.init(cli.path('vault'), '--pack-size', '1')
  for (let round = 0; round < 3; round++) {
    for (let index = 0; index < 12; index++) cli.write(`source/file-${index}`, bytes.noise(`${round} ${index}`, MIB))
    const args = ['backup', cli.path('source')]
    const running = ended(cli.start(args), args)
    await cli.expect(0, ['prune', '--grace', '0s', '--max-unused', '0'])
    assert.equal((await running).code, 0)
    const [oldest = '', ...others] = await cli.snapshots()
    if (others.length > 0) await cli.expect(0, ['forget', oldest])
  }
  assert.equal((await cli.check(['--read-data'])).errors, 0)
  await cli.restore([`latest:${cli.path('source')}`, '-t', cli.path('back')])
  assert.deepEqual(compareTrees(cli.path('source'), cli.path('back')), [])
})
