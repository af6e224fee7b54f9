// Goal: what is backed up and what is restored is what the flags say.
// Method: small trees through the real program; the list of a snapshot or of a target against the expected one.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { Cli, ended, packageRoot, unlessRoot, warningsOf } from '../support/cli.ts'
import { initVault, unlessDirectory } from './storage-sites.ts'

const CACHEDIR_TAG = 'Signature: 8a477f597d28d172789f06886806bc55\n'

/** Paths below a directory, as `a/b`, sorted; directories end in a slash. */
function treeOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)) + (entry.isDirectory() ? '/' : ''))
    .sort()
}

describe('what a backup takes', () => {
  const cli = new Cli({ after })
  const source = cli.path('source')

  before(async () => {
    for (const path of ['a/keep.txt', 'a/drop.o', 'a/sub/drop.o', 'a/sub/keep.o', 'b/cache/blob', 'b/real', 'target/file', 'x/target/file']) {
      cli.write(`source/${path}`, path)
    }
    cli.write('source/b/cache/CACHEDIR.TAG', CACHEDIR_TAG)
    cli.write('source/b/not-a-cache/CACHEDIR.TAG', 'just a name\n')
    cli.write('source/b/not-a-cache/file', 'x')
    await initVault({ after }, cli)
  })

  /** Files of a new snapshot, relative to the source. */
  async function taken(...args: string[]): Promise<string[]> {
    await cli.backup([...args, source])
    const listed = await cli.expect(0, ['ls', '--json', '-R', `latest:${source}`])
    return listed.records.filter(({ type, kind }) => type === 'entry' && kind !== 'directory')
      .map(({ path }) => relative(source, String(path))).sort()
  }

  const everything = [
    'a/drop.o', 'a/keep.txt', 'a/sub/drop.o', 'a/sub/keep.o', 'b/cache/CACHEDIR.TAG', 'b/cache/blob',
    'b/not-a-cache/CACHEDIR.TAG', 'b/not-a-cache/file', 'b/real', 'target/file', 'x/target/file',
  ]
  const without = (...left: string[]): string[] => everything.filter((path) => !left.includes(path))

  it('all of it without flags', async () => {
    assert.deepEqual(await taken(), everything)
  })

  it('--exclude: names, anchored paths, directories, the last match decides', async () => {
    assert.deepEqual(await taken('-e', '*.o', '-e', '!keep.o'), without('a/drop.o', 'a/sub/drop.o'))
    assert.deepEqual(await taken('-e', `${source}/target`, '-e', 'a/**/drop.?'), without('target/file', 'a/drop.o', 'a/sub/drop.o'))
    assert.deepEqual(await taken('--exclude', 'target/'), without('target/file', 'x/target/file'))
  })

  it('--exclude-file, with comments and empty lines', async () => {
    const file = cli.write('patterns', '# comment\n\n*.o\n!keep.o\n')
    assert.deepEqual(await taken('--exclude-file', file), without('a/drop.o', 'a/sub/drop.o'))
  })

  it('--exclude-caches leaves the tag of a true cache', async () => {
    assert.deepEqual(await taken('--exclude-caches'), without('b/cache/blob'))
  })

  it('--files-from by lines, by NUL, and from standard input', async () => {
    const lines = cli.write('lines', `${source}/a/keep.txt\n${source}/b/real\n`)
    const odd = cli.write('source/odd\nname', 'odd')
    await cli.backup(['--files-from', lines])
    const both = [`${source}/a/keep.txt`, `${source}/b/real`]
    assert.deepEqual((await cli.list('latest')).filter((path) => both.includes(path)), both)
    assert.ok(!(await cli.list('latest')).includes(`${source}/a/drop.o`))
    await cli.backup(['--files-from0', '-'], 0, { input: `${odd}\0${source}/b/real\0` })
    assert.deepEqual((await cli.list('latest')).slice(-3).sort(), [`${source}/b`, `${source}/b/real`, `${source}/odd\\x0aname`])
    spawnSync('rm', [odd])
  })

  it('several paths make one snapshot; one below another counts once', async () => {
    const summary = await cli.backup([`${source}/a`, `${source}/a/sub`, `${source}/b/real`, `${source}/a`])
    assert.equal(summary.files, 5)
  })

  it('a source that is a symlink is stored as one; a relative path is made absolute', async () => {
    symlinkSync('source', cli.path('link'))
    await cli.backup(['link', './source/../source/b/real'], 0, { cwd: cli.directory })
    const { records } = await cli.expect(0, ['ls', '--json', `latest:${cli.path('link')}`])
    assert.deepEqual(records.filter(({ type }) => type === 'entry').map(({ kind, target }) => [kind, target]), [['symlink', 'source']])
    assert.ok((await cli.list('latest')).includes(`${source}/b/real`))
  })

  it('--one-file-system keeps a mount point, empty', { skip: unlessRoot }, async (t) => {
    const mount = cli.path('source', 'mounted')
    mkdirSync(mount)
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount]).status !== 0) return t.skip('mounting is not allowed here')
    try {
      writeFileSync(join(mount, 'inside'), 'on another file system')
      assert.deepEqual(await taken(), [...everything, 'mounted/inside'].sort())
      assert.deepEqual(await taken('-x'), everything)
      assert.ok((await cli.list('latest')).includes(mount), 'the mount point itself')
    } finally {
      spawnSync('umount', [mount])
      spawnSync('rmdir', [mount])
    }
  })

  it('never the vault itself, nor the cache', { skip: unlessDirectory }, async () => {
    await cli.backup([cli.directory])
    const listed = await cli.list('latest')
    assert.ok(listed.includes(`${source}/b/real`))
    const [vaultsCache] = readdirSync(cli.cacheDirectory)
    for (const own of [cli.path('vault'), `${cli.cacheDirectory}/${vaultsCache}`]) {
      assert.ok(existsSync(own))
      assert.ok(listed.includes(own), 'the directory itself is there, empty')
      assert.deepEqual(listed.filter((path) => path.startsWith(`${own}/`)), [], `${own} backed up into itself`)
    }
  })

  it('a path that is not UTF-8, as an argument and as SNAPSHOT:PATH', async () => {
    // Node can give a child no such argument; a shell can.
    const script = [
      'name=$(printf "caf\\351"); mkdir -p "$2/$name"; printf bytes > "$2/$name/file"',
      '"$0" "$1" backup -q "$2/$name" && "$0" "$1" restore -q "latest:$2/$name" --target "$3"',
    ].join('\n')
    const args = ['-c', script, process.execPath, join(packageRoot, 'bin', 's3vault.cjs'), cli.path('odd'), cli.path('odd-back')]
    const run = await ended(spawn('/bin/sh', args, { env: cli.env }), args)
    assert.equal(run.code, 0, run.stderr)
    assert.equal(readFileSync(cli.path('odd-back', 'file'), 'utf8'), 'bytes')
    assert.ok((await cli.list('latest')).includes(`${cli.path('odd')}/caf\\xe9/file`))
  })

  it('--dry-run stores nothing and says what it would', { skip: unlessDirectory }, async () => {
    cli.write('dry/file', 'never seen before')
    const vault = treeOf(cli.path('vault')).length
    const dry = await cli.backup(['--dry-run', cli.path('dry')])
    assert.deepEqual([dry.snapshot, dry.dataBlobsAdded, dry.filesNew], [undefined, 1, 1])
    assert.equal(treeOf(cli.path('vault')).length, vault)
    const real = await cli.backup([cli.path('dry')])
    assert.deepEqual([real.dataBlobsAdded, real.filesNew], [1, 1], 'the dry run left no trace in the cache')
  })
})

describe('what a restore does', () => {
  const cli = new Cli({ after })
  const source = cli.path('source')
  const from = `latest:${source}`

  before(async () => {
    for (const path of ['a/one.txt', 'a/two.o', 'b/three.txt', 'b/c/four.o']) cli.write(`source/${path}`, `content of ${path}`)
    utimesSync(cli.path('source', 'a', 'one.txt'), 1_600_000_000, 1_600_000_000)
    await initVault({ after }, cli)
    await cli.backup([source])
  })

  it('SNAPSHOT:PATH of a directory gives its content, of a file that file, none the whole path', async () => {
    await cli.restore([`${from}/b`, '-t', cli.path('directory')])
    assert.deepEqual(treeOf(cli.path('directory')), ['c/', 'c/four.o', 'three.txt'])
    await cli.restore([`${from}/a/one.txt`, '-t', cli.path('file')])
    assert.deepEqual(treeOf(cli.path('file')), ['one.txt'])
    await cli.restore(['latest', '-t', cli.path('whole')])
    assert.deepEqual(compareTrees(source, join(cli.path('whole'), source)), [])
  })

  it('--include and --exclude', async () => {
    await cli.restore([from, '-t', cli.path('included'), '-i', '*.o'])
    assert.deepEqual(treeOf(cli.path('included')).filter((path) => !path.endsWith('/')), ['a/two.o', 'b/c/four.o'])
    await cli.restore([from, '-t', cli.path('excluded'), '-e', '*.o', '-e', `${source}/b/c`])
    assert.deepEqual(treeOf(cli.path('excluded')), ['a/', 'a/one.txt', 'b/', 'b/three.txt'])
    await cli.restore([from, '-t', cli.path('both'), '-i', 'b/', '-e', '*.o'])
    assert.deepEqual(treeOf(cli.path('both')).filter((path) => !path.endsWith('/')), ['b/three.txt'])
  })

  it('--delete takes away what the snapshot has not; without it all stays', async () => {
    const target = cli.path('extra')
    await cli.restore([from, '-t', target])
    cli.write('extra/a/extra', 'x')
    cli.write('extra/extra/deep/x', 'x')
    await cli.restore([from, '-t', target])
    assert.ok(existsSync(join(target, 'extra', 'deep', 'x')))
    const dry = await cli.restore([from, '-t', target, '--delete', '--dry-run'])
    assert.ok(dry.deleted > 0 && existsSync(join(target, 'a', 'extra')))
    const { deleted } = await cli.restore([from, '-t', target, '--delete'])
    assert.ok(deleted >= 2)
    assert.deepEqual(compareTrees(source, target), [])
  })

  it('--dry-run writes nothing, not even the target', async () => {
    const dry = await cli.restore([from, '-t', cli.path('dry'), '--dry-run'])
    assert.equal(dry.filesRestored, 4)
    assert.ok(!existsSync(cli.path('dry')))
  })

  it('--overwrite: always, if-changed, if-newer, never', async () => {
    const target = cli.path('modes')
    const one = join(target, 'a', 'one.txt')
    const right = 'content of a/one.txt'
    const wrong = 'CONTENT of a/one.txt'
    /** The file after a restore in that mode, when it held `content` of a time that many seconds from the snapshot's. */
    await cli.restore([from, '-t', target])
    const left = async (mode: string, content: string, byS: number): Promise<string> => {
      writeFileSync(one, content)
      utimesSync(one, 1_600_000_000 + byS, 1_600_000_000 + byS)
      await cli.restore([from, '-t', target, '--overwrite', mode])
      return readFileSync(one, 'utf8')
    }
    assert.equal(await left('always', wrong, 0), right, 'looks the same, is not: only always sees that')
    assert.equal(await left('if-changed', wrong, 0), wrong)
    assert.equal(await left('if-changed', wrong, 1), right)
    assert.equal(await left('if-changed', `${wrong}!`, 0), right)
    assert.equal(await left('if-newer', wrong, 1), wrong)
    assert.equal(await left('if-newer', wrong, -1), right)
    assert.equal(await left('never', wrong, -1), wrong)
  })

  it('mends modes and types that differ', async () => {
    const target = cli.path('types')
    await cli.restore([from, '-t', target])
    chmodSync(join(target, 'a', 'one.txt'), 0o600)
    spawnSync('rm', ['-r', join(target, 'b')])
    symlinkSync('/etc', join(target, 'b'))
    await cli.restore([from, '-t', target])
    assert.deepEqual(compareTrees(source, target), [])
    assert.ok(!existsSync('/etc/three.txt'), 'nothing is written through a symlink')
  })

  it('a target that is a file is refused', async () => {
    const file = cli.write('a-file', 'x')
    assert.equal((await cli.fails(15, ['restore', 'latest', '-t', file])).code, 'target-unwritable')
    assert.equal(statSync(file).size, 1)
    assert.deepEqual(warningsOf(await cli.expect(0, ['restore', '--json', from, '-t', cli.path('fresh')])), [])
  })
})
