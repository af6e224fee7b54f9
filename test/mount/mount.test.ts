// Goal: `s3vault mount` shows the tree that was backed up, to several readers at once, and its daemon starts, fails, dies and
// ends as a daemon should. Method: the real program against a real kernel.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeNastyTree } from '../../fixtures/nasty-tree.ts'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { errnoOf } from '../../src/errors/vault-error.ts'
import { Cli, ended, packageRoot, summaryOf, type Scope } from '../support/cli.ts'
import { isMounted, mountPlaces, unlessMountable } from './mounting.ts'

interface MountRecord {
  readonly mountPoint: string
  readonly snapshots: number
  readonly pid: number
  readonly log: string
}

/** A vault with one snapshot of `source`, and an empty directory to mount it on. */
async function prepared(scope: Scope, fill: (source: string) => void): Promise<{ cli: Cli; source: string; place: string; tree: string }> {
  const places = mountPlaces(scope)
  const cli = new Cli(scope)
  const source = cli.path('source')
  fill(source)
  await cli.init()
  await cli.backup([source])
  const place = cli.path('mnt')
  mkdirSync(place)
  places.add(place)
  return { cli, source, place, tree: join(place, 'latest', source) }
}

const small = (source: string): void => {
  mkdirSync(source)
  writeFileSync(join(source, 'file'), 'content')
}

const mountAt = async (cli: Cli, place: string, ...flags: string[]): Promise<MountRecord> =>
  summaryOf<MountRecord>(await cli.expect(0, ['mount', '--json', ...flags, place]))

async function until(holds: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 60_000; !holds();) {
    assert.ok(performance.now() < deadline, 'a minute has gone by')
    await sleep(20)
  }
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}/exe`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))

/** What listing a directory fails with. */
function errnoAt(place: string): string | undefined {
  try {
    readdirSync(place)
    return undefined
  } catch (error) {
    return errnoOf(error)
  }
}

/** Lets other users through to what lies in the scratch directory. */
function openToOthers(directory: string): void {
  for (let above = directory; above !== '/dev/shm' && above !== '/tmp' && above !== '/'; above = join(above, '..')) chmodSync(above, 0o755)
}

test('a nasty tree is the same through the mount: names, attributes, xattrs, links, content', { skip: unlessMountable }, async (t) => {
  const { cli, source, place, tree } = await prepared(t, (path) => void makeNastyTree(path, { seed: 11 }))
  const { snapshots, pid, log } = await mountAt(cli, place)
  assert.equal(snapshots, 1)
  // Holes shorter than 256 KiB are stored as zeros, and read as such; longer ones are compared by the test of the vfs.
  assert.deepEqual(compareTrees(source, tree, { except: ['holes'] }), [])
  await cli.expect(0, ['umount', place])
  await until(() => !isAlive(pid))
  assert.match(readFileSync(log, 'utf8'), /^\S+ mounted, 1 snapshot, pid \d+\n\S+ unmounted\n$/)
  await mountAt(cli, place, '--snapshot', 'latest', '--path', source)
  assert.deepEqual(compareTrees(source, join(place, source), { except: ['holes'] }), [])
})

test('many readers at once get the right bytes', { skip: unlessMountable }, async (t) => {
  const { cli, source, place, tree } = await prepared(t, (path) => {
    mkdirSync(path)
    for (let i = 0; i < 6; i++) {
      const block = createHash('sha512').update(`block ${i}`).digest()
      writeFileSync(join(path, `large-${i}`), Buffer.concat(Array.from({ length: 60_000 }, (_, n) => createHash('sha512').update(block).update(`${n}`).digest())))
    }
  })
  await mountAt(cli, place, '--memory', '16')
  const sums = (directory: string, shuffle: string): Promise<string> => {
    const child = spawn('sh', ['-c', `ls | sort ${shuffle} | xargs sha256sum | sort`], { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] })
    return ended(child, []).then(({ stdout }) => stdout)
  }
  const wanted = await sums(source, '')
  const got = await Promise.all(['', '-r', '-R', '-R'].map((shuffle) => sums(tree, shuffle)))
  for (const sum of got) assert.equal(sum, wanted)
})

test('a daemon that is killed leaves an error behind, not an empty directory; mounting and umount clear it', { skip: unlessMountable }, async (t) => {
  const { cli, place, tree } = await prepared(t, small)
  for (const clear of ['mount', 'umount']) {
    const { pid } = await mountAt(cli, place)
    assert.equal(readFileSync(join(tree, 'file'), 'utf8'), 'content')
    process.kill(pid, 'SIGKILL')
    await until(() => !isAlive(pid))
    await until(() => errnoAt(place) === 'ENOTCONN')
    if (clear === 'umount') await cli.expect(0, ['umount', place])
  }
  assert.equal(isMounted(place), false)
  assert.deepEqual(readdirSync(place), [])
})

test('SIGTERM unmounts, in the background and in the foreground', { skip: unlessMountable }, async (t) => {
  const { cli, place, tree } = await prepared(t, small)
  const { pid } = await mountAt(cli, place)
  process.kill(pid, 'SIGTERM')
  await until(() => !isAlive(pid))
  assert.equal(isMounted(place), false)
  const run = await cli.run(['mount', '--foreground', '--json', place], {
    onStart: (child) => child.stdout?.once('data', () => {
      assert.equal(readFileSync(join(tree, 'file'), 'utf8'), 'content')
      child.kill('SIGTERM')
    }),
  })
  assert.equal(run.code, 0, run.stderr)
  assert.deepEqual(run.records.map(({ type }) => type), ['mounted', 'summary'])
  assert.equal(isMounted(place), false)
})

test('what cannot be mounted is said in one line by the command itself', { skip: unlessMountable }, async (t) => {
  const { cli, place } = await prepared(t, small)
  const other = cli.write('full/file', '')
  assert.match(await cli.failsInWords(1, ['mount', cli.path('full')]), /not empty/)
  assert.match(await cli.failsInWords(1, ['mount', other]), /not a directory/)
  assert.match(await cli.failsInWords(1, ['mount', cli.path('nowhere')]), /no such directory/)
  assert.match(await cli.failsInWords(18, ['mount', '--snapshot', 'beef', place]), /no snapshot "beef"/)
  assert.match(await cli.failsInWords(18, ['mount', '--snapshot', 'latest', '--tag', 'none', place]), /no snapshot latest/)
  assert.match(await cli.failsInWords(12, ['mount', place], { env: { S3VAULT_PASSWORD_FILE: cli.write('wrong', 'wrong') } }), /wrong password/)
  assert.match(await cli.failsInWords(1, ['mount', '--nonempty', cli.path('vault')]), /lies in it/)
  assert.match(await cli.failsInWords(1, ['umount', place]), /no vault is mounted there/)
  await mountAt(cli, place)
  assert.match(await cli.failsInWords(1, ['mount', place]), /mounted there already/)
  const user = spawn('sleep', ['60'], { cwd: place })
  t.after(() => void user.kill())
  await once(user, 'spawn')
  assert.match(await cli.failsInWords(1, ['umount', place]), /is busy/)
  await cli.expect(0, ['umount', '--lazy', place])
  assert.equal(isMounted(place), false)
})

test('a mount point is found through symlinks, and the filters choose what is shown', { skip: unlessMountable }, async (t) => {
  const { cli, source, place } = await prepared(t, small)
  await cli.backup(['--tag', 'second', '--host', 'elsewhere', source])
  symlinkSync(place, cli.path('link'))
  assert.equal((await mountAt(cli, cli.path('link'))).snapshots, 2)
  assert.equal(readdirSync(place).length, 3)
  await cli.expect(0, ['umount', cli.path('link')])
  assert.equal((await mountAt(cli, place, '--tag', 'second', '--host', 'elsewhere', '--path', source)).snapshots, 1)
})

test('mount(8) mounts it by a line of fstab', { skip: unlessMountable }, async (t) => {
  const { cli, place, tree } = await prepared(t, small)
  const helper = join(packageRoot, 'bin', 'mount.fuse.s3vault')
  const run = (options: string) => ended(spawn(helper, [cli.path('vault'), place, '-n', '-o', options], { env: cli.env, cwd: cli.directory }), [])
  const refused = await run('ro,bogus')
  assert.deepEqual([refused.code, refused.stderr], [2, 'mount.fuse.s3vault: the option bogus is not known\n'])
  const mounted = await run(`rw,password-file=${cli.path('secret')},memory=32,allow_other,_netdev,x-systemd.automount`)
  assert.equal(mounted.code, 0, mounted.stderr)
  assert.equal(readFileSync(join(tree, 'file'), 'utf8'), 'content')
  assert.match(readFileSync('/proc/self/mounts', 'utf8'), new RegExp(`${place} fuse\\.s3vault ro,[^ ]*allow_other`))
})

const AS_NOBODY = ['--reuid', '65534', '--regid', '65534', '--clear-groups']

test('others enter only with --allow-other, and then as owners, modes and ACLs permit', { skip: unlessMountable }, async (t) => {
  const { cli, source, place, tree } = await prepared(t, (path) => {
    mkdirSync(path)
    openToOthers(path)
    for (const name of ['open', 'closed', 'listed']) writeFileSync(join(path, name), name)
    for (const name of ['closed', 'listed']) chmodSync(join(path, name), 0o640)
    spawnSync('setfacl', ['-m', 'u:65534:r', join(path, 'listed')])
  })
  const hasAcl = spawnSync('getfacl', ['-p', join(source, 'listed')]).stdout?.includes('nobody') ?? false
  const read = (name: string): boolean => spawnSync('setpriv', [...AS_NOBODY, 'cat', join(tree, name)]).status === 0
  await mountAt(cli, place)
  assert.deepEqual(['open', 'closed'].map(read), [false, false])
  await cli.expect(0, ['umount', place])
  await mountAt(cli, place, '--allow-other')
  assert.deepEqual(['open', 'closed'].map(read), [true, false])
  if (hasAcl) assert.equal(read('listed'), true)
  else t.diagnostic('no ACLs here: not tested')
})

/** A mount namespace of its own, where /dev/fuse is open to users whatever the machine's is. */
const USER_SCRIPT = `
set -e
mknod "$SCRATCH/fuse" c 10 229; chmod 666 "$SCRATCH/fuse"; mount --bind "$SCRATCH/fuse" /dev/fuse
chown -R 65534:65534 "$SCRATCH"
exec setpriv --reuid 65534 --regid 65534 --clear-groups sh -e -c '
  "$NODE" "$LAUNCHER" mount "$PLACE" >&2
  cat "$TREE/file"
  grep -o "$PLACE fuse.s3vault ro,nosuid,nodev[^ ]*" /proc/self/mounts
  "$NODE" "$LAUNCHER" umount "$PLACE" >&2
  ! grep "$PLACE fuse" /proc/self/mounts
'
`

const unlessUser = unlessMountable || (['fusermount3', 'unshare', 'setpriv'].every((name) => spawnSync('which', [name]).status === 0)
  ? false : 'needs fusermount3 (package fuse3), unshare and setpriv')

test('a user mounts by fusermount3', { skip: unlessUser }, async (t) => {
  const { cli, place, tree } = await prepared(t, small)
  openToOthers(cli.directory)
  const env = { ...cli.env, SCRATCH: cli.directory, NODE: cli.node, LAUNCHER: cli.launcher, PLACE: place, TREE: tree }
  const run = await ended(spawn('unshare', ['-m', 'sh', '-c', USER_SCRIPT], { env, cwd: cli.directory }), [])
  assert.equal(run.code, 0, run.stderr)
  assert.match(run.stdout, /^content\S+ fuse\.s3vault ro,nosuid,nodev,relatime,user_id=65534,group_id=65534\n$/)
})
