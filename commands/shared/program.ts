// The program around the commands: finds the one that is named, loads only that, and turns what it throws into words
// and an exit code. oclif parses flags and prints help; its own error handling, which ends in stack traces and in the
// same exit code for everything, is not used.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ExitError } from '@oclif/core/errors'
import { Config } from '@oclif/core/config'
import { VaultError } from '../../src/errors/vault-error.ts'
import { didYouMean } from '../../src/settings/nearest-word.ts'
import { exitCode } from './exit-codes.ts'
import { failureJson, failureLines, reportFailure } from './failure-report.ts'
import { installInterruption, watchLauncher } from './interruption.ts'
import { LightConfig } from './light-config.ts'
import { programManifest, type ProgramManifest } from './program-manifest.ts'
import { recoverArguments } from './raw-arguments.ts'
import type { VaultCommand } from './vault-command.ts'

const HELP_FLAGS = new Set(['--help', '-h'])

type CommandModule = { readonly default: typeof VaultCommand }

/** Runs the program. `packageRoot` is the folder of package.json. Resolves to the exit code, never rejects. */
export async function runProgram(argv: readonly string[], packageRoot: string): Promise<number> {
  const launcherPid = takeLauncherPid()
  installInterruption()
  if (launcherPid !== undefined) watchLauncher(launcherPid)
  try {
    const manifest = readManifest(packageRoot)
    return await dispatch(recoverArguments(argv, launcherPid ?? process.pid), manifest, join(packageRoot, 'dist'))
  } catch (error) {
    return fail(error, argv)
  }
}

/** Set by bin/s3vault.cjs; programs started from here are not its children. */
function takeLauncherPid(): number | undefined {
  const text = process.env['S3VAULT_LAUNCHER_PID']
  delete process.env['S3VAULT_LAUNCHER_PID']
  const pid = Number(text)
  return text !== undefined && Number.isSafeInteger(pid) && pid === process.ppid ? pid : undefined
}

const readManifest = (packageRoot: string): ProgramManifest =>
  programManifest(JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as Parameters<typeof programManifest>[0])

async function dispatch(argv: string[], manifest: ProgramManifest, dist: string): Promise<number> {
  const [id, ...rest] = argv
  if (id === '--version') return printVersion(manifest)
  if (id === undefined || id === 'help' || HELP_FLAGS.has(id)) {
    await showHelp(id === 'help' ? rest : [], manifest, dist)
    return exitCode(id === undefined ? 'usage' : 'ok')
  }
  const file = commandFile(id)
  if (asksForHelp(rest)) {
    await showHelp([id], manifest, dist)
    return exitCode('ok')
  }
  const { default: command } = (await import(file)) as CommandModule
  command.id = id
  surviveClosedPipes(command.stopsWithoutReader)
  return command.launch.call(command as never, rest, new LightConfig(manifest, dist))
}

function printVersion({ name, version }: ProgramManifest): number {
  process.stdout.write(`${name}/${version} ${process.platform}-${process.arch} node-${process.version}\n`)
  return exitCode('ok')
}

/** The module of a command: its path is its name. Throws `usage`. */
function commandFile(id: string): string {
  const folder = join(import.meta.dirname, '..')
  const file = join(folder, `${id}.js`)
  if (/^[a-z][a-z-]*$/.test(id) && existsSync(file)) return file
  const names = readdirSync(folder).flatMap((name) => /^([a-z][a-z-]*)\.js$/.exec(name)?.[1] ?? [])
  const problem = id.startsWith('-')
    ? 'the command comes first, flags after it'
    : `there is no command ${JSON.stringify(id)}${didYouMean(id, names)}`
  throw new VaultError('usage', problem, { hint: 's3vault --help lists the commands' })
}

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end < 0 ? argv : argv.slice(0, end)).some((argument) => HELP_FLAGS.has(argument))
}

async function showHelp(argv: string[], manifest: ProgramManifest, dist: string): Promise<void> {
  if (argv[0] !== undefined) commandFile(argv[0])
  const { Help } = await import('@oclif/core/help')
  const config = await Config.load({ root: dist, pjson: manifest as never })
  surviveClosedPipes(true)
  await new Help(config, { flagSortOrder: 'none' }).showHelp(argv)
}

/** A reader that goes away (`| head`) is no error. */
function surviveClosedPipes(stopsWithoutReader: boolean): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners('error') // oclif's own throws what is not EPIPE, which ends in a stack trace
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // Output into a file on a full disk, say. What cannot be said on stderr is told by the exit code.
      if (error.code !== 'EPIPE') process.exit(stream === process.stderr ? exitCode('unwritable') : fail(error, []))
      if (stopsWithoutReader && stream === process.stdout) process.exit(exitCode('ok'))
    })
  }
}

/** Says what went wrong on stderr. */
function fail(error: unknown, argv: readonly string[]): number {
  if (error instanceof ExitError) return error.oclif.exit ?? 0
  const report = reportFailure(error)
  const end = argv.indexOf('--')
  const isJson = (end < 0 ? argv : argv.slice(0, end)).includes('--json')
  process.stderr.write(isJson ? failureJson(report) : failureLines(report))
  if (process.env['S3VAULT_DEBUG']) writeStack(error)
  return report.exitCode
}

function writeStack(error: unknown): void {
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 10; cause = cause.cause, depth++) {
    process.stderr.write(`${depth === 0 ? '' : 'caused by: '}${cause.stack ?? cause.message}\n`)
  }
}
