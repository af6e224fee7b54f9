// Compares s3vault with restic on this machine, in one run, each step in turn: initial backup, unchanged backup, restore, on
// a tree of 30,000 files and on a pair of 1 GiB files. Local vaults, default settings on both sides; both unlock without
// what is no part of the engine: s3vault by a generated secret, restic's scrypt is measured apart and subtracted in a
// column of its own.
//
//   node bench/against-restic.mjs [--work DIR] [--rounds 3] [--only files|pair]
//
// Needs restic (Debian: apt-get install restic) and about 12 GiB in DIR (default: a folder in the system's temp directory).
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diskBytes, measure, median, option, s3vault as ours, sayVersions } from './measuring.mjs'
import { makeFiles, makeLargeFiles } from './trees.mjs'

const rounds = Number(option('rounds', '3'))
const work = option('work', undefined) ?? mkdtempSync(join(tmpdir(), 's3vault-bench-'))
const only = option('only', undefined)
const FILES = 30_000
const PAIR_BYTES = 2 ** 30

const env = { RESTIC_PASSWORD: 'bench', RESTIC_CACHE_DIR: join(work, 'restic-cache'), S3VAULT_CACHE_DIR: join(work, 'cache'), XDG_DATA_HOME: join(work, 'data') }

async function oneRound(name, source, round, results) {
  const [mine, theirs] = [join(work, 'vault'), join(work, 'restic')]
  for (const place of [mine, theirs, join(work, 'cache'), join(work, 'restic-cache'), join(work, 'secret'), join(work, 'key')]) rmSync(place, { recursive: true, force: true })
  await measure('node', [ours, 'init', '-r', mine, '--generate-secret', join(work, 'secret'), '--recovery-key-file', join(work, 'key')], env)
  await measure('restic', ['-q', '-r', theirs, 'init', '--repository-version', '2'], env)
  const vault = ['-q', '-r', mine, '--password-file', join(work, 'secret')]
  const steps = [
    ['initial', ['backup', source, ...vault], ['-q', '-r', theirs, 'backup', source]],
    ['unchanged', ['backup', source, ...vault], ['-q', '-r', theirs, 'backup', source]],
    ['restore', ['restore', 'latest', '--target', join(work, 'out-a'), ...vault], ['-q', '-r', theirs, 'restore', 'latest', '--target', join(work, 'out-b')]],
  ]
  for (const [step, a, b] of steps) {
    const row = (results[`${name} ${step}`] ??= { ours: [], restic: [] })
    // Who comes second finds the source in the page cache: they take turns.
    const runs = [async () => row.ours.push(await measure('node', [ours, ...a], env)), async () => row.restic.push(await measure('restic', b, env))]
    for (const run of round % 2 === 0 ? runs : runs.reverse()) await run()
  }
  const size = (results[`${name} size`] ??= { ours: [], restic: [] })
  size.ours.push(diskBytes(mine))
  size.restic.push(diskBytes(theirs))
  for (const place of ['out-a', 'out-b']) rmSync(join(work, place), { recursive: true, force: true })
  ;(results['restic: open only (scrypt)'] ??= { ours: [], restic: [] }).restic.push(await measure('restic', ['-q', '-r', theirs, 'snapshots'], env))
}

sayVersions()
const sources = { files: [join(work, 'files'), (directory) => makeFiles(directory, FILES)], pair: [join(work, 'pair'), (directory) => makeLargeFiles(directory, PAIR_BYTES)] }
const results = {}
for (const [name, [directory, make]] of Object.entries(sources)) {
  if (only !== undefined && only !== name) continue
  if (!existsSync(directory)) make(directory)
  console.log(`${name}: ${(diskBytes(directory) / 1e6).toFixed(0)} MB`)
  for (let round = 0; round < rounds; round++) await oneRound(name, directory, round, results)
}
console.log(`medians of ${rounds} rounds; ratio below 1: s3vault is faster, or smaller`)
for (const [name, { ours: mine, restic }] of Object.entries(results)) {
  if (name.endsWith('size')) {
    console.log(`${name.padEnd(28)} ${(median(mine) / 1e6).toFixed(1)} MB  restic ${(median(restic) / 1e6).toFixed(1)} MB  ratio ${(median(mine) / median(restic)).toFixed(2)}`)
    continue
  }
  const theirs = `restic ${median(restic.map((r) => r.seconds)).toFixed(2)} s ${median(restic.map((r) => r.peakMiB)).toFixed(0)} MiB`
  if (mine.length === 0) {
    console.log(`${name.padEnd(28)} ${theirs}`)
    continue
  }
  const ratios = mine.map((m, i) => m.seconds / restic[i].seconds)
  console.log(`${name.padEnd(28)} ${median(mine.map((m) => m.seconds)).toFixed(2)} s ${median(mine.map((m) => m.peakMiB)).toFixed(0)} MiB  ${theirs}  ratio ${median(ratios).toFixed(2)} (${ratios.map((r) => r.toFixed(2)).join(' ')})`)
}
if (option('work', undefined) === undefined) rmSync(work, { recursive: true, force: true })
