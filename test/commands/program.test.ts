// Goal: the program as a process: help, errors, exit codes, signals, closed pipes and the prompt on a pseudo-terminal.
// Each run is a real child with a home of its own; vaults are real but small.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ended, mainScript, runMain, TemporaryHome } from './program-process.ts'

const isOneLine = (text: string): boolean => /^[^\n]+\n( {2}hint: [^\n]+\n)?$/.test(text)

test('help lists the commands, of each its flags and exit codes, without a word on stderr', async () => {
  using home = new TemporaryHome()
  const root = await runMain(['--help'], home.environment())
  assert.deepEqual([root.code, root.stderr], [0, ''])
  for (const command of ['backup', 'check', 'init', 'ls', 'policy', 'restore', 'settings', 'snapshots', 'stats']) assert.match(root.stdout, new RegExp(`^ +${command} +\\w`, 'm'))
  for (const args of [['backup', '--help'], ['help', 'backup'], ['backup', '/x', '-h']]) {
    const { code, stdout, stderr } = await runMain(args, home.environment())
    assert.deepEqual([code, stderr], [0, ''], args.join(' '))
    assert.match(stdout, /--files-from0=FILE/)
    assert.match(stdout, /130 {2}interrupted/)
  }
})

test('usage errors are one line with exit code 2', async () => {
  using home = new TemporaryHome()
  const wrong = [
    ['frobnicate'], ['../backup'], ['shared'], ['-r', '/x', 'snapshots'], ['snapshots', '--hots'], ['snapshots', 'extra'], ['restore', 'latest'],
    ['restore', '--target', '/x'], ['restore', 'newest', '--target', '/x'], ['restore', 'latest', '--target', '/x', '--overwrite', 'sometimes'],
    ['backup'], ['check', '--read-data', '--read-data-subset', '5%'], ['backup', '--recovery-key-file', '/x', '/'], ['init', '--pack-size', '0'],
  ]
  for (const args of wrong) {
    const { code, stdout, stderr } = await runMain(args, home.environment())
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`)
    assert.equal(stdout, '')
    assert.ok(isOneLine(stderr), `${args.join(' ')}: ${stderr}`)
  }
  assert.equal((await runMain([], home.environment())).code, 2, 'no command')
})

test('failures have one line, their exit code, and the same as JSON', async () => {
  using home = new TemporaryHome()
  const env = home.environment()
  const missing = await runMain(['snapshots'], env)
  assert.equal(missing.code, 10)
  assert.ok(isOneLine(missing.stderr), missing.stderr)
  const json = await runMain(['snapshots', '--json'], env)
  assert.equal(json.code, 10)
  assert.equal(json.stdout, '')
  const { type, code, exitCode } = JSON.parse(json.stderr) as Record<string, unknown>
  assert.deepEqual({ type, code, exitCode }, { type: 'error', code: 'vault-missing', exitCode: 10 })
  assert.equal((await runMain(['snapshots', '-r', join(home.path, 'none')], { ...env, S3VAULT_PASSWORD: 'x' })).code, 10)
  assert.equal((await runMain(['snapshots', '-r', home.path], env)).code, 10, 'said before a password is asked for')
  writeFileSync(join(home.path, 'config'), '')
  const silent = await runMain(['snapshots', '-r', home.path], env)
  assert.equal(silent.code, 12, 'no password and no terminal')
  const nothing = await runMain(['backup', join(home.path, 'gone')], env)
  assert.equal(nothing.code, 1)
  assert.match(nothing.stderr, /gone: does not exist/)
})

test('the default vault: made on demand, its secret and recovery key in 0600 files, never in the output', async () => {
  using home = new TemporaryHome()
  const env = home.environment()
  const source = join(home.path, 'source')
  mkdirSync(source)
  writeFileSync(join(source, 'a'), 'content')
  const first = await runMain(['backup', '--init', source, join(home.path, 'gone')], env)
  assert.equal(first.code, 3, first.stderr)
  assert.match(first.stdout, /snapshot [0-9a-f]{8} saved/)
  assert.match(first.stderr, /gone: does not exist/)
  const state = join(home.path, 'data', 's3vault')
  assert.deepEqual(readdirSync(state).sort(), ['default', 'default.recovery-key', 'default.secret'])
  for (const name of ['default.recovery-key', 'default.secret']) {
    const path = join(state, name)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.doesNotMatch(first.stdout + first.stderr, new RegExp(readFileSync(path, 'utf8').trim()))
  }
  assert.match(first.stderr, /recovery key: written to .*default\.recovery-key/)
  const again = await runMain(['backup', '--init', '--json', source], env)
  assert.equal(again.code, 0, again.stderr)
  const summary = JSON.parse(again.stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>
  assert.deepEqual([summary['type'], summary['files'], summary['dataBlobsAdded'], summary['exitCode']], ['summary', 1, 0, 0])
  const byRecoveryKey = await runMain(['snapshots', '--json', '--password-file', join(state, 'default.recovery-key')], env)
  assert.equal(byRecoveryKey.stdout.trimEnd().split('\n').length, 3, 'two snapshots and a summary')
  assert.equal((await runMain(['init'], env)).code, 11, 'there is one already')
  rmSync(join(state, 'default.secret'))
  const lost = await runMain(['backup', '--init', source], env)
  assert.equal(lost.code, 12, lost.stderr)
  assert.equal(existsSync(join(state, 'default.secret')), false, 'no new secret for a vault that has another')
})

test('a vault with a generated secret, and a name that is not UTF-8 from the command line to the listing', async () => {
  using home = new TemporaryHome()
  const [repo, secret, key] = ['vault', 'secret', 'key'].map((name) => join(home.path, name)) as [string, string, string]
  const env = home.environment({ S3VAULT_REPO: repo })
  const made = await runMain(['init', '--generate-secret', secret, '--recovery-key-file', key, '--json'], env)
  assert.equal(made.code, 0, made.stderr)
  for (const file of [secret, key]) {
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.doesNotMatch(made.stdout + made.stderr, new RegExp(readFileSync(file, 'utf8').trim()))
  }
  assert.equal((await runMain(['init', '--generate-secret', secret], env)).code, 15, 'an existing file is not overwritten')
  const shell = `cd "$HOME" && printf x > "$(printf 'n\\377')" && exec "$0" "$1" backup --password-file secret "$(printf 'n\\377')"`
  const stored = await ended(spawn('/bin/sh', ['-c', shell, process.execPath, mainScript], { env }))
  assert.equal(stored.code, 0, stored.stderr)
  const { stdout } = await runMain(['ls', '-R', 'latest', '--password-file', secret], env)
  assert.match(stdout, /\/n\\xff\n/)
})

/** A program that waits in its password command, which has written its parent's process id to a file. */
async function waitingProgram(home: TemporaryHome): Promise<{ child: ReturnType<typeof spawn>; done: ReturnType<typeof ended>; pid: number }> {
  writeFileSync(join(home.path, 'config'), '')
  const pidFile = join(home.path, 'pid')
  const env = home.environment({ S3VAULT_REPO: home.path, S3VAULT_PASSWORD_COMMAND: `echo $PPID > ${pidFile}; exec sleep 60` })
  const child = spawn(process.execPath, [mainScript, 'snapshots'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const done = ended(child)
  while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8') === '') await new Promise((resolve) => setTimeout(resolve, 20))
  return { child, done, pid: Number(readFileSync(pidFile, 'utf8')) }
}

test('signals stop the program with their exit code and one line', async () => {
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) {
    using home = new TemporaryHome()
    const { child, done } = await waitingProgram(home)
    child.kill(signal)
    child.kill(signal) // as the launcher passes on what the terminal sent to the whole group
    const result = await done
    assert.deepEqual([result.code, result.signal], [code, null], result.stderr)
    assert.ok(isOneLine(result.stderr), result.stderr)
  }
})

test('a reader that goes away ends a listing quietly', async () => {
  using home = new TemporaryHome()
  const shell = '{ "$0" "$1" backup --help; echo $? >&2; } | true'
  const { stderr } = await ended(spawn('/bin/sh', ['-c', shell, process.execPath, mainScript], { env: home.environment() }))
  assert.equal(stderr, '0\n')
})

const hasScript = spawnSync('script', ['--version']).status === 0

/** Answers prompts on a pseudo-terminal as they appear; resolves to all that the terminal showed. */
async function onTerminal(args: readonly string[], env: NodeJS.ProcessEnv, answers: readonly (readonly [prompt: string, answer: string])[]): Promise<{ shown: string; code: number | null }> {
  const command = [process.execPath, mainScript, ...args].map((part) => `'${part}'`).join(' ')
  const child = spawn('script', ['--quiet', '--return', '--echo', 'always', '--command', command, '/dev/null'], { env })
  const left = [...answers]
  let shown = ''
  let unanswered = ''
  child.stdout.on('data', (piece: Buffer) => {
    shown += piece.toString()
    unanswered += piece.toString()
    const next = left[0]
    if (next === undefined || !unanswered.includes(next[0])) return
    left.shift()
    unanswered = ''
    child.stdin.write(next[1])
  })
  const { code } = await ended(child)
  return { shown, code }
}

test('on a terminal the password is asked for twice and never shown, the recovery key is shown once', { skip: hasScript ? false : 'script(1) is not installed' }, async () => {
  using home = new TemporaryHome()
  const env = home.environment({ S3VAULT_REPO: join(home.path, 'vault'), TERM: 'xterm' })
  const differs = await onTerminal(['init'], env, [['new vault: ', 'horse\r'], ['repeat it: ', 'house\r']])
  assert.equal(differs.code, 12)
  assert.match(differs.shown, /not the same/)
  assert.equal(existsSync(join(home.path, 'vault')), false)
  const made = await onTerminal(['init'], env, [['new vault: ', 'horse\u007fe\r'], ['repeat it: ', 'horse\r']])
  assert.equal(made.code, 0, made.shown)
  assert.doesNotMatch(made.shown, /hors/)
  assert.match(made.shown, /S3VAULT-RECOVERY-1-/)
  assert.equal(existsSync(join(home.path, 'data')), false, 'no key file when it was shown')
  const opened = await onTerminal(['snapshots'], env, [['of the vault: ', 'horse\r']])
  assert.equal(opened.code, 0, opened.shown)
  const refused = await onTerminal(['snapshots'], env, [['of the vault: ', 'house\r']])
  assert.equal(refused.code, 12, refused.shown)
  const stopped = await onTerminal(['snapshots'], env, [['of the vault: ', 'ho\u0003']])
  assert.equal(stopped.code, 130, stopped.shown)
})
