// Compares s3vault with restic on this machine, in one run, each step in turn: initial backup, unchanged backup, restore, on
// a tree of 30,000 files and on a pair of 1 GiB files. Local vaults, default settings on both sides; both unlock without
// what is no part of the engine: s3vault by a generated secret, restic's scrypt is measured apart and subtracted in a
// column of its own.
//
//   node bench/against-restic.mjs [--work DIR] [--rounds 3] [--only files|pair]
//
// Needs restic (Debian: apt-get install restic) and about 12 GiB in DIR (default: a folder in the system's temp directory).
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, openSync, writeSync, closeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`)
  return at > 0 ? process.argv[at + 1] : fallback
}
const rounds = Number(option('rounds', '3'))
const work = option('work', undefined) ?? mkdtempSync(join(tmpdir(), 's3vault-bench-'))
const only = option('only', undefined)
const FILES = 30_000
const PAIR_BYTES = 2 ** 30

/** xorshift128+ by halves would do; SHA-256 in counter mode is simple, the same everywhere, and fast enough. */
function* randomBytes(seed) {
  for (let counter = 0; ; counter++) yield createHash('sha512').update(`${seed}/${counter}`).digest()
}

const WORDS = readWords()
function readWords() {
  const words = []
  for (const block of randomBytes('words')) {
    for (let i = 0; i + 8 <= block.length; i += 8) words.push(block.subarray(i, i + 3 + (block[i + 7] % 5)).toString('hex').slice(0, 3 + (block[i + 6] % 9)))
    if (words.length >= 4096) return words
  }
}

/** Text of `bytes` bytes: words with a skewed frequency, like prose and source code; zstd makes about a third of it. */
function text(seed, bytes) {
  const parts = []
  let length = 0
  for (const block of randomBytes(seed)) {
    for (let i = 0; i + 2 <= block.length; i += 2) {
      const draw = block.readUInt16LE(i)
      const word = WORDS[Math.floor((draw / 65536) ** 3 * WORDS.length)]
      parts.push(word)
      length += word.length + 1
      if (length >= bytes) return Buffer.from(parts.join(' ')).subarray(0, bytes)
    }
  }
}

/** Sizes as in /usr/share: median 2 KiB, mean about 10 KiB, log-normal. */
function fileSize(index) {
  const digest = createHash('sha256').update(`size ${index}`).digest()
  const [a, b] = [(digest.readUInt32LE(0) + 1) / 2 ** 32, digest.readUInt32LE(4) / 2 ** 32]
  return Math.min(4 << 20, Math.max(1, Math.round(2048 * Math.exp(1.75 * Math.sqrt(-2 * Math.log(a)) * Math.cos(2 * Math.PI * b)))))
}

function makeFiles(directory) {
  for (let index = 0; index < FILES; index++) {
    const folder = join(directory, `d${index % 60}`, `e${Math.floor(index / 60) % 50}`)
    if (index < 3000) mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `file-${index}.txt`), text(`file ${index}`, fileSize(index)))
  }
}

/** Half compressible, half random, in pieces of 64 KiB. */
function makePair(directory) {
  mkdirSync(directory, { recursive: true })
  const sample = text('pair', 4 << 20)
  for (const name of ['one', 'two']) {
    const fd = openSync(join(directory, name), 'w')
    const random = randomBytes(name)
    for (let written = 0, piece = 0; written < PAIR_BYTES; written += 65536, piece++) {
      if (piece % 2 === 0) writeSync(fd, Buffer.concat(Array.from({ length: 1024 }, () => random.next().value)))
      else {
        const at = createHash('sha256').update(`${name}${piece}`).digest().readUInt32LE(0) % (sample.length - 65536)
        writeSync(fd, sample, at, 65536)
      }
    }
    closeSync(fd)
  }
}

/** Runs a command; wall seconds, and the largest resident set of any of its processes, MiB (VmHWM, polled). */
async function measure(command, args, env) {
  spawnSync('sync')
  const startMs = performance.now()
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (data) => (stderr += data))
  let peakKiB = 0
  const poll = setInterval(() => {
    for (const pid of descendants(child.pid)) {
      try {
        const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
        peakKiB = Math.max(peakKiB, Number(match?.[1] ?? 0))
      } catch { /* it has just ended */ }
    }
  }, 20)
  const code = await new Promise((resolve) => child.on('close', resolve))
  clearInterval(poll)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${code}\n${stderr}`)
  return { seconds: (performance.now() - startMs) / 1000, peakMiB: peakKiB / 1024 }
}

function descendants(pid) {
  const found = [pid]
  for (const at of found) {
    try {
      const children = readFileSync(`/proc/${at}/task/${at}/children`, 'utf8').trim()
      if (children !== '') found.push(...children.split(' ').map(Number))
    } catch { /* it has just ended */ }
  }
  return found
}

function diskBytes(directory) {
  let bytes = 0
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += statSync(join(entry.parentPath ?? entry.path, entry.name)).size
  }
  return bytes
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

const ours = join(root, 'bin', 's3vault.cjs')
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

if (spawnSync('restic', ['version']).status !== 0) {
  console.error('restic is not installed (Debian: apt-get install restic)')
  process.exit(2)
}
console.log(spawnSync('restic', ['version'], { encoding: 'utf8' }).stdout.trim())
console.log(spawnSync('node', [ours, '--version'], { encoding: 'utf8' }).stdout.trim())
const sources = { files: [join(work, 'files'), makeFiles], pair: [join(work, 'pair'), makePair] }
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
