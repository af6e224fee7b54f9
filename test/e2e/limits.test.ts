// Goal: trees of extreme shapes and processes with few resources lose nothing.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { childPath, openDirectory, openDirectoryNoFollow } from '../../src/posix/directories.ts'
import { makeNode } from '../../src/posix/nodes.ts'
import { Cli, ended, packageRoot, summaryOf, type BackupRecord } from '../support/cli.ts'
import { initVault } from './storage-sites.ts'

const DIRECTORIES = 1500
const LEVELS = 3000

test('1,500 directories with 1,024 file descriptors, the lowest limit in use', async (t) => {
  if (spawnSync('prlimit', ['--version']).error !== undefined) return t.skip('prlimit (util-linux) is not installed')
  const cli = new Cli(t)
  for (let index = 0; index < DIRECTORIES; index++) cli.write(`source/${index}/file`, `${index}`)
  await initVault(t, cli)
  const limited = async (...args: string[]): ReturnType<typeof ended> => {
    const command = ['--nofile=1024:1024', process.execPath, join(packageRoot, 'bin', 's3vault.cjs'), ...args]
    return ended(spawn('prlimit', command, { env: cli.env }), args)
  }
  const backup = await limited('backup', '--json', cli.path('source'))
  assert.equal(backup.code, 0, backup.stdout.slice(0, 1000))
  assert.equal(summaryOf<BackupRecord>(backup).files, DIRECTORIES)
  const restore = await limited('restore', `latest:${cli.path('source')}`, '-t', cli.path('back'))
  assert.equal(restore.code, 0, restore.stderr)
  assert.deepEqual(compareTrees(cli.path('source'), cli.path('back')), [])
})

test('3,000 levels of directories', async (t) => {
  const cli = new Cli(t)
  mkdirSync(cli.path('source'))
  const name = Buffer.from('d')
  descend(cli.path('source'), (fd, level) => {
    if (level < LEVELS) mkdirSync(childPath(fd, name))
    else makeNode(childPath(fd, Buffer.from('bottom')), 'fifo', 0o640)
  })
  await initVault(t, cli)
  const { directories, others } = await cli.backup([cli.path('source')])
  assert.deepEqual([directories, others], [LEVELS + 1, 1])
  assert.equal((await cli.list(`latest:${cli.path('source')}`)).length, LEVELS + 1)
  assert.equal((await cli.check()).errors, 0)
  await cli.restore([`latest:${cli.path('source')}`, '-t', cli.path('back')])
  let levels = 0
  descend(cli.path('back'), (fd, level) => {
    levels = level
    if (level === LEVELS) assert.ok(lstatSync(childPath(fd, Buffer.from('bottom'))).isFIFO())
  })
  assert.equal(levels, LEVELS)
})

/** Visits LEVELS + 1 directories, each in the one before. */
function descend(top: string, visit: (fd: number, level: number) => void): void {
  let fd = openDirectory(Buffer.from(top))
  for (let level = 0; level <= LEVELS; level++) {
    visit(fd, level)
    if (level === LEVELS) break
    const next = openDirectoryNoFollow(fd, Buffer.from('d'))
    closeSync(fd)
    fd = next
  }
  closeSync(fd)
}
