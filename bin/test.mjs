// npm test: builds, then runs the test files on the Node runtime that the project brings along.
//   node bin/test.mjs [--slow] [FILE-GLOB...]     globs are relative to dist/test
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { runtimePath } = createRequire(import.meta.url)('./runtime.cjs')
const build = spawnSync(process.execPath, [join(root, 'bin', 'build.mjs'), '--tests'], { stdio: 'inherit' })
if (build.status !== 0) process.exit(build.status ?? 1)

const args = process.argv.slice(2)
const slow = args.includes('--slow')
const wanted = args.filter((arg) => !arg.startsWith('--'))
const globs = wanted.length > 0 ? wanted : slow ? ['slow/**/*.test.js'] : ['!(slow)/**/*.test.js', '*.test.js']

/** A home of its own, so that no test meets the vaults, caches and credentials of the person who runs it. */
function testEnvironment(home) {
  // S3VAULT_TEST_* are settings of the tests; with them AWS_* are the credentials of the S3 server they name.
  const keepsAws = process.env['S3VAULT_TEST_S3_ENDPOINT'] !== undefined
  const isForeign = (name) =>
    /^(S3VAULT_(?!TEST_)|XDG_)/.test(name) || name === 'NODE_OPTIONS' || (name.startsWith('AWS_') && !keepsAws)
  const kept = Object.entries(process.env).filter(([name]) => !isForeign(name))
  return { ...Object.fromEntries(kept), HOME: home, NODE_NO_WARNINGS: '1' }
}

const home = mkdtempSync(join(tmpdir(), 's3vault-test-home-'))
const result = spawnSync(
  runtimePath(),
  ['--test', '--test-concurrency=2', '--enable-source-maps', ...globs.map((glob) => `dist/test/${glob}`)],
  { cwd: root, stdio: 'inherit', env: testEnvironment(home) },
)
rmSync(home, { recursive: true, force: true })
process.exit(result.status ?? 1)
