// The one build script: AssemblyScript chunker -> WASM, TypeScript -> dist/.
// Runs on Node 20 and later, so that the launcher can call it on a machine as it comes.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const require = createRequire(import.meta.url)
const out = join(root, 'dist')

function run(title, script, args) {
  const result = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
  if (result.status !== 0) {
    console.error(`build: ${title} failed${result.error ? `: ${result.error.message}` : ''}`)
    process.exit(1)
  }
}

function binary(packageName, binName) {
  const manifestPath = require.resolve(`${packageName}/package.json`)
  const bin = require(manifestPath).bin
  return join(dirname(manifestPath), typeof bin === 'string' ? bin : bin[binName])
}

rmSync(join(out, '.built'), { force: true })
mkdirSync(join(out, 'src', 'chunker'), { recursive: true })
run('AssemblyScript', binary('assemblyscript', 'asc'), [
  'src/chunker/assembly/fastcdc.ts', '--outFile', 'dist/src/chunker/fastcdc.wasm',
  '-O3', '--noAssert', '--runtime', 'stub', '--importMemory',
])
run('TypeScript', binary('typescript', 'tsc'), ['-p', 'tsconfig.json'])
writeFileSync(join(out, '.built'), '')
