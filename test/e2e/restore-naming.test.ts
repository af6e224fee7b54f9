// Goal: a person knows which snapshot is taken, what a restore would do to which names, and what it could not do.
// Method: small trees of several hosts through the real program; text and JSON.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { Cli, summaryOf, unlessRoot, warningsOf, type CliRun } from '../support/cli.ts'

const NOBODY = 65534

const noticesOf = ({ records }: CliRun): string[] => records.filter(({ type }) => type === 'notice').map(({ message }) => String(message))

describe('whose snapshot', () => {
  const cli = new Cli({ after })
  const source = cli.path('source')
  const other = cli.path('other')
  const ids: string[] = []

  before(async () => {
    await cli.init()
    cli.write('source/a', 'of alpha')
    cli.write('other/deep/b', 'of beta')
    for (const args of [['--host', 'alpha', '--tag', 'weekly', source], ['--host', 'alpha', source], ['--host', 'beta', '--tag', 'x', '--tag', 'y', source, other]]) {
      ids.push(String((await cli.backup(args)).snapshot))
    }
  })

  it('latest is the newest of what the filters leave, in ls and restore', async () => {
    const chosen = async (...args: string[]): Promise<unknown> => summaryOf<{ snapshot: string }>(await cli.expect(0, ['ls', '--json', ...args])).snapshot
    assert.equal(await chosen('latest'), ids[2])
    assert.equal(await chosen('latest', '--host', 'alpha'), ids[1])
    assert.equal(await chosen('latest~1', '--host', 'alpha'), ids[0])
    assert.equal(await chosen('latest', '--tag', 'weekly'), ids[0])
    assert.equal(await chosen('latest', '--path', source), ids[2])
    assert.equal(await chosen('latest', '--path', source, '--path', other), ids[2])
    assert.equal(await chosen('latest', '--host', 'alpha', '--host', 'beta'), ids[2])
    assert.equal(await chosen('latest', '--tag', 'x,y', '--tag', 'weekly'), ids[2])
    assert.equal(await chosen('latest', '--tag', ''), ids[1])
    await cli.restore([`latest:${source}`, '--host', 'alpha', '-t', cli.path('alphas')])
    assert.deepEqual(readdirSync(cli.path('alphas')), ['a'])
    assert.equal((await cli.fails(18, ['ls', 'latest', '--tag', 'x,z'])).code, 'snapshot-missing')
    assert.match((await cli.fails(18, ['ls', String(ids[0]), '--host', 'beta'])).message, /is not of that host/)
    assert.deepEqual(await cli.snapshots('--host', 'beta', '--host', 'alpha', '--tag', 'weekly', '--tag', 'y'), [ids[0], ids[2]])
  })

  it('an ambiguous latest is said, an unambiguous one and an id are not', async () => {
    for (const args of [['ls', 'latest'], ['restore', 'latest', '-t', cli.path('ambiguous')]]) {
      assert.match(noticesOf(await cli.expect(0, [...args, '--json'])).join(), new RegExp(`taking snapshot ${String(ids[2]).slice(0, 8)} of .*host beta.*2 combinations`))
    }
    assert.match((await cli.expect(0, ['ls', 'latest'])).stderr, /^taking snapshot [^\n]*--host, --path or --tag[^\n]*\n$/)
    for (const args of [['latest', '--host', 'alpha'], [String(ids[2])]]) {
      assert.deepEqual(noticesOf(await cli.expect(0, ['ls', '--json', ...args])), [])
    }
  })

  it('restore says which snapshot and where, first and last', async () => {
    const target = cli.path('told')
    const { records, ...run } = await cli.expect(0, ['restore', '--json', 'latest', '--host', 'alpha', '-t', target])
    const [start] = records
    const { time, host, paths } = summaryOf<Record<string, unknown>>({ records, ...run })
    assert.deepEqual({ ...start }, { type: 'start', command: 'restore', snapshot: ids[1], time, host, paths, target })
    assert.deepEqual([host, paths], ['alpha', [source]])
    const { stdout } = await cli.expect(0, ['restore', 'latest', '--host', 'alpha', '-t', target])
    assert.match(stdout, new RegExp(`^snapshot +${String(ids[1]).slice(0, 8)} of \\d{4}-\\d\\d-\\d\\d .*, host alpha, ${source}\ntarget +${target}\n`))
  })

  it('ls without a path shows what was backed up, not the way to it', async () => {
    const lines = async (...args: string[]): Promise<string[]> => (await cli.expect(0, ['ls', ...args])).stdout.trimEnd().split('\n')
    assert.deepEqual(await lines('latest', '--host', 'alpha'), [`${source}/a`])
    assert.deepEqual(await lines('latest', '--host', 'beta'), [other, source])
    assert.deepEqual(await lines('latest:/', '--host', 'beta'), [`/${source.split('/')[1]}`])
    await cli.backup(['--host', 'gamma', `${source}/a`])
    assert.deepEqual(await lines('latest', '--host', 'gamma'), [`${source}/a`])
  })
})

describe('what a restore says', () => {
  const cli = new Cli({ after })
  const source = cli.path('source')
  const from = `latest:${source}`

  before(async () => {
    for (const path of ['same', 'changed', 'new', 'dir/new']) cli.write(`source/${path}`, `content of ${path}`)
    await cli.init()
    await cli.backup([source])
  })

  it('--dry-run names what it would change, one a line; --json has the same names in both modes', async () => {
    const target = cli.path('target')
    await cli.restore([from, '-t', target, '-i', 'same', '-i', 'changed'])
    cli.write('target/changed', 'content OF changed')
    cli.write('target/old/deep', 'x')
    const args = ['restore', from, '-t', target, '--delete']
    const names = [
      ['update', 'file', 'changed'], ['create', 'directory', 'dir'], ['create', 'file', 'dir/new'], ['create', 'file', 'new'],
      ['delete', 'directory', 'old'], ['delete', 'file', 'old/deep'], ['attributes', 'directory', ''],
    ].map(([action = '', kind = '', path = '']) => ({ action, kind, path: path === '' ? target : `${target}/${path}` }))
      .filter(({ path }) => path !== target)
    const text = (await cli.expect(0, [...args, '--dry-run', '--quiet'])).stdout.trimEnd().split('\n').filter((line) => !line.endsWith(`${target}/`))
    const lines = names.map(({ action, kind, path }) => `${action.padEnd(10)}  ${path}${kind === 'directory' ? '/' : ''}`)
    assert.deepEqual(text.sort(), lines.sort())
    const loud = (await cli.expect(0, [...args, '--dry-run'])).stdout
    assert.match(loud, /^deleted +2 entries$/m)
    assert.match(loud, /^dry run: nothing was written$/m)
    for (const mode of [['--dry-run'], []]) {
      const { records } = await cli.expect(0, [...args, '--json', ...mode])
      const changes = records.filter(({ type, path }) => type === 'change' && path !== target).map(({ type: _type, ...change }) => change)
      const order = (a: object, b: object): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
      assert.deepEqual(changes.sort(order), [...names].sort(order), mode.join())
    }
    assert.doesNotMatch((await cli.expect(0, args)).stdout, /create|delete/, 'a real run in words has counts only')
  })

  it('an --include that matches nothing is an error, beside others that match a warning', async () => {
    const failure = await cli.fails(18, ['restore', from, '-t', cli.path('none'), '-i', 'chnaged'])
    assert.equal(failure.code, 'path-missing')
    assert.match(failure.message, /no --include matches anything \("chnaged"\)/)
    const run = await cli.expect(3, ['restore', '--json', from, '-t', cli.path('some'), '-i', 'changed', '-i', 'sma?'])
    assert.deepEqual(warningsOf(run), ['--include sma?: matches nothing'])
    assert.deepEqual(readdirSync(cli.path('some')), ['changed'])
    await cli.expect(0, ['restore', from, '-t', cli.path('above'), '-i', source])
    assert.deepEqual(readdirSync(cli.path('above')), ['changed', 'dir', 'new', 'same'])
  })

  it('progress has totals in bytes and entries', async () => {
    const { records } = await cli.expect(0, ['restore', '--json', from, '-t', cli.path('progress')])
    const [first] = records.filter(({ type }) => type === 'progress')
    const bytes = ['same', 'changed', 'new', 'dir/new'].reduce((sum, path) => sum + `content of ${path}`.length, 0)
    assert.deepEqual([first?.['itemsTotal'], first?.['bytesTotal']], [5, bytes])
  })

  it('without root: owners are one line of the result and no failure; errors name the path as the person knows it', { skip: unlessRoot }, async () => {
    const home = cli.path('nobodys')
    for (const path of ['', '/cache', '/target', '/target/dir']) mkdirSync(`${home}${path}`)
    copyFileSync(cli.path('secret'), `${home}/secret`)
    for (const path of ['', '/cache', '/target', '/secret']) chownSync(`${home}${path}`, NOBODY, NOBODY)
    chmodSync(`${home}/secret`, 0o600)
    chmodSync(cli.directory, 0o755)
    const vault = cli.path('vault')
    const env = { HOME: home, S3VAULT_CACHE_DIR: `${home}/cache`, S3VAULT_PASSWORD_FILE: `${home}/secret` }
    assert.equal(spawnSync('chmod', ['-R', 'a+rX', vault]).status, 0)
    const fine = await cli.run(['restore', from, '-t', `${home}/target/fine`], { env, uid: NOBODY })
    assert.equal(fine.code, 0, fine.stderr)
    assert.equal(fine.stderr, '')
    assert.match(fine.stdout, /^not set +owner or group of 6 entries, as only root may$/m)
    const refused = await cli.expect(3, ['restore', '--json', from, '-t', `${home}/target`], { env, uid: NOBODY })
    const warnings = warningsOf(refused)
    assert.ok(warnings.length > 0 && warnings.every((line) => line.startsWith(`${home}/target/dir`)), warnings.join('\n'))
    assert.doesNotMatch(refused.stdout, /\/proc\/self/)
  })
})

describe('what a backup says', () => {
  it('--force: a file that is read again and is the same is not changed', async (t) => {
    const cli = new Cli(t)
    await cli.init()
    cli.write('source/old', 'old')
    cli.write('source/fresh', 'fresh')
    cli.write('source/other', 'other')
    utimesSync(cli.path('source', 'old'), 1_600_000_000, 1_600_000_000)
    await cli.backup([cli.path('source')])
    const counts = ({ filesNew, filesChanged, filesUnmodified }: { filesNew: number; filesChanged: number; filesUnmodified: number }): number[] =>
      [filesNew, filesChanged, filesUnmodified]
    assert.deepEqual(counts(await cli.backup([cli.path('source')])), [0, 0, 3], 'read again, as their times are too close')
    writeFileSync(cli.path('source', 'other'), 'other again')
    cli.write('source/new', 'new')
    assert.deepEqual(counts(await cli.backup(['--force', cli.path('source')])), [1, 1, 2])
  })

  it('a file that cannot be read is named once, without our descriptors', { skip: unlessRoot }, async (t) => {
    const cli = new Cli(t)
    await cli.init()
    const secret = cli.path('nobodys-secret')
    cli.write('source/open', 'x')
    chmodSync(cli.write('source/closed', 'x'), 0o600)
    mkdirSync(cli.path('source', 'shut'), { mode: 0o700 })
    copyFileSync(cli.path('secret'), secret)
    chownSync(secret, NOBODY, NOBODY)
    chmodSync(cli.directory, 0o777)
    assert.equal(spawnSync('chown', ['-R', `${NOBODY}:${NOBODY}`, cli.path('vault')]).status, 0)
    const env = { HOME: '/nonexistent', S3VAULT_CACHE_DIR: cli.path('nobodys-cache'), S3VAULT_PASSWORD_FILE: secret }
    const run = await cli.expect(3, ['backup', '--json', cli.path('source')], { env, uid: NOBODY })
    assert.deepEqual(warningsOf(run).sort(), [
      `${cli.path('source', 'closed')}: EACCES: permission denied`, `${cli.path('source', 'shut')}: EACCES: permission denied`,
    ])
  })
})
