// Reading through a mount, against restic mount: one large file in order, listing and stat of 5,000 files of one directory,
// find over 30,000 files, and reading 3,000 small files. Needs root or fusermount3, and restic.
//   node bench/mount-against-restic.mjs [DIRECTORY] [ROUNDS]
// Each round mounts anew, so that the kernel's caches are empty; the best round counts.
import { execFileSync, spawn } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const launcher = join(dirname(fileURLToPath(import.meta.url)), '..', 'bin', 's3vault.cjs')
const scratch = mkdtempSync(join(process.argv[2] ?? tmpdir(), 's3vault-bench-mount-'))
const rounds = Number(process.argv[3] ?? 3)
const LARGE_MIB = 512
const source = join(scratch, 'source')
const mountPoint = join(scratch, 'mount')
const env = {
  ...process.env, HOME: join(scratch, 'home'), S3VAULT_PASSWORD: 'bench', RESTIC_PASSWORD: 'bench',
  S3VAULT_REPO: join(scratch, 'vault'), RESTIC_REPOSITORY: join(scratch, 'restic'), GOMAXPROCS: process.env.GOMAXPROCS ?? '',
}
if (env.GOMAXPROCS === '') delete env.GOMAXPROCS
const run = (file, args) => execFileSync(file, args, { env, stdio: ['ignore', 'ignore', 'inherit'] })

function makeSource() {
  for (const name of ['flat', 'deep']) mkdirSync(join(source, name), { recursive: true })
  const block = new Uint8Array(1024 * 1024)
  const fd = openSync(join(source, 'large'), 'w')
  for (let i = 0; i < LARGE_MIB; i++) {
    randomFillSync(block, 0, 700_000) // two thirds do not compress
    writeSync(fd, block)
  }
  closeSync(fd)
  for (let i = 0; i < 5000; i++) writeFileSync(join(source, 'flat', `file-${i}`), `content ${i}`)
  for (let d = 0; d < 300; d++) {
    mkdirSync(join(source, 'deep', `directory-${d}`))
    for (let i = 0; i < 100; i++) writeFileSync(join(source, 'deep', `directory-${d}`, `file-${i}`), `content ${d} ${i} ${'x'.repeat(3000)}`)
  }
}

const timed = (work) => {
  const start = performance.now()
  work()
  return (performance.now() - start) / 1000
}

function readLarge(root) {
  const fd = openSync(join(root, 'large'), 'r')
  const buffer = new Uint8Array(1024 * 1024)
  while (readSync(fd, buffer) > 0);
  closeSync(fd)
}

function listAndStat(root) {
  for (const name of readdirSync(join(root, 'flat'))) statSync(join(root, 'flat', name))
}

function readSmall(root) {
  for (let d = 0; d < 30; d++) {
    const directory = join(root, 'deep', `directory-${d}`)
    for (const name of readdirSync(directory)) readFileSync(join(directory, name))
  }
}

const MEASURED = [
  ['list and stat 5,000 files, s', (root) => timed(() => listAndStat(root))],
  ['the same again, s', (root) => timed(() => listAndStat(root))],
  ['find 30,000 files with size, s', (root) => timed(() => run('find', [join(root, 'deep'), '-size', '+1000k']))],
  ['read 3,000 small files, s', (root) => timed(() => readSmall(root))],
  [`read ${LARGE_MIB} MiB in order, MB/s`, (root) => (LARGE_MIB * 1.048576) / timed(() => readLarge(root))],
  ['the same again, MB/s', (root) => (LARGE_MIB * 1.048576) / timed(() => readLarge(root))],
]

const measure = (root) => MEASURED.map(([, work]) => work(root))
const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

function waitFor(condition) {
  for (let tries = 0; tries < 600; tries++) {
    if (condition()) return
    sleep(100)
  }
  throw new Error('not mounted after a minute')
}

const isMounted = () => readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${mountPoint} `)

function memoryOf(pattern) {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      if (pattern.test(command) && command.includes(mountPoint)) return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024
    } catch {
      // it ended meanwhile
    }
  }
  return 0
}

const PROGRAMS = {
  s3vault() {
    run('node', [launcher, 'mount', mountPoint])
    const figures = measure(join(mountPoint, 'latest', source.slice(1)))
    const memory = memoryOf(/main\.mjs/)
    run('node', [launcher, 'umount', mountPoint])
    return [...figures, memory]
  },
  restic() {
    const child = spawn('restic', ['mount', mountPoint], { env, stdio: 'ignore' })
    waitFor(isMounted)
    const figures = measure(join(mountPoint, 'snapshots', 'latest', source.slice(1)))
    const memory = memoryOf(/^restic/)
    run('umount', [mountPoint])
    waitFor(() => !isMounted())
    child.kill()
    return [...figures, memory]
  },
}

try {
  for (const directory of [source, mountPoint, env.HOME]) mkdirSync(directory, { recursive: true })
  makeSource()
  run('node', [launcher, 'init', '--recovery-key-file', join(scratch, 'recovery')])
  run('node', [launcher, 'backup', '-q', source])
  run('restic', ['init', '-q'])
  run('restic', ['backup', '-q', source])
  const titles = [...MEASURED.map(([title]) => title), 'peak memory, MiB']
  const best = {}
  for (let round = 0; round < rounds; round++) {
    for (const [name, work] of Object.entries(PROGRAMS)) {
      const figures = work()
      best[name] = figures.map((figure, i) => {
        const before = best[name]?.[i] ?? figure
        return titles[i].includes('MB/s') ? Math.max(before, figure) : Math.min(before, figure)
      })
    }
  }
  console.log(`${''.padEnd(36)}${Object.keys(PROGRAMS).map((name) => name.padStart(12)).join('')}`)
  for (const [i, title] of titles.entries()) {
    console.log(`${title.padEnd(36)}${Object.keys(PROGRAMS).map((name) => best[name][i].toFixed(2).padStart(12)).join('')}`)
  }
} finally {
  if (isMounted()) run('umount', ['-l', mountPoint])
  rmSync(scratch, { recursive: true, force: true })
}
