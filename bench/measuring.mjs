// Running and measuring the programs that are compared.
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The launcher of s3vault; for `node`. */
export const s3vault = join(dirname(fileURLToPath(import.meta.url)), '..', 'bin', 's3vault.cjs')

/** The value of `--name` on the command line. */
export const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`)
  return at > 0 ? process.argv[at + 1] : fallback
}

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

/** Ends the program when restic is not there; else says which versions are compared. */
export function sayVersions() {
  if (spawnSync('restic', ['version']).status !== 0) {
    console.error('restic is not installed (Debian: apt-get install restic)')
    process.exit(2)
  }
  console.log(spawnSync('restic', ['version'], { encoding: 'utf8' }).stdout.trim())
  console.log(spawnSync('node', [s3vault, '--version'], { encoding: 'utf8' }).stdout.trim())
}

/** Runs a command; wall seconds, the largest resident set of any of its processes, MiB (VmHWM, polled), and its last line. */
export async function measure(command, args, env) {
  spawnSync('sync')
  const startMs = performance.now()
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data) => (stdout = (stdout + data).slice(-65536)))
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
  return { seconds: (performance.now() - startMs) / 1000, peakMiB: peakKiB / 1024, lastLine: stdout.trimEnd().split('\n').at(-1) }
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

export function diskBytes(directory) {
  let bytes = 0
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += statSync(join(entry.parentPath ?? entry.path, entry.name)).size
  }
  return bytes
}
