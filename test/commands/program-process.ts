// Runs the built program as a real child process, with a home of its own.
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of package.json. */
export const packageRoot = findPackageRoot(dirname(fileURLToPath(import.meta.url)))
export const mainScript = join(packageRoot, 'bin', 'main.mjs')
export const launcherScript = join(packageRoot, 'bin', 's3vault.cjs')

function findPackageRoot(directory: string): string {
  return existsSync(join(directory, 'package.json')) ? directory : findPackageRoot(dirname(directory))
}

/** A temporary directory that serves as HOME; removed at the end of its scope. */
export class TemporaryHome {
  readonly path = mkdtempSync(join(tmpdir(), 's3vault-cli-'))

  /** An environment in which nothing of this machine's user shows. */
  environment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'], LANG: 'C.UTF-8', HOME: this.path,
      XDG_DATA_HOME: join(this.path, 'data'), XDG_CACHE_HOME: join(this.path, 'cache'), XDG_CONFIG_HOME: join(this.path, 'config'),
      ...extra,
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Resolves when the child has ended and its output is complete. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout?.on('data', (piece: Buffer) => stdout.push(piece))
  child.stderr?.on('data', (piece: Buffer) => stderr.push(piece))
  const { promise, resolve, reject } = Promise.withResolvers<Ended>()
  child.on('error', reject)
  child.on('close', (code, signal) => {
    resolve({ code, signal, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() })
  })
  return promise
}

/** Runs the program to its end, on the Node that runs the tests. */
export function runMain(args: readonly string[], env: NodeJS.ProcessEnv, input = ''): Promise<Ended> {
  const child = spawn(process.execPath, [mainScript, ...args], { env })
  // A program that ends without reading its input is no failure of the test.
  child.stdin.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  child.stdin.end(input)
  return ended(child)
}
