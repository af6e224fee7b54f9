// The paths to back up: from arguments and from lists, as bytes, absolute, without duplicates.
import { lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { describeError, errnoOf, VaultError } from '../../src/errors/vault-error.ts'
import { pathText } from '../../src/snapshot/path-text.ts'
import { argumentBytes, argumentText, splitAt } from './raw-arguments.ts'

const SLASH = 0x2f
const LINE_FEED = 0x0a
const NUL = 0

/** Absolute, without `.`, `..` and doubled slashes, by text alone: symlinks in it are not looked at. */
export function absolutePath(path: Uint8Array, workingDirectory: Uint8Array): Uint8Array {
  // An unset shell variable, not the working directory.
  if (path.length === 0) throw new VaultError('usage', 'a path is empty', { hint: 'the working directory is .' })
  const whole = path[0] === SLASH ? path : Buffer.concat([workingDirectory, Buffer.from('/'), path])
  const kept: string[] = []
  for (const part of Buffer.from(whole).toString('latin1').split('/')) {
    if (part === '..') kept.pop()
    else if (part !== '' && part !== '.') kept.push(part)
  }
  return new Uint8Array(Buffer.from(`/${kept.join('/')}`, 'latin1'))
}

/** The working directory as bytes: process.cwd() loses names that are not UTF-8. */
export const workingDirectory = (): Uint8Array => readlinkSync('/proc/self/cwd', { encoding: 'buffer' })

/** A list of paths: one a line, or each ended by NUL. `-` is standard input. Empty lines are skipped. */
export function readPathList(file: string, separator: 'line' | 'nul'): Uint8Array[] {
  return splitAt(readListFile(file), separator === 'line' ? LINE_FEED : NUL).filter((path) => path.length > 0)
}

/** Patterns of --exclude-file: one a line; empty lines and those that start with # are skipped. */
export function readPatternFile(file: string): string[] {
  const lines = splitAt(readListFile(file), LINE_FEED).map(argumentText)
  return requireTextPatterns(lines.filter((line) => line !== '' && !line.startsWith('#')))
}

/** Patterns are text. Throws `usage` on one that would silently match nothing. */
export function requireTextPatterns(patterns: readonly string[]): string[] {
  for (const pattern of patterns) {
    if (!pattern.isWellFormed()) {
      throw new VaultError('usage', `the pattern ${pattern} is not UTF-8`, { hint: 'write ? for a byte that is not UTF-8' })
    }
  }
  return [...patterns]
}

function readListFile(file: string): Uint8Array {
  try {
    return readFileSync(file === '-' ? 0 : argumentPath(file))
  } catch (cause) {
    const code = errnoOf(cause)
    if (code === undefined) throw cause
    const reason = code === 'ENOENT' ? 'no such file' : describeError(cause)
    throw new VaultError('usage', `${file === '-' ? 'standard input' : file}: ${reason}`, { cause })
  }
}

const argumentPath = (text: string): Buffer => Buffer.from(argumentBytes(text))

export interface SourcePaths {
  /** Absolute, each once, in the order they were given. */
  readonly paths: readonly Uint8Array[]
  /** Named but not there, or not to be reached. */
  readonly missing: readonly { readonly path: string; readonly message: string }[]
}

/** Throws `source-unreadable` when nothing of what was named exists. */
export function findSources(named: readonly Uint8Array[], cwd: Uint8Array): SourcePaths {
  const byText = new Map<string, Uint8Array>()
  for (const name of named) {
    const path = absolutePath(name, cwd)
    byText.set(Buffer.from(path).toString('latin1'), path)
  }
  const paths: Uint8Array[] = []
  const missing: { path: string; message: string }[] = []
  for (const path of byText.values()) {
    const message = problemOf(path)
    if (message === undefined) paths.push(path)
    else missing.push({ path: pathText(path), message })
  }
  if (paths.length === 0) {
    const [first] = missing
    const others = missing.length > 1 ? ` (and ${missing.length - 1} more)` : ''
    throw new VaultError('source-unreadable', `nothing to back up: ${first?.path ?? ''}: ${first?.message ?? ''}${others}`)
  }
  return { paths, missing }
}

function problemOf(path: Uint8Array): string | undefined {
  try {
    lstatSync(Buffer.from(path))
    return undefined
  } catch (error) {
    const code = errnoOf(error)
    if (code === undefined) throw error
    return code === 'ENOENT' ? 'does not exist' : `cannot be reached (${code})`
  }
}
