// Goal: with a file of settings `s3vault backup` alone does the nightly job, and what is given on the command line or in the
// environment counts above it. Method: the program with a home of its own that holds the file.
import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import { test } from 'node:test'
import { Cli, type JsonRecord, type Scope } from '../support/cli.ts'
import { startS3Server } from '../support/s3-server/server.ts'

const PASSWORD = 'correct horse battery staple'

function makeHome(t: Scope, text: string): { cli: Cli; configure: (text: string, mode?: number) => string } {
  const cli = new Cli(t)
  cli.write('home/documents/letter.txt', 'Dear Ana,\n')
  cli.write('home/documents/junk.tmp', 'junk')
  cli.write('home/photos/one.raw', Buffer.alloc(10_000, 'p'))
  cli.guard(cli.write('password', `${PASSWORD}\n`))
  const configure = (content: string, mode = 0o600): string => {
    const path = cli.write('home/.config/s3vault/config.toml', content)
    chmodSync(path, mode)
    return path
  }
  configure(text)
  return { cli, configure }
}

const NIGHTLY = `
exclude = ["*.tmp"]

[profile.default]
repo = "~/vault"
password = "${PASSWORD}"
paths = ["~/documents", "~/photos"]
tag = "nightly"
host = "desk"
one-file-system = true
keep-daily = 7

[profile.default.check]
read-data-subset = "1/1"

[profile.usb]
repo = "~/usb"
password-command = "printf '%s\\\\n' '${PASSWORD}'"
paths = "~/photos"
`

const listed = (records: readonly JsonRecord[], type: string): JsonRecord[] => records.filter((record) => record.type === type)

test('the nightly job without arguments; flags and variables above the file', async (t) => {
  const { cli, configure } = makeHome(t, NIGHTLY)
  await cli.expect(0, ['init', '--recovery-key-file', cli.path('key')])
  assert.equal((await cli.backup([])).files, 2)
  const snapshots = async (...args: string[]): Promise<JsonRecord[]> =>
    listed((await cli.expect(0, ['snapshots', '--json', ...args])).records, 'snapshot')
  const [nightly] = await snapshots()
  assert.deepEqual([nightly?.['tags'], nightly?.['host']], [['nightly'], 'desk'])
  assert.deepEqual(nightly?.['paths'], [cli.path('home/documents'), cli.path('home/photos')])
  assert.equal((await cli.backup([cli.path('home/documents'), '--tag', 'by-hand', '--exclude', 'nothing', '--no-one-file-system'])).files, 2)
  assert.deepEqual((await snapshots()).at(-1)?.['tags'], ['by-hand'])
  assert.equal((await snapshots('--host', 'other')).length, 0, 'the host of backups filters no listing')
  const checked = await cli.expect(0, ['check'])
  assert.match(checked.stdout, /checked 2 snapshots/)
  await cli.expect(0, ['restore', 'latest', '-t', cli.path('back')])

  await cli.expect(0, ['init', '--profile', 'usb', '--recovery-key-file', cli.path('key2')])
  assert.equal((await cli.backup([], 0, { env: { S3VAULT_PROFILE: 'usb' } })).files, 1)
  assert.equal((await cli.fails(12, ['snapshots', '-r', cli.path('home/usb')])).code, 'password-missing', 'the password is of another vault')
  assert.equal((await cli.fails(12, ['snapshots'], { env: { S3VAULT_PASSWORD: 'other' } })).code, 'password-wrong')
  assert.equal((await cli.fails(10, ['snapshots', '--config', '/dev/null'])).code, 'vault-missing')

  const other = configure(NIGHTLY, 0o640)
  const refused = await cli.failsInWords(2, ['backup'])
  assert.ok(refused.includes(`chmod 600 ${other}`) && !refused.includes(PASSWORD), refused)
})

test('settings shows what is in effect and where it comes from, and no secret', async (t) => {
  const { cli } = makeHome(t, NIGHTLY)
  const { stdout } = await cli.expect(0, ['settings'])
  const file = cli.path('home/.config/s3vault/config.toml').replaceAll('.', '\\.')
  const row = (key: string, value: string, from: string): RegExp => new RegExp(`^${key} +${value} +${from}$`, 'm')
  assert.match(stdout, row('repo', `"${cli.path('home/vault')}"`, `${file}:5 \\(profile default\\)`))
  assert.match(stdout, row('exclude', '\\["\\*\\.tmp"\\]', `${file}:2 \\(defaults\\)`))
  assert.match(stdout, row('password', '\\(hidden\\)', `${file}:6 \\(profile default\\)`))
  assert.match(stdout, row('check\\.read-data-subset', '"1/1"', `${file}:14 \\(profile default\\)`))
  const env = { S3VAULT_PROFILE: 'usb', S3VAULT_PASSWORD_FILE: '/p', S3VAULT_S3_REGION: 'eu' }
  const { records } = await cli.expect(0, ['settings', '--json', '-r', '/x'], { env })
  const sources = new Map(listed(records, 'setting').map(({ key, source }) => [key, source]))
  assert.equal(sources.get('repo'), 'command line')
  assert.equal(sources.get('s3-region'), 'environment S3VAULT_S3_REGION')
  assert.equal(sources.get('password-file'), 'environment S3VAULT_PASSWORD_FILE')
  assert.equal(sources.has('password-command'), false, 'overruled')
  assert.match(String(sources.get('paths')), /profile usb/)
})

test('the keys of a bucket from each source that the file can name', async (t) => {
  const server = await startS3Server({ buckets: ['e2e-bucket'] })
  t.after(() => server.close())
  const { host } = new URL(server.endpoint)
  const { cli, configure } = makeHome(t, '')
  const aws = `aws_access_key_id = ${server.accessKeyId}\naws_secret_access_key = ${server.secretAccessKey}\n`
  const authinfo2 = `[rgw]\nstorage-url: s3c4://${host}/e2e-bucket\nbackend-login: ${server.accessKeyId}\n` +
    `backend-password: ${server.secretAccessKey}\nbackend-options: no-ssl\nfs-passphrase: of another thing\n`
  for (const [name, text] of [['.aws/credentials', `[nas]\n${aws}`], ['keys', `[default]\n${aws}`], ['.s3ql/authinfo2', authinfo2]] as const) {
    chmodSync(cli.write(`home/${name}`, text), 0o600)
  }
  const at = `s3-endpoint = "${server.endpoint}"`
  const sources: Record<string, string> = {
    keys: `${at}\naccess-key-id = "${server.accessKeyId}"\nsecret-access-key = "${server.secretAccessKey}"`,
    profile: `${at}\ncredentials = "profile:nas"`,
    file: `${at}\ncredentials = "file:~/keys"`,
    authinfo2: 'authinfo2 = "~/.s3ql/authinfo2"',
    named: 'credentials = "authinfo2:~/.s3ql/authinfo2"',
  }
  configure(Object.entries(sources).map(([name, text]) => `[profile.${name}]\nrepo = "s3://e2e-bucket/v"\npassword = "${PASSWORD}"\n${text}\n`).join('\n'))
  await cli.expect(0, ['init', '--profile', 'keys', '--recovery-key-file', cli.path('key')])
  for (const profile of Object.keys(sources)) await cli.expect(0, ['stats', '--profile', profile])
  const flags = ['-r', 's3://e2e-bucket/v', '--authinfo2', cli.path('home/.s3ql/authinfo2'), '--password-file', cli.path('password')]
  await cli.expect(0, ['stats', ...flags])
  assert.equal((await cli.fails(14, ['stats', '-r', 's3://e2e-bucket/v', '--authinfo2', cli.path('home/keys')])).code, 'storage-denied')
  assert.equal((await cli.fails(2, ['stats', '-r', 's3://e2e-bucket/v', '--credentials', 'SECRET'])).message, '--credentials: names no source of credentials')
})

test('places and servers that cannot be are refused before a password is asked for', async (t) => {
  const { cli } = makeHome(t, '')
  const refused: [code: number, args: string[]][] = [
    [2, ['-r', 'ftp://host/x']], [2, ['-r', 's3://a/b']], [2, ['-r', 's3://bucket/x', '--s3-endpoint', 'https://host/path']],
    [2, ['-r', 's3://bucket/x', '--s3-endpoint', 'https://host?x']], [2, ['-r', 's3://bucket/x', '--s3-region', 'eu west']],
    [2, ['-r', 's3://bucket/x', '--s3-region', '']], [2, ['--repo', '']], [2, ['-r', 's3://bucket/x', '--s3-endpoint', '']],
    [10, ['-r', cli.path('none')]],
  ]
  for (const [code, args] of refused) {
    const words = await cli.failsInWords(code, ['snapshots', ...args])
    assert.doesNotMatch(words, /password/, args.join(' '))
  }
  assert.match(await cli.failsInWords(10, ['snapshots', '-r', cli.path('none')]), new RegExp(`s3vault init -r ${cli.path('none')}\n$`))
  assert.match(await cli.failsInWords(2, ['backup', '--exlude', 'x']), /there is no flag --exlude \(did you mean --exclude\?\)\n {2}hint: see s3vault backup --help/)
  assert.match(await cli.failsInWords(2, ['snapshot']), /there is no command "snapshot" \(did you mean snapshots\?\)/)
  for (const flag of ['--tag', '--host']) assert.match(await cli.failsInWords(2, ['backup', flag, '', '/etc']), new RegExp(`${flag} is empty`))
})
