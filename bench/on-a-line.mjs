// How much of a line s3vault uses: backup, check and restore of one large file and of many small ones, through a line of
// a given rate and round trip (line/line.mjs) in front of an S3 server.
//
//   node bench/on-a-line.mjs [--mbit 100] [--rtt 50] [--scale 1] [--only large|small] [--work DIR] [--endpoint URL --bucket NAME]
//
// `--scale 0.1` takes a tenth of the data: 30,000 small files are 300 MB, the large file is 512 MiB. The share of the line
// counts whole runs, with start, opening of the vault and disk.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measure, option, s3vault } from './measuring.mjs'
import { credentialsOf, openStorage, startProgram } from './storage.mjs'
import { makeFiles, makeLargeFiles } from './trees.mjs'

const mbit = Number(option('mbit', '100'))
const rttMs = Number(option('rtt', '50'))
const scale = Number(option('scale', '1'))
const only = option('only', undefined)
const work = option('work', undefined) ?? mkdtempSync(join(tmpdir(), 's3vault-line-'))
const bytesPerSecond = (mbit * 1e6) / 8

const storage = await openStorage()
const server = new URL(storage.endpoint)
const linePort = await startProgram('bench/line/line.mjs', server.hostname, server.port, String(bytesPerSecond), String(rttMs))
const run = `${Date.now()}`
const env = {
  ...credentialsOf(storage), S3VAULT_S3_ENDPOINT: `http://127.0.0.1:${linePort}`, S3VAULT_CACHE_DIR: join(work, 'cache'),
  S3VAULT_PASSWORD_FILE: join(work, 'secret'),
}

/** Runs a step and prints what it took; resolves to its seconds. */
async function step(title, args, direction) {
  const { seconds, peakMiB, lastLine } = await measure('node', [s3vault, ...args, '--json'], env)
  const { bytesUp, bytesDown, ...kinds } = JSON.parse(lastLine).requests
  const bytes = direction === 'up' ? bytesUp : bytesDown
  const share = `${((100 * bytes) / seconds / bytesPerSecond).toFixed(0)} % of the line`
  const asked = Object.entries(kinds).filter(([, count]) => count > 0).map(([kind, count]) => `${count} ${kind}`).join(' ')
  console.log(`${title.padEnd(34)} ${seconds.toFixed(2).padStart(7)} s  ${(bytes / 1e6).toFixed(1).padStart(6)} MB ${direction.padEnd(4)}  ${share.padStart(18)}  ${peakMiB.toFixed(0)} MiB  ${asked}`)
  return seconds
}

/** All of a source in a vault of its own, and back. */
async function roundTrip(name, source) {
  const repo = `s3://${storage.bucket}/${run}-${name}`
  rmSync(join(work, 'secret'), { force: true })
  rmSync(join(work, 'key'), { force: true })
  await measure('node', [s3vault, 'init', '-r', repo, '--generate-secret', join(work, 'secret'), '--recovery-key-file', join(work, 'key')], env)
  await step(`${name}: first backup`, ['backup', source, '-r', repo], 'up')
  await step(`${name}: unchanged backup`, ['backup', source, '-r', repo], 'down')
  rmSync(join(work, 'cache'), { recursive: true, force: true })
  await step(`${name}: check --read-data`, ['check', '--read-data', '-r', repo], 'down')
  rmSync(join(work, 'cache'), { recursive: true, force: true })
  const seconds = await step(`${name}: restore, nothing cached`, ['restore', 'latest', '-t', join(work, 'back'), '-r', repo], 'down')
  rmSync(join(work, 'back'), { recursive: true, force: true })
  rmSync(join(work, 'cache'), { recursive: true, force: true })
  return seconds
}

console.log(`${mbit} Mbit/s, ${rttMs} ms round trip`)
if (only !== 'small') {
  makeLargeFiles(join(work, 'large'), Math.round(2 ** 29 * scale), ['one'])
  await roundTrip('large', join(work, 'large'))
}
if (only !== 'large') {
  const small = join(work, 'small')
  makeFiles(small, Math.round(30_000 * scale))
  // One file of the same bytes: it compresses and costs the same.
  mkdirSync(join(work, 'joined'))
  for (const entry of readdirSync(small, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) writeFileSync(join(work, 'joined', 'file'), readFileSync(join(entry.parentPath, entry.name)), { flag: 'a' })
  }
  const many = await roundTrip('small', small)
  const one = await roundTrip('joined', join(work, 'joined'))
  console.log(`restore of many small files: ${(many / one).toFixed(2)} times that of one file of the same size`)
}
if (option('work', undefined) === undefined) rmSync(work, { recursive: true, force: true })
