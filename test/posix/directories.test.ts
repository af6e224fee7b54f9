import assert from 'node:assert/strict'
import { closeSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { childPath, listDirectory, openDirectory, openDirectoryNoFollow, selfPath } from '../../src/posix/directories.ts'
import { readStat } from '../../src/posix/stat.ts'
import { scratchDirectory } from './scratch-directory.ts'

/** Makes `levels` directories in each other and returns the path of the last, as long as it may be. */
function makeDeep(top: string, levels: number, nameBytes: number): Buffer {
  let fd = openDirectory(Buffer.from(top))
  const names: string[] = []
  for (let level = 0; level < levels; level++) {
    const name = `${level}-`.padEnd(nameBytes, 'd')
    mkdirSync(childPath(fd, Buffer.from(name)))
    const next = openDirectoryNoFollow(fd, Buffer.from(name))
    closeSync(fd)
    fd = next
    names.push(name)
  }
  writeFileSync(childPath(fd, Buffer.from('bottom')), 'reached')
  closeSync(fd)
  return Buffer.from([top, ...names].join('/'))
}

test('a path of any length opens: below, around and far beyond PATH_MAX', (t) => {
  for (const [levels, nameBytes] of [[3, 10], [20, 200], [40, 250], [2100, 3]] as const) {
    const path = makeDeep(scratchDirectory(t), levels, Math.max(nameBytes, 6))
    const fd = openDirectory(path)
    assert.equal(readFileSync(childPath(fd, Buffer.from('bottom')), 'utf8'), 'reached', `${path.length} bytes`)
    closeSync(fd)
  }
})

test('every length around the border of one call opens', (t) => {
  const top = scratchDirectory(t)
  const path = makeDeep(top, 16, 250)
  for (let extra = 0; extra < 120; extra++) {
    // `/.` and `//` lengthen a path without leading elsewhere.
    const longer = Buffer.concat([path, Buffer.from('/.'.repeat(extra >> 1)), Buffer.from(extra % 2 === 1 ? '/' : '')])
    const fd = openDirectory(longer)
    assert.deepEqual(listDirectory(selfPath(fd)).map(String), ['bottom'])
    closeSync(fd)
  }
})

test('a component longer than NAME_MAX and a missing one are refused as the kernel refuses them', (t) => {
  const top = scratchDirectory(t)
  assert.throws(() => openDirectory(Buffer.from(`${top}/${'x'.repeat(9000)}`)), { code: 'ENAMETOOLONG' })
  const path = makeDeep(top, 30, 200)
  assert.throws(() => openDirectory(Buffer.concat([path, Buffer.from('/missing')])), { code: 'ENOENT' })
  assert.throws(() => openDirectory(Buffer.concat([path, Buffer.from('/bottom')])), { code: 'ENOTDIR' })
})

test('a symlink in place of a directory is not entered', (t) => {
  const top = scratchDirectory(t)
  mkdirSync(`${top}/real`)
  symlinkSync('real', `${top}/link`)
  const fd = openDirectory(Buffer.from(top))
  t.after(() => closeSync(fd))
  closeSync(openDirectoryNoFollow(fd, Buffer.from('real')))
  assert.throws(() => openDirectoryNoFollow(fd, Buffer.from('link')), { code: /^(ENOTDIR|ELOOP)$/ })
})

test('only one plain component makes a child path', () => {
  for (const name of ['', '.', '..', 'a/b', '/', 'a\0']) {
    assert.throws(() => childPath(3, Buffer.from(name)), { name: 'AssertionError' }, JSON.stringify(name))
  }
  assert.equal(childPath(3, Buffer.from('...')).toString(), '/proc/self/fd/3/...')
})

test('an open directory stays reachable when it is renamed; selfPath is the directory, not the link to it', (t) => {
  const top = scratchDirectory(t)
  mkdirSync(`${top}/before`)
  const fd = openDirectory(Buffer.from(`${top}/before`))
  t.after(() => closeSync(fd))
  renameSync(`${top}/before`, `${top}/after`)
  writeFileSync(childPath(fd, Buffer.from('child')), 'x')
  assert.equal(readFileSync(`${top}/after/child`, 'utf8'), 'x')
  assert.equal(readStat(selfPath(fd)).type, 'directory')
  assert.equal(readStat(selfPath(fd)).ino, readStat(Buffer.from(`${top}/after`)).ino)
})

test('names come raw and in byte order', (t) => {
  const top = scratchDirectory(t)
  const names = [Buffer.from([0xff]), Buffer.from([0xe9]), ...['a', 'B', 'é', 'a\n'].map((name) => Buffer.from(name))]
  for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${top}/`), name]), '')
  assert.deepEqual(listDirectory(Buffer.from(top)), names.sort(Buffer.compare))
})
