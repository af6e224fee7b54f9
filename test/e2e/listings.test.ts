// Goal: snapshots are found by what people type, and the listings say what is there.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Cli, ended, packageRoot, summaryOf } from '../support/cli.ts'
import { initVault } from './storage-sites.ts'

describe('listings', () => {
  const cli = new Cli({ after })
  const source = cli.path('source')
  const ids: string[] = []

  before(async () => {
    await initVault({ after }, cli)
    for (const [index, flags] of [['--tag', 'first', '--host', 'alpha'], ['--tag', 'a', '--tag', 'b', '--host', 'beta'], ['--host', 'alpha']].entries()) {
      cli.write(`source/file-${index}`, `number ${index}\n`.repeat(1000))
      ids.push(String((await cli.backup([...flags, source])).snapshot))
    }
    await cli.backup(['--host', 'gamma', cli.path('source', 'file-0')]).then(({ snapshot }) => ids.push(String(snapshot)))
  })

  it('snapshots: all, oldest first; by host, tag and path', async () => {
    assert.deepEqual(await cli.snapshots(), ids)
    assert.deepEqual(await cli.snapshots('--host', 'alpha'), [ids[0], ids[2]])
    assert.deepEqual(await cli.snapshots('--tag', 'b'), [ids[1]])
    assert.deepEqual(await cli.snapshots('--path', source), ids.slice(0, 3))
    assert.deepEqual(await cli.snapshots('--host', 'nobody'), [])
    const { stdout } = await cli.expect(0, ['snapshots'])
    for (const id of ids) assert.ok(stdout.includes(id.slice(0, 8)))
    assert.match(stdout, /4 snapshots/)
  })

  it('latest, latest~N and id prefixes name the same snapshots everywhere', async () => {
    const files = async (name: string): Promise<number> => (await cli.list(`${name}:${source}`)).length
    assert.deepEqual([await files('latest~1'), await files('latest~2'), await files('latest~3')], [3, 2, 1])
    assert.equal(await files(String(ids[1]).slice(0, 12)), 2)
    assert.equal(await files(String(ids[0]).toUpperCase()), 1)
    assert.equal((await cli.fails(18, ['ls', 'latest~4'])).code, 'snapshot-missing')
  })

  it('the parent is the last one of the same host and paths', async () => {
    const { parent } = await cli.backup(['--host', 'beta', source])
    assert.equal(parent, ids[1])
  })

  it('ls: direct and recursive, long, of a file, as JSON', async () => {
    const direct = (await cli.expect(0, ['ls', `${ids[2]}:${source}`])).stdout.split('\n').filter((line) => line !== '')
    assert.deepEqual(direct, [0, 1, 2].map((index) => `${source}/file-${index}`))
    assert.match((await cli.expect(0, ['ls', '-l', `${ids[2]}:${source}/file-1`])).stdout, /^-rw-r--r-- .* 9000 .*file-1\n$/)
    const run = await cli.expect(0, ['ls', '--json', '-R', `${ids[2]}`])
    const entry = run.records.find(({ path }) => path === `${source}/file-2`)
    assert.deepEqual([entry?.['kind'], entry?.['size']], ['file', 9000])
    assert.equal(summaryOf<{ snapshot: string }>(run).snapshot, ids[2])
  })

  it('stats: adds up', async () => {
    const run = await cli.expect(0, ['stats', '--json'])
    const stats = summaryOf<Record<string, { objects: number; bytes: number }> & { snapshots: number; blobs: number }>(run)
    assert.equal(stats.snapshots, 5)
    const areas = [stats['dataPacks'], stats['metadataPacks'], stats['index'], stats['other']]
    assert.equal(areas.reduce((sum, area) => sum + (area?.bytes ?? NaN), 0), stats['total']?.bytes)
    assert.ok(stats.blobs >= 4)
    assert.match((await cli.expect(0, ['stats'])).stdout, /unique blobs/)
  })

  it('--quiet says nothing when all is well, but lists what was asked for', async () => {
    assert.equal((await cli.expect(0, ['backup', '-q', source])).stdout, '')
    assert.equal((await cli.expect(0, ['ls', '-q', `${ids[0]}:${source}`])).stdout, `${source}/file-0\n`)
  })

  it('output that cannot be written: one line, and an exit code', async (t) => {
    if (!existsSync('/dev/full')) return t.skip('no /dev/full')
    const args = ['-c', 'exec "$0" "$1" ls "$2" > /dev/full', process.execPath, join(packageRoot, 'bin', 's3vault.cjs'), `${ids[2]}:${source}`]
    const run = await ended(spawn('/bin/sh', args, { env: cli.env }), args)
    assert.deepEqual([run.code, run.stderr.split('\n').length], [15, 2], run.stderr)
  })

  it('check: clean, whole, by part', async () => {
    assert.equal((await cli.check()).errors, 0)
    const whole = await cli.check(['--read-data'])
    assert.ok(whole.errors === 0 && whole.packsRead === whole.packs && whole.blobsVerified > 0)
    const halves = [await cli.check(['--read-data-subset', '1/2']), await cli.check(['--read-data-subset', '2/2'])]
    assert.equal(halves.reduce((sum, { packsRead }) => sum + packsRead, 0), whole.packs)
  })
})
