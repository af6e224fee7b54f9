// The program as a person has it: the real launcher as a child process, with a home, cache and data directory of its own.
// Every run is held to what all runs owe: no stack trace, and no secret in any output.
import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Finding } from '../../src/check/finding.ts'
import type { CheckResult } from '../../src/operations/check.ts'
import type { BackupResult } from '../../src/operations/backup.ts'
import type { RestoreResult } from '../../src/operations/restore.ts'
import type { BackupSummary } from '../../src/snapshot/snapshot.ts'

/** The folder of package.json. */
export const packageRoot = findPackageRoot(dirname(fileURLToPath(import.meta.url)))
const launcher = join(packageRoot, 'bin', 's3vault.cjs')

function findPackageRoot(directory: string): string {
  return existsSync(join(directory, 'package.json')) ? directory : findPackageRoot(dirname(directory))
}

export type JsonRecord = { readonly type: string } & Readonly<Record<string, unknown>>

/** One finished run of the program. */
export interface CliRun {
  readonly args: readonly string[]
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** Lines of --json, in order; empty for a run without it. */
  readonly records: readonly JsonRecord[]
}

/** The record at the end of `backup --json`. */
export interface BackupRecord extends BackupSummary {
  readonly snapshot?: string
  readonly parent?: string
  readonly warnings: number
  readonly requests: BackupResult['requests']
}

export interface FailureRecord {
  readonly code: string
  readonly message: string
  readonly hint?: string
  readonly exitCode: number
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Runs as this user; only root may. */
  readonly uid?: number
  readonly cwd?: string
  readonly input?: string | Uint8Array
  /** Called with the child as soon as it runs. */
  readonly onStart?: (child: ChildProcess) => void
}

const TMPFS_MAGIC = 0x01021994
const SCRATCH_PREFIX = 's3vault-e2e-'

/** Memory rather than disk where there is a tmpfs with that much room: these tests write a lot. */
function scratchParent(roomBytes: number): string {
  if (!existsSync('/dev/shm')) return tmpdir()
  const { type, bavail, bsize } = statfsSync('/dev/shm')
  return type === TMPFS_MAGIC && bavail * bsize > roomBytes ? '/dev/shm' : tmpdir()
}

export const isRoot = process.getuid?.() === 0
/** Value for a test's `skip` option. */
export const unlessRoot: string | false = isRoot ? false : 'needs root'

/** What has an end: a test's context, or `{ after }` of node:test within a suite. */
export interface Scope {
  after(work: () => void | Promise<void>): void
}

export class Cli {
  /** Everything of this person, and what a test puts beside it. Gone after the test; rm(1), as trees may be deeper than PATH_MAX. */
  readonly directory: string
  readonly env: Record<string, string>
  readonly launcher = launcher
  /** The Node that runs the launcher. */
  node = process.execPath
  readonly #secretFiles: string[] = []

  constructor(scope: Scope, roomBytes = 2 ** 30) {
    this.directory = mkdtempSync(join(scratchParent(roomBytes), SCRATCH_PREFIX))
    scope.after(() => void spawnSync('rm', ['-rf', this.directory]))
    this.env = {
      PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', HOME: this.path('home'), AWS_EC2_METADATA_DISABLED: 'true',
    }
    mkdirSync(this.path('home'))
    this.#secretFiles.push(join(this.dataDirectory, 'default.secret'), join(this.dataDirectory, 'default.recovery-key'))
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts)
  }

  get dataDirectory(): string {
    return this.path('home', '.local', 'share', 's3vault')
  }

  get cacheDirectory(): string {
    return this.path('home', '.cache', 's3vault')
  }

  /** Writes a file below the scratch directory with all directories above it; returns its path. */
  write(path: string, content: string | Uint8Array): string {
    const full = this.path(path)
    mkdirSync(dirname(full), { recursive: true })
    writeFileSync(full, content)
    return full
  }

  /** What this file holds must never be printed. */
  guard(secretFile: string): void {
    this.#secretFiles.push(secretFile)
  }

  /** Makes a vault with a generated secret and works on it from now on. */
  async init(repo = this.path('vault'), ...flags: string[]): Promise<void> {
    const secret = this.path('secret')
    const recovery = this.path('recovery-key')
    this.guard(secret)
    this.guard(recovery)
    await this.expect(0, ['init', '-r', repo, '--generate-secret', secret, '--recovery-key-file', recovery, ...flags])
    this.env['S3VAULT_REPO'] = repo
    this.env['S3VAULT_PASSWORD_FILE'] = secret
  }

  /** Runs the program, killed after that many milliseconds unless it has ended before: then its `signal` is null. */
  async killAfter(delayMs: number, args: readonly string[]): Promise<CliRun> {
    const run = await this.run(args, {
      onStart: (child) => {
        const timer = setTimeout(() => child.kill('SIGKILL'), delayMs)
        child.on('exit', () => clearTimeout(timer))
      },
    })
    assert.ok(run.signal === 'SIGKILL' || run.code === 0, `${run.code} ${run.stderr}`)
    return run
  }

  /** Starts the program; the caller waits for it with `ended`. */
  start(args: readonly string[], { env = {}, uid, cwd = this.directory }: RunOptions = {}): ChildProcess {
    const user = uid === undefined ? {} : { uid, gid: uid }
    return spawn(this.node, [launcher, ...args], { env: { ...this.env, ...env }, cwd, ...user })
  }

  async run(args: readonly string[], options: RunOptions = {}): Promise<CliRun> {
    const child = this.start(args, options)
    options.onStart?.(child)
    const run = await ended(child, args, options.input)
    assert.doesNotMatch(run.stderr, /^\s+at |node:internal|file:\/\//m, 'no stack trace')
    for (const file of this.#secretFiles) {
      const secret = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
      assert.ok(secret === '' || !(run.stdout + run.stderr).includes(secret), `${file} is printed by ${args.join(' ')}`)
    }
    return run
  }

  /** Runs to the expected exit code; anything else fails with what the program said. */
  async expect(code: number, args: readonly string[], options: RunOptions = {}): Promise<CliRun> {
    const run = await this.run(args, options)
    assert.equal(run.code, code, `s3vault ${args.join(' ')} (${run.signal ?? 'no signal'})\n${run.stderr}${run.stdout.slice(-2000)}`)
    return run
  }

  async backup(args: readonly string[], code = 0, options: RunOptions = {}): Promise<BackupRecord> {
    return summaryOf<BackupRecord>(await this.expect(code, ['backup', '--json', ...args], options))
  }

  async restore(args: readonly string[], code = 0, options: RunOptions = {}): Promise<RestoreResult> {
    return summaryOf<RestoreResult>(await this.expect(code, ['restore', '--json', ...args], options))
  }

  async check(args: readonly string[] = [], code = 0, options: RunOptions = {}): Promise<CheckResult & { findings: Finding[] }> {
    const run = await this.expect(code, ['check', '--json', ...args], options)
    const findings = run.records.filter(({ type }) => type === 'finding') as unknown as Finding[]
    return { ...summaryOf<CheckResult>(run), findings }
  }

  /** Ids, oldest first. */
  async snapshots(...flags: string[]): Promise<string[]> {
    const { records } = await this.expect(0, ['snapshots', '--json', ...flags])
    return records.filter(({ type }) => type === 'snapshot').map(({ id }) => String(id))
  }

  /** Paths that a snapshot has, recursively. */
  async list(snapshot: string): Promise<string[]> {
    const { records } = await this.expect(0, ['ls', '--json', '-R', snapshot])
    return records.filter(({ type }) => type === 'entry').map(({ path }) => String(path))
  }

  /** Runs into a failure, told as one line of JSON. The words for people are made of the same record: see `failsInWords`. */
  async fails(code: number, args: readonly string[], options: RunOptions = {}): Promise<FailureRecord> {
    const run = await this.expect(code, [...args, '--json'], options)
    const failure = JSON.parse(run.stderr) as FailureRecord
    assert.match(run.stderr, /^.*\n$/, 'one line')
    assert.doesNotMatch(failure.message, /\n/)
    assert.equal(failure.exitCode, code)
    return failure
  }

  /** Runs into a failure, told in one line and a hint on stderr, and nothing on stdout. Returns stderr. */
  async failsInWords(code: number, args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { stderr, stdout } = await this.expect(code, args, options)
    assert.match(stderr, /^(warning: .*\n)*s3vault: .+\n(  hint: .+\n)?$/)
    assert.equal(stdout, '')
    return stderr
  }
}

/** The last record of a run with --json. */
export function summaryOf<T>(run: CliRun): T {
  const last = run.records.at(-1)
  assert.equal(last?.type, 'summary', `no summary from ${run.args.join(' ')}: ${run.stderr}`)
  return last as unknown as T
}

/** `item: message` of each warning of a run with --json. */
export const warningsOf = ({ records }: CliRun): string[] =>
  records.filter(({ type }) => type === 'warning').map(({ item, message }) => `${String(item)}: ${String(message)}`)

/** Resolves when the child has ended and its output is complete. */
export async function ended(child: ChildProcess, args: readonly string[], input?: string | Uint8Array): Promise<CliRun> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout?.on('data', (piece: Buffer) => stdout.push(piece))
  child.stderr?.on('data', (piece: Buffer) => stderr.push(piece))
  child.stdin?.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error // a program that ends without reading its input is no failure of the test
  })
  child.stdin?.end(input)
  const { promise, resolve, reject } = Promise.withResolvers<CliRun>()
  child.on('error', reject)
  child.on('close', (code, signal) => {
    const text = Buffer.concat(stdout).toString()
    resolve({ args, code, signal, stdout: text, stderr: Buffer.concat(stderr).toString(), records: parseRecords(text) })
  })
  return promise
}

/** Lines of JSON; a line cut off by a kill is left out. */
function parseRecords(stdout: string): JsonRecord[] {
  const lines = stdout.split('\n').slice(0, -1)
  return lines.every((line) => line.startsWith('{')) ? lines.map((line) => JSON.parse(line) as JsonRecord) : []
}
