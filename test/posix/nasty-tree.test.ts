import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, lstatSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeNastyTree } from '../../fixtures/nasty-tree.ts'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { childPath, listDirectory, openDirectory, openDirectoryNoFollow, selfPath } from '../../src/posix/directories.ts'
import { isRoot } from './scratch-directory.ts'

// One tree for all tests of this file: none changes it, and 75 MB take a while on a slow disk.
const directory = mkdtempSync(join(tmpdir(), 's3vault-nasty-'))
const root = join(directory, 'tree')
const omitted = makeNastyTree(root, { seed: 7 })
after(() => spawnSync('rm', ['-rf', directory]))

test('one seed gives one tree, and the comparator finds it equal', (t) => {
  t.diagnostic(`left out: ${omitted.join('; ') || 'nothing'}`)
  const again = join(directory, 'again')
  assert.equal(makeNastyTree(again, { seed: 7 }).length, omitted.length)
  assert.deepEqual(compareTrees(root, again), [])
})

test('the tree has what it promises, and says when root was missing', () => {
  const sparse = lstatSync(`${root}/holes/terabyte`)
  assert.equal(sparse.size, 2 ** 40)
  assert.ok(sparse.blocks * 512 < 2 ** 20)
  assert.equal(lstatSync(`${root}/hard-links/a/big`).nlink, 3)
  assert.equal(lstatSync(`${root}/hard-links/symlink`).nlink, 2)
  assert.equal(lstatSync(`${root}/hard-links/fifo`).nlink, 2)
  assert.equal(lstatSync(root, { bigint: true }).mtimeNs, 1_234_567_890_987_654_321n)
  const found = spawnSync('find', [root, '-printf', '%y'], { encoding: 'latin1', maxBuffer: 2 ** 24 })
  const types = new Set(found.stdout)
  for (const type of isRoot ? 'dflpscb' : 'dflps') assert.ok(types.has(type), `type ${type} of find(1)`)
  assert.ok(found.stdout.length > 5000)
  assert.equal(omitted.some((line) => line.includes('needs root')), !isRoot)
})

test('the deep path is deeper than PATH_MAX and ends in files', (t) => {
  let fd = openDirectory(Buffer.from(`${root}/deep`))
  let lengthBytes = root.length + '/deep'.length
  for (let level = 0; level < 30; level++) {
    const name = listDirectory(selfPath(fd)).find((entry) => lstatSync(childPath(fd, entry)).isDirectory())!
    const next = openDirectoryNoFollow(fd, name)
    closeSync(fd)
    fd = next
    lengthBytes += 1 + name.length
  }
  t.after(() => closeSync(fd))
  assert.ok(lengthBytes > 6000)
  assert.deepEqual(listDirectory(selfPath(fd)).map(String), ['fifo', 'file', 'hard-link', 'symlink'])
})
