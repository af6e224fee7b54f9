// The one build script: AssemblyScript chunker -> WASM, TypeScript -> dist/, oclif manifest, bundle.
// Runs on Node 20 and later, so that the launcher can call it on a machine as it comes.
//   node bin/build.mjs             what the product consists of: src/ and commands/
//   node bin/build.mjs --tests     also test/, fixtures/ and bench/, whose type errors are nobody's business but theirs
// The build is made beside dist/ and then put in its place by renaming: a failed build leaves the old one as it was, and
// two builds at once (two launchers on a fresh checkout) do not mix their files.
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const require = createRequire(import.meta.url)
const { runtimePath } = require('./runtime.cjs')
const dist = join(root, 'dist')
const TEMPORARY_PREFIX = 'dist.tmp-'
const out = join(root, `${TEMPORARY_PREFIX}${process.pid}`)
const outgoing = join(root, `${TEMPORARY_PREFIX}${process.pid}-old`)

function fail(message) {
  rmSync(out, { recursive: true, force: true })
  console.error(`build: ${message}`)
  process.exit(1)
}

/** Runs a program to its end. Resolves to what went wrong, or to undefined. */
function run(title, executable, args) {
  const child = spawn(executable, args, { cwd: root, stdio: ['ignore', 2, 2] })
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`${title} failed: ${error.message}`))
    child.on('exit', (code) => resolve(code === 0 ? undefined : `${title} failed`))
  })
}

/** Waits for all, so that none writes into the build any more when it is removed because of another's failure. */
async function all(...runs) {
  const problem = (await Promise.all(runs)).find((result) => result !== undefined)
  if (problem !== undefined) fail(problem)
}

function binary(packageName, binName) {
  try {
    const manifestPath = require.resolve(`${packageName}/package.json`)
    const bin = require(manifestPath).bin
    return join(dirname(manifestPath), typeof bin === 'string' ? bin : bin[binName])
  } catch {
    return fail(`the package ${packageName} is not installed; run npm ci in ${root}`)
  }
}

/** Removes what killed builds left behind. */
function removeLeftovers() {
  for (const name of readdirSync(root)) {
    const pid = new RegExp(`^${TEMPORARY_PREFIX}(\\d+)`).exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(root, name), { recursive: true, force: true })
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Puts the new build in place. Another build may do the same at this moment: whoever comes last stays. */
function install() {
  for (let attempts = 0; attempts < 100; attempts++) {
    try {
      renameSync(dist, outgoing)
    } catch (error) {
      if (error.code !== 'ENOENT') throw error
    }
    try {
      renameSync(out, dist)
      rmSync(outgoing, { recursive: true, force: true })
      return
    } catch (error) {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
      rmSync(outgoing, { recursive: true, force: true })
    }
  }
  fail('dist/ is being replaced by other builds all the time')
}

const startedAt = new Date()
removeLeftovers()
mkdirSync(join(out, 'src', 'chunker'), { recursive: true })
await all(
  run('AssemblyScript', process.execPath, [
    binary('assemblyscript', 'asc'), 'src/chunker/assembly/fastcdc.ts',
    '--outFile', join(out, 'src', 'chunker', 'fastcdc.wasm'), '-O3', '--noAssert', '--runtime', 'stub', '--importMemory',
  ]),
  run('TypeScript', process.execPath, [
    binary('typescript', 'tsc'), '-p', process.argv.includes('--tests') ? 'tsconfig.json' : 'bin/tsconfig.json', '--outDir', out,
  ]),
)
await all(
  run('oclif manifest', runtimePath(), [join(root, 'bin', 'manifest.mjs'), out]),
  run('bundle', runtimePath(), [join(root, 'bin', 'bundle.mjs'), out]),
)
// The time of the start: a source that is saved during the build is newer than the build.
writeFileSync(join(out, '.built'), '')
utimesSync(join(out, '.built'), startedAt, startedAt)
install()
