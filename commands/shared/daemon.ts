// A command that goes on in the background: the same command line again in a process of its own, without a terminal. The
// parent asks for the password and stays until the child says that it is ready, or how it failed; then the child is on its
// own. Secrets go through a pipe, never into arguments or the environment.
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, readFileSync, writeSync } from 'node:fs'
import { AssertionError } from '../../src/errors/assert.ts'
import { exitCode } from './exit-codes.ts'
import { interruptionSignal } from './interruption.ts'

const MARK = 'S3VAULT_DAEMON'
/** The child's descriptor of the pipe on which it says that it is ready. */
const READY_FD = 3

/** What only the parent knows; plain data. */
export interface DaemonSecrets {
  readonly password: string
  /** Hex: arguments of a process can only be text. */
  readonly mountPoint: string
}

/** What the parent is told when the child is ready. */
export interface DaemonReady {
  readonly snapshots: number
  readonly pid: number
}

/** True in the child. To be asked once: programs that are started from here are no daemons. */
export function isDaemon(): boolean {
  const isMarked = process.env[MARK] === '1'
  delete process.env[MARK]
  return isMarked
}

/** In the child: what the parent sends. */
export const readSecrets = (): DaemonSecrets => JSON.parse(readFileSync(0, 'utf8')) as DaemonSecrets

/** In the child: lets the parent go, and keeps no directory busy. */
export function reportReady(ready: DaemonReady): void {
  process.chdir('/')
  writeSync(READY_FD, `${JSON.stringify(ready)}\n`)
  closeSync(READY_FD)
}

export type DaemonStart = { readonly ready: DaemonReady } | { readonly exitCode: number }

/** Starts the child; resolves when it is ready or has ended. What it prints until then is printed here. */
export async function startDaemon(secrets: DaemonSecrets): Promise<DaemonStart> {
  const script = process.argv[1]
  if (script === undefined) throw new AssertionError('no script to start again')
  const child = spawn(process.execPath, [...process.execArgv, script, ...process.argv.slice(2)], {
    detached: true, env: { ...process.env, [MARK]: '1' }, stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  })
  const stop = (): void => void child.kill('SIGTERM')
  interruptionSignal.addEventListener('abort', stop)
  child.stdout?.on('data', (piece: Buffer) => process.stdout.write(piece))
  child.stderr?.on('data', (piece: Buffer) => process.stderr.write(piece))
  child.stdin?.on('error', () => undefined) // it ended early: its exit code says why
  child.stdin?.end(JSON.stringify(secrets))
  try {
    return await Promise.race([readiness(child), ending(child)])
  } finally {
    interruptionSignal.removeEventListener('abort', stop)
    child.unref()
  }
}

async function readiness(child: ChildProcess): Promise<DaemonStart> {
  const pipe = child.stdio[READY_FD]
  if (!pipe || !('setEncoding' in pipe)) throw new AssertionError('the pipe of a daemon')
  pipe.setEncoding('utf8')
  let text = ''
  for await (const piece of pipe) {
    text += String(piece)
    if (text.endsWith('\n')) return { ready: JSON.parse(text) as DaemonReady }
  }
  return ending(child)
}

function ending(child: ChildProcess): Promise<DaemonStart> {
  const { promise, resolve, reject } = Promise.withResolvers<DaemonStart>()
  child.on('error', reject)
  // `close`, not `exit`: its last words are printed by then.
  child.on('close', (code) => resolve({ exitCode: code ?? exitCode('internal') }))
  if (child.exitCode !== null && child.stderr?.closed) resolve({ exitCode: child.exitCode })
  return promise
}
