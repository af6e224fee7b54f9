// Goal: the launcher works on the Node a machine comes with: parses on old ones, answers --version alone, builds a fresh
// checkout once, runs the program under the right Node, and passes on signals and exit codes.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { oldNode } from '../support/old-node.ts'
import { ended, launcherScript, packageRoot, TemporaryHome, type Ended } from './program-process.ts'

const old = oldNode()
const needsOld = { skip: old === undefined ? 'no older Node in PATH' : false }

function launch(node: string, args: readonly string[], env: NodeJS.ProcessEnv, script = launcherScript): Promise<Ended> {
  return ended(spawn(node, [script, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] }))
}

test('the launcher has no syntax that Node 12 does not know', () => {
  for (const file of [launcherScript, join(packageRoot, 'bin', 'runtime.cjs')]) {
    const source = readFileSync(file, 'utf8')
    // Comments and strings out, so that their words do not count.
    const code = source.replace(/'(?:[^'\\\n]|\\.)*'/g, "''").replace(/\/\*[^]*?\*\/|\/\/.*/g, '')
    for (const newer of [/\bconst\b/, /\blet\b/, /=>/, /`/, /\?\?/, /\?\.\w/, /\.\.\./, /\bclass\b/, /\basync\b/, /\bof\b/, /#\w/, /catch \{/]) {
      assert.doesNotMatch(code.replace(/^#!.*/, ''), newer, file)
    }
    assert.doesNotMatch(source, /'node:/, 'the prefix is unknown to Node 12')
  }
})

test('--version is one line and starts nothing else', needsOld, async (context) => {
  using home = new TemporaryHome()
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }
  const startMs = performance.now()
  const { code, stdout, stderr } = await launch(old ?? '', ['--version'], home.environment())
  const tookMs = performance.now() - startMs
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, new RegExp(`^s3vault/${version.replaceAll('.', '\\.')} linux-\\w+ node-v\\d+\\.\\d+\\.\\d+\\n$`))
  context.diagnostic(`--version took ${tookMs.toFixed(0)} ms`)
  assert.ok(tookMs < 2000, `${tookMs} ms: it must have started something`)
})

test('under an old Node the program runs as a child: exit codes, options of that Node, arguments as bytes', needsOld, async () => {
  using home = new TemporaryHome()
  const env = home.environment({ NODE_OPTIONS: '--max-http-header-size=20000 --no-experimental-fetch' })
  const { code, stderr } = await launch(old ?? '', ['snapshots'], env)
  assert.equal(code, 10, stderr)
  assert.match(stderr, /^s3vault: there is no default vault/)
  const shell = `exec "$0" "$1" backup "$(printf '/none\\377')"`
  const bytes = await ended(spawn('/bin/sh', ['-c', shell, old ?? '', launcherScript], { env }))
  assert.match(bytes.stderr, /\/none\\xff: does not exist/)
})

test('signals reach the child, and the child ends when its launcher is killed', needsOld, async () => {
  for (const [signal, ending] of [['SIGTERM', [143, null]], ['SIGINT', [130, null]], ['SIGKILL', [null, 'SIGKILL']]] as const) {
    using home = new TemporaryHome()
    writeFileSync(join(home.path, 'config'), '')
    const pidFile = join(home.path, 'pid')
    const env = home.environment({ S3VAULT_REPO: home.path, S3VAULT_PASSWORD_COMMAND: `echo $PPID > ${pidFile}; exec sleep 60` })
    const launcher = spawn(old ?? '', [launcherScript, 'snapshots'], { env, stdio: 'ignore' })
    const done = ended(launcher)
    while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8') === '') await new Promise((resolve) => setTimeout(resolve, 20))
    const pid = Number(readFileSync(pidFile, 'utf8'))
    assert.notEqual(pid, launcher.pid)
    launcher.kill(signal)
    const { code, signal: by } = await done
    assert.deepEqual([code, by], ending)
    const startMs = performance.now()
    while (existsSync(`/proc/${pid}`) && performance.now() - startMs < 10_000) await new Promise((resolve) => setTimeout(resolve, 50))
    assert.equal(existsSync(`/proc/${pid}`), false, `the child lives on after ${signal}`)
  }
})

/** A checkout without a build; its modules are those of this one. */
function freshCheckout(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 's3vault-checkout-'))
  for (const name of ['bin', 'src', 'commands', 'package.json', 'tsconfig.json']) {
    cpSync(join(packageRoot, name), join(path, name), { recursive: true })
  }
  symlinkSync(join(packageRoot, 'node_modules'), join(path, 'node_modules'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

test('a fresh checkout is built on demand, also by two at once; a stale build is renewed; a failed one shows the first errors', async () => {
  using home = new TemporaryHome()
  using checkout = freshCheckout()
  const script = join(checkout.path, 'bin', 's3vault.cjs')
  const builtMs = (): number => statSync(join(checkout.path, 'dist', '.built')).mtimeMs
  const run = (): Promise<Ended> => launch(old ?? process.execPath, ['snapshots'], home.environment(), script)
  for (const { code, stdout, stderr } of await Promise.all([run(), run()])) {
    assert.equal(code, 10, stderr)
    assert.equal(stdout, '')
    assert.match(stderr, /^s3vault: there is no default vault/)
  }
  assert.deepEqual(readdirSync(checkout.path).filter((name) => name.startsWith('dist')), ['dist'], 'nothing is left over')
  const first = builtMs()
  await run()
  assert.equal(builtMs(), first, 'built once')
  const later = new Date(Date.now() + 1000)
  writeFileSync(join(checkout.path, 'src', 'broken.ts'), 'export const broken: number = "text"\n')
  utimesSync(join(checkout.path, 'src', 'broken.ts'), later, later)
  const { code, stderr } = await run()
  assert.equal(code, 1)
  const lines = stderr.trimEnd().split('\n')
  assert.equal(lines[0], 's3vault: building from the sources failed')
  assert.match(lines[1] ?? '', /^ {2}src\/broken\.ts.*TS2322/)
  assert.match(lines.at(-1) ?? '', /^ {2}to see all of it, run: node .*build\.mjs$/)
  assert.equal(builtMs(), first, 'the old build is as it was')
  rmSync(join(checkout.path, 'src', 'broken.ts'))
  mkdirSync(join(checkout.path, 'test'))
  writeFileSync(join(checkout.path, 'test', 'broken.test.ts'), 'export const broken: number = "text"\n')
  rmSync(join(checkout.path, 'dist', '.built'))
  assert.equal((await run()).code, 10, 'what is wrong with a test does not keep the program from running')
})
