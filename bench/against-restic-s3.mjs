// Compares s3vault with restic on one S3 server, in one run, each step in turn: initial backup, unchanged backup, restore of
// many small files and of one large one. Default settings on both sides; seconds, and requests and bytes as a proxy
// between counts them for both (line/request-counter.mjs). As in against-restic.mjs, restic's scrypt is measured apart.
//
//   AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… node bench/against-restic-s3.mjs --endpoint URL [--bucket NAME]
//     [--scale 1] [--rounds 1] [--mbit 100 --rtt 50] [--work DIR] [--plain]
//
// Without --endpoint the test server of this project. With --mbit all goes through a line of that rate (line/line.mjs).
// `--scale 1` is 30,000 small files (300 MB) and one of 1 GiB. The bucket must exist; what is stored stays there.
// Both sides speak https with the proxy: over plain http (--plain) restic signs bodies in pieces, which RGW 20.2 refuses.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificate, RequestCounter } from './line/request-counter.mjs'
import { measure, median, option, s3vault as ours, sayVersions } from './measuring.mjs'
import { credentialsOf, openStorage, startProgram } from './storage.mjs'
import { makeFiles, makeLargeFiles } from './trees.mjs'

const scale = Number(option('scale', '1'))
const rounds = Number(option('rounds', '1'))
const mbit = option('mbit', undefined)
const work = option('work', undefined) ?? mkdtempSync(join(tmpdir(), 's3vault-bench-'))

mkdirSync(work, { recursive: true })
sayVersions()
const storage = await openStorage()
const counter = new RequestCounter()
const tls = process.argv.includes('--plain') ? undefined : makeCertificate(join(work, 'tls'))
const counterPort = await counter.start(storage.endpoint, tls)
const port = mbit === undefined
  ? counterPort
  : await startProgram('bench/line/line.mjs', '127.0.0.1', String(counterPort), String((Number(mbit) * 1e6) / 8), option('rtt', '50'))
const endpoint = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`
const env = {
  ...credentialsOf(storage), S3VAULT_S3_ENDPOINT: endpoint, S3VAULT_CACHE_DIR: join(work, 'cache'),
  ...(tls ? { NODE_EXTRA_CA_CERTS: tls.cert, RESTIC_CACERT: tls.cert } : {}),
  RESTIC_PASSWORD: 'bench', RESTIC_CACHE_DIR: join(work, 'restic-cache'),
}
const results = {}

async function counted(row, side, command, args) {
  const { seconds } = await measure(command, args, env)
  row[side].push({ seconds, ...counter.take() })
}

async function oneRound(name, source, round) {
  const id = `${Date.now()}-${name}-${round}`
  const [mine, theirs] = [`s3://${storage.bucket}/${id}-s3vault`, `s3:${endpoint}/${storage.bucket}/${id}-restic`]
  for (const place of ['cache', 'restic-cache', 'secret', 'key']) rmSync(join(work, place), { recursive: true, force: true })
  await measure('node', [ours, 'init', '-r', mine, '--generate-secret', join(work, 'secret'), '--recovery-key-file', join(work, 'key')], env)
  await measure('restic', ['-q', '-r', theirs, 'init', '--repository-version', '2'], env)
  counter.take()
  const vault = ['-q', '-r', mine, '--password-file', join(work, 'secret')]
  const steps = [
    ['initial', ['backup', source, ...vault], ['-q', '-r', theirs, 'backup', source]],
    ['unchanged', ['backup', source, ...vault], ['-q', '-r', theirs, 'backup', source]],
    ['restore', ['restore', 'latest', '-t', join(work, 'out-a'), ...vault], ['-q', '-r', theirs, 'restore', 'latest', '-t', join(work, 'out-b')]],
  ]
  for (const [step, a, b] of steps) {
    const row = (results[`${name} ${step}`] ??= { ours: [], restic: [] })
    await counted(row, 'ours', 'node', [ours, ...a])
    await counted(row, 'restic', 'restic', b)
  }
  await counted((results['restic: open only (scrypt)'] ??= { ours: [], restic: [] }), 'restic', 'restic', ['-q', '-r', theirs, 'snapshots'])
  for (const place of ['out-a', 'out-b']) rmSync(join(work, place), { recursive: true, force: true })
}

const describe = (runs) => {
  const [{ kinds, total, bytesUp, bytesDown }] = runs
  const asked = Object.entries(kinds).map(([kind, count]) => `${count} ${kind}`).join(' ')
  return `${median(runs.map((run) => run.seconds)).toFixed(2).padStart(7)} s  ${String(total).padStart(5)} requests (${asked})  ` +
    `${(bytesUp / 1e6).toFixed(1)} MB up  ${(bytesDown / 1e6).toFixed(1)} MB down`
}

const sources = {
  small: [join(work, 'small'), (directory) => makeFiles(directory, Math.round(30_000 * scale))],
  large: [join(work, 'large'), (directory) => makeLargeFiles(directory, Math.round(2 ** 30 * scale), ['one'])],
}
for (const [name, [directory, make]] of Object.entries(sources)) {
  if (!existsSync(directory)) make(directory)
  for (let round = 0; round < rounds; round++) await oneRound(name, directory, round)
}
console.log(`medians of ${rounds} rounds, requests of the first; ratio below 1: s3vault is faster, or asks less`)
for (const [name, { ours: mine, restic }] of Object.entries(results)) {
  console.log(name)
  if (mine.length > 0) console.log(`  s3vault ${describe(mine)}`)
  console.log(`  restic  ${describe(restic)}`)
  if (mine.length === 0) continue
  const ratio = median(mine.map((run, index) => run.seconds / restic[index].seconds))
  console.log(`  ratio   ${ratio.toFixed(2)} of the time, ${(mine[0].total / restic[0].total).toFixed(2)} of the requests`)
}
if (option('work', undefined) === undefined) rmSync(work, { recursive: true, force: true })
process.exit(0) // the counter's connections would keep it
