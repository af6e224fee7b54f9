// Goal: many small edits in a huge file cost little, and less than restic needs for the same.
// Method: a file of 1 GiB, 200 random inserts, overwrites and deletions of 1 to 64 KiB; what both repositories grow by.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SeededBytes } from '../../fixtures/seeded-bytes.ts'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { Cli } from '../support/cli.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const MIB = 2 ** 20
const BLOCK_BYTES = 64 * MIB
const BLOCKS = 16
const EDITS = 200
const EDIT_BYTES_MAX = 64 * 1024

interface Edit {
  readonly offset: number
  readonly kind: 'insert' | 'overwrite' | 'delete'
  readonly bytes: Uint8Array
}

function makeEdits(seed: number): Edit[] {
  const random = new SeededRandom(seed)
  const kinds = ['insert', 'overwrite', 'delete'] as const
  return Array.from({ length: EDITS }, (): Edit => ({
    offset: random.below(BLOCKS * BLOCK_BYTES),
    kind: kinds[random.below(3)] ?? 'insert',
    bytes: random.bytes(1024 + random.below(EDIT_BYTES_MAX - 1024)),
  })).sort((a, b) => a.offset - b.offset)
}

/** Writes the file, with the edits applied. */
function writeFile(path: string, seed: number, edits: readonly Edit[]): void {
  const source = new SeededBytes(seed)
  const fd = openSync(path, 'w')
  let skipped = 0 // where the original goes on, behind what was overwritten or deleted
  let next = 0
  for (let block = 0; block < BLOCKS; block++) {
    const start = block * BLOCK_BYTES
    const bytes = source.noise(`block ${block}`, BLOCK_BYTES)
    let at = Math.max(0, skipped - start)
    for (let edit = edits[next]; edit && edit.offset < start + BLOCK_BYTES; edit = edits[++next]) {
      const cut = Math.max(at, edit.offset - start)
      writeSync(fd, bytes, at, cut - at)
      if (edit.kind !== 'delete') writeSync(fd, edit.bytes)
      at = Math.min(BLOCK_BYTES, edit.kind === 'insert' ? cut : cut + edit.bytes.length)
      skipped = edit.kind === 'insert' ? skipped : start + cut + edit.bytes.length
    }
    writeSync(fd, bytes, at, BLOCK_BYTES - at)
  }
  closeSync(fd)
}

function bytesIn(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}

test('1 GiB with 200 edits: less new data than restic needs, and identical', async (t) => {
  const seed = testSeed()
  t.diagnostic(`seed ${seed}`)
  const cli = new Cli(t, 6 * 2 ** 30)
  const file = cli.write('source/file', '')
  const source = cli.path('source')
  const edits = makeEdits(seed)
  const editBytes = edits.reduce((sum, { kind, bytes }) => sum + (kind === 'delete' ? 0 : bytes.length), 0)
  await cli.init()

  writeFile(file, seed, [])
  await cli.backup([source])
  const restic = startRestic(cli, source)
  const vaultBytes = bytesIn(cli.path('vault'))
  writeFile(file, seed, edits)
  await cli.backup([source])
  const grownBytes = bytesIn(cli.path('vault')) - vaultBytes
  const shown = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`
  t.diagnostic(`edits ${shown(editBytes)}; the vault grew by ${shown(grownBytes)}`)
  // Each edit touches one chunk of 1 MiB on average, now and then two.
  assert.ok(grownBytes > editBytes && grownBytes < 2 * EDITS * MIB)

  await cli.restore([`latest:${source}`, '-t', cli.path('back'), '--verify'])
  assert.deepEqual(compareTrees(source, cli.path('back')), [])
  await cli.restore([`latest~1:${source}`, '-t', cli.path('back')])
  writeFile(file, seed, [])
  assert.deepEqual(compareTrees(source, cli.path('back'), { except: ['mtime'] }), [])
  if (restic === undefined) return t.skip('restic is not installed: nothing to compare with')
  writeFile(file, seed, edits)
  const resticBytes = restic()
  t.diagnostic(`restic's repository grew by ${shown(resticBytes)}`)
  assert.ok(grownBytes < resticBytes, `${grownBytes} bytes, restic ${resticBytes}`)
})

/** Backs up with restic now, and returns what does it again and says how many bytes that added. */
function startRestic(cli: Cli, source: string): (() => number) | undefined {
  if (spawnSync('restic', ['version']).error !== undefined) return undefined
  const repository = cli.path('restic')
  const env = { ...cli.env, RESTIC_PASSWORD: 'x', RESTIC_REPOSITORY: repository, RESTIC_CACHE_DIR: cli.path('restic-cache') }
  const run = (...args: string[]): void => void execFileSync('restic', ['-q', ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  run('init')
  run('backup', source)
  const before = bytesIn(repository)
  return () => {
    run('backup', source)
    return bytesIn(repository) - before
  }
}
