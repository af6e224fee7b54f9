// Goal: files of secrets are for their owner only, never overwritten, and others' access to them is warned about.
import assert from 'node:assert/strict'
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { accessWarning, NewSecretFile, readSecretFile } from '../../commands/shared/secret-file.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { TemporaryHome } from './program-process.ts'

const isMissing = (error: unknown): boolean => isVaultError(error, 'password-missing')

test('a new file has mode 0600 whatever the umask, in directories of mode 0700', () => {
  using home = new TemporaryHome()
  const umask = process.umask(0)
  try {
    using file = new NewSecretFile(join(home.path, 'a', 'b', 'secret'), 'secret file')
    file.write('text')
    assert.equal(statSync(file.path).mode & 0o777, 0o600)
    assert.equal(statSync(join(home.path, 'a')).mode & 0o777, 0o700)
    assert.equal(readFileSync(file.path, 'utf8'), 'text\n')
  } finally {
    process.umask(umask)
  }
})

test('an existing file is never touched, and a reserved one that is not used goes away', () => {
  using home = new TemporaryHome()
  const path = join(home.path, 'secret')
  writeFileSync(path, 'old')
  assert.throws(() => new NewSecretFile(path, 'secret file'), (error) => isVaultError(error, 'target-unwritable'))
  assert.equal(readFileSync(path, 'utf8'), 'old')
  {
    using unused = new NewSecretFile(join(home.path, 'unused'), 'secret file')
    assert.ok(existsSync(unused.path))
  }
  assert.deepEqual(readdirSync(home.path), ['secret'])
})

test('moving gives way to a file that is there', () => {
  using home = new TemporaryHome()
  const taken = join(home.path, 'taken')
  writeFileSync(taken, 'old')
  using file = new NewSecretFile(join(home.path, 'new'), 'secret file')
  file.write('text')
  assert.equal(file.moveTo(taken), false)
  assert.equal(readFileSync(taken, 'utf8'), 'old')
  assert.equal(file.moveTo(join(home.path, 'free')), true)
  assert.deepEqual(readdirSync(home.path).sort(), ['free', 'taken'])
  assert.equal(statSync(file.path).mode & 0o777, 0o600)
})

test('reading takes off one line break, and refuses what cannot be a password', () => {
  using home = new TemporaryHome()
  const path = join(home.path, 'secret')
  const read = (content: string | Buffer): string => {
    writeFileSync(path, content, { mode: 0o600 })
    return readSecretFile(path, '--password-file').text
  }
  assert.equal(read(' two words \n'), ' two words ')
  assert.equal(read('crlf\r\n'), 'crlf')
  assert.equal(read('\ufeffwith a byte order mark'), 'with a byte order mark')
  assert.throws(() => read(''), isMissing)
  assert.throws(() => read('\n'), isMissing)
  assert.throws(() => read(Buffer.from([0xff, 0x0a])), isMissing)
  assert.throws(() => read('x'.repeat(70_000)), isMissing)
  assert.throws(() => readSecretFile(join(home.path, 'none'), '--password-file'), isMissing)
})

test('a file that others can read is warned about', () => {
  using home = new TemporaryHome()
  const path = join(home.path, 'secret')
  writeFileSync(path, 'text', { mode: 0o600 })
  assert.equal(readSecretFile(path, 'x').warning, undefined)
  for (const mode of [0o640, 0o604, 0o610]) {
    chmodSync(path, mode)
    assert.match(readSecretFile(path, 'x').warning ?? '', new RegExp(`mode 0${mode.toString(8)}`))
    assert.match(accessWarning(path) ?? '', /others can access/)
  }
  assert.equal(accessWarning(join(home.path, 'none')), undefined)
})
