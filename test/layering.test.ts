// Goal: the design stays visible. Imports go downwards only, engines do not know each other, and each foreign package is
// known in one place. Method: every import of every source file is held against the table below.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** A folder may import from folders of a lower rank, and from itself. Equal ranks do not know each other. */
const RANKS: Record<string, number> = {
  'src/errors': 0,
  'src/ids': 1, 'src/async': 1, 'src/limits': 1, 'src/bytes': 1,
  'src/posix': 10, 'src/backend': 10, 'src/cost': 10, 'src/chunker': 10, 'src/compress': 10, 'src/executor': 10,
  'src/settings': 10, 'src/policy': 10,
  'src/crypto': 11, 'src/probe': 11, 'src/fuse': 11,
  'src/pack': 12, 'src/tree': 12, 'src/snapshot': 12, 'src/retention': 12,
  'src/index': 20, 'src/session': 20, 'src/cache': 20,
  'src/content': 25, 'src/reach': 25,
  'src/repository': 30,
  'src/archiver': 50, 'src/restorer': 50, 'src/check': 50, 'src/vfs': 50, 'src/pruner': 50,
  'src/mount': 60,
  'src/operations': 70,
  'src/presentation': 80,
  commands: 90,
}

/** Packages beside Node's own, and the only folders that may know them. */
const PACKAGES: Record<string, string[]> = {
  '@aws-sdk/client-s3': ['src/backend', 'src/probe'],
  '@smithy/': ['src/backend'],
  '@noble/ciphers': ['src/crypto'],
  '@noble/hashes': ['src/crypto'],
  fflate: ['src/compress'],
  koffi: ['src/posix', 'src/backend', 'src/fuse'],
  'smol-toml': ['src/settings'],
  '@oclif/core': ['commands'],
}

interface Import {
  readonly file: string
  readonly target: string
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('assembly/'))
    .map((name) => join(folder, name))
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  const pattern = /(?:from\s+|import\s*\(\s*|^import\s+)['"]([^'"]+)['"]/gm
  return [...text.matchAll(pattern)].map((match) => ({ file, target: match[1] ?? '' }))
}

const folderOf = (path: string): string => path.split('/').slice(0, path.startsWith('src/') ? 2 : 1).join('/')

/** What is wrong with one import; undefined when nothing is. */
function violation({ file, target }: Import): string | undefined {
  const folder = folderOf(file)
  if (target.startsWith('node:')) return undefined
  if (!target.startsWith('.')) {
    const entry = Object.entries(PACKAGES).find(([name]) => target === name || target.startsWith(name))
    if (!entry) return `${file} imports the package ${target}, which no folder may`
    return entry[1].includes(folder) ? undefined : `${file} imports ${target}; only ${entry[1].join(', ')} may`
  }
  const imported = folderOf(relative(root, join(root, dirname(file), target)))
  if (imported === folder) return undefined
  const from = RANKS[folder]
  const to = RANKS[imported]
  if (from === undefined || to === undefined) return `${file} imports ${target}: no rank for ${from === undefined ? folder : imported}`
  return to < from ? undefined : `${file} (${folder}, rank ${from}) imports ${target} (${imported}, rank ${to}): not downwards`
}

const all = [...sources('src'), ...sources('commands')].flatMap(importsOf)

test('imports go downwards only', () => {
  assert.ok(all.length > 200, `only ${all.length} imports found: the parser is broken`)
  assert.deepEqual(all.map(violation).filter((problem) => problem !== undefined), [])
})

test('the check itself sees an upward import, an engine that knows another, and a stray package', () => {
  assert.match(violation({ file: 'src/pack/x.ts', target: '../operations/backup.ts' }) ?? '', /not downwards/)
  assert.match(violation({ file: 'src/check/x.ts', target: '../archiver/archiver.ts' }) ?? '', /not downwards/)
  assert.match(violation({ file: 'src/pack/x.ts', target: '@aws-sdk/client-s3' }) ?? '', /only src\/backend/)
  assert.match(violation({ file: 'src/pack/x.ts', target: 'left-pad' }) ?? '', /no folder may/)
})

test('the engine knows neither console nor the process streams', () => {
  const loud = sources('src')
    .filter((file) => !file.startsWith('src/presentation/'))
    .filter((file) => /\bconsole\.|process\.(stdout|stderr|exit)\b/.test(readFileSync(join(root, file), 'utf8')))
  assert.deepEqual(loud, [])
})

test('every folder of src has a rank, and no folder is called a name that means nothing', () => {
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  for (const { name } of folders) {
    assert.ok(RANKS[`src/${name}`] !== undefined, `src/${name} has no rank`)
    assert.doesNotMatch(name, /^(utils?|helpers?|common|services?|managers?|misc|shared|lib)$/)
  }
})
