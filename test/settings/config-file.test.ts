// Goal: a file of settings says what it says or is refused with file, line and key; a secret is never repeated.
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readConfigFile } from '../../src/settings/config-file.ts'
import { settingKeys } from '../../src/settings/keys.ts'
import { Settings } from '../../src/settings/settings.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { TemporaryHome } from '../commands/program-process.ts'

const common = [
  { name: 'repo', type: 'option', helpValue: 'PLACE' }, { name: 'password-file', type: 'option', helpValue: 'FILE' },
  { name: 's3-region', type: 'option' }, { name: 'quiet', type: 'boolean' }, { name: 'json', type: 'boolean' },
] as const
const keys = settingKeys(new Map([
  ['backup', [...common, { name: 'exclude', type: 'option', multiple: true }, { name: 'connections', type: 'option' }, { name: 'dry-run', type: 'boolean' }]],
  ['restore', [...common, { name: 'exclude', type: 'option', multiple: true }, { name: 'overwrite', type: 'option', options: ['always', 'never'] }]],
]), new Set(common.map(({ name }) => name)))

class Files {
  readonly #home: TemporaryHome
  readonly path: string

  constructor(home: TemporaryHome) {
    this.#home = home
    this.path = join(this.#home.path, 'config.toml')
  }

  settings(text: string, profile?: string, repo?: string, mode = 0o600): Settings {
    writeFileSync(this.path, text)
    chmodSync(this.path, mode)
    return new Settings(readConfigFile(this.path, keys), profile, repo)
  }

  /** What is said of a text, without the path. */
  problem(text: string, mode = 0o600): string {
    let message = ''
    assert.throws(() => this.settings(text, undefined, undefined, mode), (error) => {
      message = isVaultError(error, 'usage') ? error.message : `not ours: ${String(error)}`
      return true
    })
    return message.replace(`${this.path}:`, '')
  }
}

test('a profile counts above the defaults, and a table of a command above both for that command', () => {
  using home = new TemporaryHome()
  const text = [
    's3-region = "eu"', 'exclude = ["a"]', '[restore]', 'overwrite = "never"',
    '[profile.default]', 'repo = "/v"', '[profile.nas]', 'repo = "s3://b/x"', 's3-region = "us"', 'connections = 4', '[profile.nas.restore]', 'exclude = "r"',
  ].join('\n')
  const nas = new Files(home).settings(text, 'nas')
  assert.equal(nas.find('s3-region')?.value, 'us')
  assert.equal(nas.find('connections')?.value, '4')
  assert.deepEqual(nas.findFlag('backup', 'exclude', true)?.value, ['a'])
  assert.deepEqual(nas.findFlag('restore', 'exclude', false)?.value, ['r'])
  assert.deepEqual([nas.findFlag('restore', 'overwrite', false)?.value, nas.findFlag('restore', 'overwrite', false)?.table], ['never', 'defaults'])
  const standard = new Files(home).settings(text)
  assert.equal(standard.find('repo')?.value, '/v')
  assert.equal(standard.find('s3-region')?.value, 'eu')
  assert.equal(standard.findFlag('restore', 'exclude', false), undefined, "a profile's excludes are of backups")
  assert.equal(standard.find('repo')?.line(), 6)
})

test("a profile's password and ways are not tried at another place; defaults are", () => {
  using home = new TemporaryHome()
  const text = 's3-region = "eu"\n[profile.default]\nrepo = "/v"\npassword = "p"\nexclude = "x"\n'
  const files = new Files(home)
  assert.equal(files.settings(text, undefined, '/v').find('password')?.value, 'p')
  const other = files.settings(text, undefined, '/other')
  assert.equal(other.find('password'), undefined)
  assert.equal(other.findOneOf(['password', 'password-file']), undefined)
  assert.equal(other.find('s3-region')?.value, 'eu')
  assert.deepEqual(other.find('exclude')?.value, ['x'])
})

test('mistakes are named with line and key, in whichever profile', () => {
  using home = new TemporaryHome()
  const files = new Files(home)
  const found: [text: string, problem: RegExp][] = [
    ['[profile.other]\nrepo = "/v"\nexlude = "x"', /^3: exlude: there is no such setting \(did you mean exclude\?\)/],
    ['frobnicate = 1', /^1: frobnicate: there is no such setting$/],
    ['# c\nexclude = [\n "a",\n 5.5,\n true\n]', /^2: exclude: must be a list of texts/],
    ['x = """\nquiet = 1\n"""\n', /^1: x: /],
    ['exclude = """\nquiet = 1\n"""\nquiet = "yes"', /^4: quiet: must be true or false/],
    ['repo = ""', /^1: repo: is empty/],
    ['repo = "vault"', /^1: repo: must be a whole path/],
    ['password-file = "secret"', /^1: password-file: must be a whole path/],
    ['dry-run = true', /^1: dry-run: belongs on the command line/],
    ['overwrite = "never"', /^1: overwrite: is a flag of restore, and belongs into a table of its own: \[restore\]/],
    ['[profile.a]\noverwrite = "never"', /\[profile\.a\.restore\]/],
    ['[restore]\noverwrite = "sometimes"', /^2: overwrite: must be one of always, never/],
    ['keep-daily = 0', /^1: keep-daily: must be a whole number from 1/],
    ['keep-within = "fortnight"', /^1: keep-within: must be a time such as 30d/],
    ['keep-dayly = 7', /did you mean keep-daily/],
    ['profile = "x"', /^1: profile: profiles are tables/],
    ['a = "b\n', /^1: /],
    ['[profile.__proto__]\nrepo = "/v"', /^1: /],
  ]
  for (const [text, problem] of found) assert.match(files.problem(text), problem, text)
  for (const good of ['keep-within = "1y6m"', 'keep-tag = ["yearly"]', 'connections = 16', 'paths = ["~/x", "/y"]', '']) files.settings(good)
})

test('no message repeats what could be a secret', () => {
  using home = new TemporaryHome()
  const files = new Files(home)
  for (const text of ['password = SECRET', 'password = ["SECRET"]', 'password = "SECRET', 'SECRET', 'secret-access-key = { a = "SECRET" }']) {
    assert.doesNotMatch(files.problem(text), /SECRET/, text)
  }
})

test('who else may read or change the file', () => {
  using home = new TemporaryHome()
  const files = new Files(home)
  assert.match(files.problem('[profile.a]\npassword = "p"', 0o640), /holds a secret \(password\), and others can read it \(mode 0640\)/)
  assert.match(files.problem('secret-access-key = "p"', 0o604), /others can read it/)
  files.settings('repo = "/v"', undefined, undefined, 0o644)
  assert.match(files.problem('repo = "/v"', 0o664), /others can change this file/)
})

test('a profile that is not there is named with those that are', () => {
  using home = new TemporaryHome()
  const files = new Files(home)
  assert.throws(() => files.settings('[profile.nas]\nrepo = "/v"', 'nsa'), (error) =>
    isVaultError(error, 'usage') && /did you mean nas/.test(error.message) && /it has nas/.test(error.hint ?? ''))
  assert.throws(() => new Settings(undefined, 'nas', undefined), (error) => isVaultError(error, 'usage'))
})
