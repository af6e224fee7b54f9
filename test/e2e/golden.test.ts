// Goal: a vault of every format version that was ever released opens, checks clean and restores identically, for ever.
// Method: vaults made once by fixtures/golden-vault.ts and kept in fixtures/golden.
import assert from 'node:assert/strict'
import { chmodSync, cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { entryLines, sha256, type GoldenExpectation } from '../../fixtures/golden-vault.ts'
import { timeText } from '../../src/presentation/entry-line.ts'
import { getXattr } from '../../src/posix/xattrs.ts'
import { Cli, isRoot, packageRoot, warningsOf } from '../support/cli.ts'

const GOLDEN = join(packageRoot, 'fixtures', 'golden')
const versions = readdirSync(GOLDEN).sort()

it('there is one of format version 1', () => assert.ok(versions.includes('v1')))

for (const version of versions) {
  describe(`golden vault ${version}`, () => {
    const cli = new Cli({ after })
    const expected = JSON.parse(readFileSync(join(GOLDEN, version, 'expected.json'), 'utf8')) as GoldenExpectation
    const { source } = expected
    const back = cli.path('back')

    before(async () => {
      cpSync(join(GOLDEN, version), cli.path('golden'), { recursive: true })
      for (const name of ['secret', 'recovery-key', 'passphrase']) chmodSync(cli.path('golden', name), 0o600)
      cli.env['S3VAULT_REPO'] = cli.path('golden', 'vault')
      cli.env['S3VAULT_PASSWORD_FILE'] = cli.path('golden', 'secret')
      mkdirSync(back)
    })

    it('opens by secret, recovery key and passphrase', async () => {
      assert.equal((await cli.snapshots()).length, 2)
      assert.equal((await cli.snapshots('--password-file', cli.path('golden', 'recovery-key'), '--tag', 't\u00fc')).length, 1)
      const other = ['-r', cli.path('golden', 'by-passphrase'), '--password-file', cli.path('golden', 'passphrase')]
      assert.equal((await cli.check([...other, '--read-data'])).errors, 0)
    })

    it('checks clean', async () => {
      const { errors, findings, blobsVerified } = await cli.check(['--read-data'])
      assert.deepEqual([errors, findings.filter(({ severity }) => severity === 'error')], [0, []])
      assert.ok(blobsVerified > 20)
    })

    it('lists the same', async () => {
      const { stdout } = await cli.expect(0, ['ls', '--json', '-R', `latest:${source}`])
      assert.equal(sha256(entryLines(stdout).join('\n')), expected.listingSha256)
    })

    it('restores the same', async (t) => {
      const run = await cli.run(['restore', '--json', `latest:${source}`, '-t', back])
      const warnings = warningsOf(run)
      // Only root makes devices and gives files away; ext4 has no room for an xattr of 6,000 bytes.
      const isExpected = (line: string): boolean => !isRoot || line.startsWith(`${back}/noise: `)
      assert.deepEqual(warnings.filter((line) => !isExpected(line)), [])
      assert.equal(run.code, warnings.length > 0 ? 3 : 0, run.stderr)
      for (const [path, digest] of Object.entries(expected.contents)) {
        assert.equal(sha256(readFileSync(join(back, path.replaceAll('\\x0a', '\n')))), digest, path)
      }
      for (const entry of expected.entries) compareEntry(entry, String(entry['path']).replaceAll('\\x0a', '\n'))
      assert.equal(readdirSync(join(back, 'many')).length, 1501)
      assert.equal(lstatSync(join(back, 'linked')).ino, lstatSync(join(back, 'many', 'linked too')).ino)
      const xattr = (path: string, name: string): Uint8Array => getXattr(Buffer.from(join(back, path)), Buffer.from(name)) ?? new Uint8Array(0)
      assert.equal(Buffer.from(xattr('text', 'user.small')).toString(), 'inline')
      if (warnings.length > 0) t.diagnostic(warnings.join('\n'))
      else assert.equal(xattr('noise', 'user.large').length, 6000)
    })

    it('the snapshot before it is another', async () => {
      await cli.restore([`latest~1:${source}/text`, '-t', cli.path('before')])
      assert.equal(readFileSync(cli.path('before', 'text'), 'utf8'), 'a line of text\n'.repeat(4000))
    })

    function compareEntry(entry: Readonly<Record<string, unknown>>, path: string): void {
      if (!isRoot && entry['kind'] === 'char') return
      const stat = lstatSync(join(back, path), { bigint: true })
      const billion = 1_000_000_000n
      const nanos = ((stat.mtimeNs % billion) + billion) % billion
      const shown = [
        (Number(stat.mode) & 0o7777).toString(8).padStart(4, '0'),
        timeText(Number((stat.mtimeNs - nanos) / billion), Number(nanos)),
        ...(isRoot ? [Number(stat.uid), Number(stat.gid)] : []),
        ...(entry['kind'] === 'file' ? [Number(stat.size)] : []),
        ...(entry['kind'] === 'symlink' ? [readlinkSync(join(back, path))] : []),
      ]
      const { mode, mtime, uid, gid, size, target, kind } = entry
      assert.deepEqual(shown, [
        mode, mtime, ...(isRoot ? [uid, gid] : []), ...(kind === 'file' ? [size] : []), ...(kind === 'symlink' ? [target] : []),
      ], path)
    }
  })
}
