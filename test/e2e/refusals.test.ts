// Goal: every request that cannot be met ends in one clear line, a hint, its exit code, and a vault that is as it was.
// Method: the real program against each such case; afterwards the vault checks clean.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { after, before, describe, it, type TestContext } from 'node:test'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { SeededBytes } from '../../fixtures/seeded-bytes.ts'
import { Cli, unlessRoot, warningsOf } from '../support/cli.ts'
import { startS3Server } from '../support/s3-server/server.ts'
import { s3Environment, VaultDirectory } from './storage-sites.ts'

const NOBODY = 65534

describe('refusals', () => {
  const cli = new Cli({ after })

  before(async () => {
    cli.write('source/file', 'content\n')
    cli.write('source/other', new SeededBytes('refusals').noise('other', 100_000))
    await cli.init()
    await cli.backup([cli.path('source')])
  })

  /** A copy of the vault to do harm to. */
  function copyVault(name: string): VaultDirectory {
    cpSync(cli.path('vault'), cli.path(name), { recursive: true })
    return new VaultDirectory(cli.path(name))
  }

  it('wrong password', async () => {
    const wrong = cli.write('wrong', 'guess\n')
    chmodSync(wrong, 0o600)
    for (const args of [['backup', cli.path('source')], ['restore', 'latest', '-t', 'out']]) {
      const failure = await cli.fails(12, [...args, '--password-file', wrong])
      assert.equal(failure.code, 'password-wrong')
      assert.match(failure.hint ?? '', /recovery key/)
    }
    assert.equal((await cli.fails(12, ['snapshots', '--password-file', cli.path('no-such-file')])).code, 'password-missing')
    assert.match(await cli.failsInWords(12, ['snapshots', '--password-file', wrong]), /wrong password\n  hint: the recovery key/)
  })

  it('missing vault, and a place that is none', async () => {
    assert.match(await cli.failsInWords(10, ['snapshots', '-r', cli.path('nowhere')]), /no directory at .*\n  hint: .*init/)
    const other = await cli.fails(10, ['backup', '-r', cli.path('source'), cli.path('source')])
    assert.equal(other.code, 'vault-missing')
    assert.deepEqual(readdirSync(cli.path('source')).sort(), ['file', 'other'], 'nothing was written there')
    const taken = await cli.fails(11, ['init', '-r', cli.path('source'), '--recovery-key-file', cli.path('unused')], {
      env: { S3VAULT_PASSWORD_FILE: cli.path('secret') },
    })
    assert.equal(taken.code, 'vault-exists')
    const exists = await cli.fails(11, ['init', '--recovery-key-file', cli.path('unused')])
    assert.equal(exists.code, 'vault-exists')
  })

  it('half-made vault: said so, and init finishes it', async () => {
    const vault = copyVault('half-made')
    for (const name of vault.names()) if (!name.startsWith('keys/')) vault.delete(name)
    const failure = await cli.fails(10, ['snapshots', '-r', vault.path])
    assert.equal(failure.code, 'vault-incomplete')
    assert.match(failure.hint ?? '', /init/)
    await cli.expect(0, ['init', '-r', vault.path, '--recovery-key-file', cli.path('half-recovery')])
    await cli.backup(['-r', vault.path, cli.path('source')])
    assert.equal((await cli.check(['-r', vault.path])).errors, 0)
  })

  it('a vault that has lost its config is not made anew over its data', async () => {
    const vault = copyVault('no-config')
    vault.delete('config')
    assert.equal((await cli.fails(10, ['backup', '-r', vault.path, cli.path('source')])).code, 'vault-incomplete')
    const names = vault.names()
    assert.equal((await cli.fails(11, ['backup', '--init', '-r', vault.path, cli.path('source')])).code, 'vault-exists')
    assert.deepEqual(vault.names(), names)
  })

  it('newer format version, and a changed config', async () => {
    const vault = copyVault('newer')
    const config = vault.read('config').toString()
    vault.write('config', Buffer.from(config.replace('"version":1', '"version":2')))
    const newer = await cli.fails(16, ['snapshots', '-r', vault.path])
    assert.equal(newer.code, 'vault-newer')
    assert.match(newer.message, /format 2/)
    vault.write('config', Buffer.from(config.replace(/"dataPackTargetBytes":\d+/, '"dataPackTargetBytes":1048576')))
    assert.equal((await cli.fails(17, ['snapshots', '-r', vault.path])).code, 'vault-damaged')
  })

  it('bad SNAPSHOT and bad path in it', async () => {
    for (const name of ['deadbeef', 'latest~1']) {
      assert.equal((await cli.fails(18, ['ls', name])).code, 'snapshot-missing')
    }
    assert.equal((await cli.fails(2, ['ls', 'newest'])).code, 'usage')
    assert.equal((await cli.fails(2, ['ls', 'latest:'])).code, 'usage')
    assert.equal((await cli.fails(18, ['ls', 'latest:/no/such/path'])).code, 'path-missing')
    assert.equal((await cli.fails(18, ['restore', `latest:${cli.path('source')}/file/below`, '-t', cli.path('out')])).code, 'path-missing')
  })

  it('bad flags and arguments', async () => {
    const source = cli.path('source')
    const cases = [
      ['backup', '--no-such-flag', source], ['backup'], ['ls'], ['restore', 'latest'], ['no-such-command'],
      ['restore', 'latest', '-t', 'x', '--overwrite', 'sometimes'], ['init', '--pack-size', '0'], ['init', '--pack-size', 'big'],
      ['check', '--read-data', '--read-data-subset', '5%'], ['check', '--read-data-subset', 'much'],
      ['backup', '--exclude-file', cli.path('absent'), source], ['backup', '--files-from', cli.path('absent')],
      ['backup', '--exclude', '[z-a]', source], ['backup', '--recovery-key-file', 'x', source], ['snapshots', 'extra'],
    ]
    assert.match(await cli.failsInWords(2, ['backup']), /no path given/)
    for (const args of cases) assert.equal((await cli.fails(2, args)).code, 'usage', args.join(' '))
  })

  it('a source that does not exist: alone an error, beside others a warning', async () => {
    assert.equal((await cli.fails(1, ['backup', cli.path('absent')])).code, 'source-unreadable')
    const run = await cli.expect(3, ['backup', '--json', '--dry-run', cli.path('absent'), cli.path('source')])
    assert.deepEqual(warningsOf(run), [`${cli.path('absent')}: does not exist`])
  })

  it('read-only target: as another user, and on a read-only file system', { skip: unlessRoot }, async (t) => {
    if (!canRunAsNobody(t)) return
    const target = cli.path('not-ours')
    mkdirSync(target)
    chmodSync(cli.directory, 0o755)
    const env = { HOME: '/nonexistent', S3VAULT_CACHE_DIR: makeNobodysDirectory(cli, 'nobodys-cache'), S3VAULT_PASSWORD_FILE: nobodysSecret(cli) }
    const vault = nobodysVault(cli)
    const failure = await cli.fails(15, ['restore', '-r', vault, 'latest', '-t', `${target}/new`], { env, uid: NOBODY })
    assert.equal(failure.code, 'target-unwritable')
    const mount = mountTmpfs(t, cli, 'read-only', 'size=1m,ro')
    if (mount === undefined) return
    for (const place of [mount, `${mount}/new`]) {
      assert.equal((await cli.fails(15, ['restore', 'latest', '-t', place])).code, 'target-unwritable')
    }
    assert.equal((await cli.fails(15, ['init', '-r', `${mount}/vault`, '--recovery-key-file', cli.path('unused')])).code, 'target-unwritable')
    assert.equal((await cli.fails(15, ['backup', '--cache-dir', `${mount}/cache`, cli.path('source')])).code, 'target-unwritable')
  })

  it('unreadable file: a warning and exit code 3', { skip: unlessRoot }, async (t) => {
    if (!canRunAsNobody(t)) return
    chmodSync(cli.directory, 0o755)
    cli.write('guarded/open', 'for all\n')
    chmodSync(cli.write('guarded/closed', 'for root\n'), 0o600)
    chmodSync(cli.path('guarded'), 0o755)
    mkdirSync(cli.path('guarded', 'closed-directory'), { mode: 0o700 })
    const vault = nobodysVault(cli)
    const env = { HOME: '/nonexistent', S3VAULT_CACHE_DIR: makeNobodysDirectory(cli, 'nobodys-cache'), S3VAULT_PASSWORD_FILE: nobodysSecret(cli) }
    const run = await cli.expect(3, ['backup', '--json', '-r', vault, cli.path('guarded')], { env, uid: NOBODY })
    const warnings = warningsOf(run)
    assert.equal(warnings.length, 2, warnings.join('\n'))
    for (const name of ['closed', 'closed-directory']) assert.ok(warnings.some((line) => line.startsWith(`${cli.path('guarded', name)}: `)), name)
    const listed = await cli.expect(0, ['ls', '-r', vault, `latest:${cli.path('guarded')}`], { env, uid: NOBODY })
    assert.match(listed.stdout, /guarded\/open\n/)
    assert.doesNotMatch(listed.stdout, /guarded\/closed\n/)
    assert.equal((await cli.check(['-r', vault], 0, { env, uid: NOBODY })).errors, 0)
  })

  it('full disk under the vault: one line, and the vault goes on when there is room', { skip: unlessRoot }, async (t) => {
    const mount = mountTmpfs(t, cli, 'full-vault', 'size=12m')
    if (mount === undefined) return
    const full = new Cli(t)
    await full.init(`${mount}/vault`, '--pack-size', '1')
    const bytes = new SeededBytes('full')
    full.write('small/one', bytes.noise('one', 2_000_000))
    await full.backup([full.path('small')])
    full.write('large/one', bytes.noise('big', 30_000_000))
    const failure = await full.fails(15, ['backup', full.path('large')])
    assert.equal(failure.code, 'disk-full')
    assert.equal((await full.check(['--read-data'])).errors, 0)
    await full.restore([`latest:${full.path('small')}`, '-t', full.path('back')])
    assert.deepEqual(compareTrees(full.path('small'), full.path('back')), [])
    execFileSync('mount', ['-o', 'remount,size=64m', mount])
    await full.backup([full.path('large')])
    assert.equal((await full.check(['--read-data'])).errors, 0)
  })

  it('full disk under the target: one line, and the restore goes on when there is room', { skip: unlessRoot }, async (t) => {
    const full = new Cli(t)
    await full.init()
    full.write('large/one', new SeededBytes('target').noise('big', 12_000_000))
    await full.backup([full.path('large')])
    const mount = mountTmpfs(t, cli, 'full-target', 'size=6m')
    if (mount === undefined) return
    const failure = await full.fails(15, ['restore', `latest:${full.path('large')}`, '-t', `${mount}/out`])
    assert.equal(failure.code, 'disk-full')
    execFileSync('mount', ['-o', 'remount,size=64m', mount])
    await full.restore([`latest:${full.path('large')}`, '-t', `${mount}/out`])
    assert.deepEqual(compareTrees(full.path('large'), `${mount}/out`), [])
  })

  it('bad credentials, missing bucket, nothing in the bucket', async (t) => {
    const server = await startS3Server({ buckets: ['bucket'] })
    t.after(() => server.close())
    const env = s3Environment(server)
    assert.equal((await cli.fails(10, ['snapshots', '-r', 's3://bucket/prefix'], { env })).code, 'vault-missing')
    assert.equal((await cli.fails(10, ['snapshots', '-r', 's3://no-such-bucket/x'], { env })).code, 'vault-missing')
    for (const [name, value] of [['AWS_SECRET_ACCESS_KEY', 'wrong'], ['AWS_ACCESS_KEY_ID', 'AKUNKNOWN']] as const) {
      const failure = await cli.fails(14, ['snapshots', '-r', 's3://bucket/prefix'], { env: { ...env, [name]: value } })
      assert.equal(failure.code, 'storage-denied')
      assert.ok(failure.hint)
    }
    const none = await cli.fails(14, ['snapshots', '-r', 's3://bucket/prefix'], { env: { S3VAULT_S3_ENDPOINT: server.endpoint, AWS_REGION: 'us-east-1' } })
    assert.match(none.hint ?? '', /AWS_ACCESS_KEY_ID/)
    assert.equal((await cli.fails(2, ['snapshots', '-r', 's3://'], { env })).code, 'usage')
  })

  it('unreachable endpoint: asked again and again, but at once no more when interrupted', async () => {
    const server = await startS3Server({ buckets: ['bucket'] })
    await server.close() // now nobody listens at that port
    const run = await cli.run(['snapshots', '-r', 's3://bucket/prefix'], {
      env: s3Environment(server), onStart: (child) => setTimeout(() => child.kill('SIGINT'), 3000),
    })
    assert.equal(run.code, 130, run.stderr)
    assert.match(run.stderr, /^s3vault: interrupted\n$/m)
  })

  it('after all that the vault is as it was', async () => {
    assert.equal((await cli.check(['--read-data'])).errors, 0)
    assert.equal((await cli.snapshots()).length, 1)
  })
})

/** The program must be readable by all for this; false, and the test is skipped, where it is not. */
function canRunAsNobody(t: TestContext): boolean {
  const probe = spawnSync(process.execPath, ['-e', `require('fs').readdirSync(${JSON.stringify(new URL('.', import.meta.url).pathname)})`], { uid: NOBODY, gid: NOBODY })
  if (probe.status === 0) return true
  t.skip(`the user of id ${NOBODY} cannot read this checkout`)
  return false
}

function makeNobodysDirectory(cli: Cli, name: string): string {
  const path = cli.path(name)
  mkdirSync(path, { recursive: true })
  execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, path])
  return path
}

function nobodysSecret(cli: Cli): string {
  const path = cli.path('nobodys-secret')
  copyFileSync(cli.path('secret'), path)
  chmodSync(path, 0o600)
  execFileSync('chown', [`${NOBODY}:${NOBODY}`, path])
  return path
}

/** A copy of the vault that belongs to nobody. */
function nobodysVault(cli: Cli): string {
  rmSync(cli.path('nobodys-vault'), { recursive: true, force: true })
  cpSync(cli.path('vault'), cli.path('nobodys-vault'), { recursive: true })
  return makeNobodysDirectory(cli, 'nobodys-vault')
}

/** Mounts a small file system; undefined, and the test is skipped, where that is not allowed. */
function mountTmpfs(t: TestContext, cli: Cli, name: string, options: string): string | undefined {
  const path = cli.path(name)
  mkdirSync(path)
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]).status !== 0) {
    t.skip('mounting a tmpfs is not allowed here')
    return undefined
  }
  t.after(() => spawnSync('umount', ['-l', path]))
  return path
}
