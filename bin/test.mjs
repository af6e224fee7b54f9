// npm test: builds, then runs the test files on the Node runtime that the project brings along.
//   node bin/test.mjs [--slow] [FILE-GLOB...]     globs are relative to dist/test
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { runtimePath } = createRequire(import.meta.url)('./runtime.cjs')
const build = spawnSync(process.execPath, [join(root, 'bin', 'build.mjs')], { stdio: 'inherit' })
if (build.status !== 0) process.exit(build.status ?? 1)

const args = process.argv.slice(2)
const slow = args.includes('--slow')
const wanted = args.filter((arg) => !arg.startsWith('--'))
const globs = wanted.length > 0 ? wanted : slow ? ['slow/**/*.test.js'] : ['!(slow)/**/*.test.js', '*.test.js']
const result = spawnSync(
  runtimePath(),
  ['--test', '--test-concurrency=2', '--enable-source-maps', ...globs.map((glob) => `dist/test/${glob}`)],
  { cwd: root, stdio: 'inherit', env: { ...process.env, NODE_NO_WARNINGS: '1' } },
)
process.exit(result.status ?? 1)
