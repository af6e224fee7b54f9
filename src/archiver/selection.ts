// Which part of a source is backed up. Patterns are as in a .gitignore, on absolute paths: `*` and `?` stay within a
// component, `**` crosses them, a pattern with a slash at its start is anchored at the root, one with a slash elsewhere
// matches at any depth, one without matches a name at any depth, a slash at the end matches directories only, `!` takes
// back. The last match decides; what lies below an excluded directory is not visited.
import { VaultError } from '../errors/vault-error.ts'

export interface SourceSelection {
  readonly excludes: readonly string[]
  /** Leave out what lies in a directory with a CACHEDIR.TAG (bford.info/cachedir), but for the tag itself. */
  readonly excludeCaches: boolean
  readonly oneFileSystem: boolean
}

export const CACHEDIR_TAG = new TextEncoder().encode('CACHEDIR.TAG')
export const CACHEDIR_SIGNATURE = new TextEncoder().encode('Signature: 8a477f597d28d172789f06886806bc55')

interface Rule {
  readonly text: string
  /** A path was asked for that it fits. */
  hasMatched: boolean
  readonly pattern: RegExp
  readonly takesBack: boolean
  readonly directoriesOnly: boolean
}

/** Patterns and paths are compared as Latin-1 text of their bytes, so that names need not be UTF-8. */
const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

function glob(pattern: string): string {
  let out = ''
  for (let i = 0; i < pattern.length; i++) {
    const letter = pattern[i] ?? ''
    if (pattern.startsWith('**/', i)) {
      out += '(?:.*/)?'
      i += 2
    } else if (pattern.startsWith('**', i)) {
      out += '.*'
      i += 1
    } else if (letter === '*') out += '[^/]*'
    else if (letter === '?') out += '[^/]'
    else if (letter === '[') {
      const end = pattern.indexOf(']', i + 2)
      if (end < 0) out += '\\['
      else {
        out += `[${pattern.slice(i + 1, end).replace(/^!/, '^').replace(/\\/g, '\\\\')}]`
        i = end
      }
    } else if (letter === '\\' && i + 1 < pattern.length) {
      i += 1
      out += (pattern[i] ?? '').replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    } else out += letter.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  }
  return out
}

function rule(text: string): Rule {
  const takesBack = text.startsWith('!')
  let body = latin1(takesBack ? text.slice(1) : text)
  const directoriesOnly = body.length > 1 && body.endsWith('/')
  if (directoriesOnly) body = body.slice(0, -1)
  const prefix = body.startsWith('/') ? '^' : '(?:^|/)'
  try {
    return { pattern: new RegExp(`${prefix}${glob(body)}$`, 's'), takesBack, directoriesOnly, text, hasMatched: false }
  } catch (cause) {
    throw new VaultError('usage', `exclude pattern ${JSON.stringify(text)} is malformed`, { cause })
  }
}

/** Decides by patterns alone. Throws `usage` on a malformed pattern. */
export class PatternList {
  readonly #rules: readonly Rule[]

  constructor(patterns: readonly string[]) {
    this.#rules = patterns.filter((pattern) => pattern !== '').map(rule)
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0
  }

  /** True when `path` (absolute, raw bytes) is matched by the last rule that applies to it. */
  matches(path: Uint8Array, kind: 'directory' | 'other'): boolean {
    if (this.#rules.length === 0) return false
    const text = Buffer.from(path.buffer, path.byteOffset, path.length).toString('latin1')
    let matched = false
    for (const rule of this.#rules) {
      if (rule.directoriesOnly && kind !== 'directory') continue
      if (!rule.pattern.test(text)) continue
      rule.hasMatched = true
      matched = !rule.takesBack
    }
    return matched
  }

  /** Patterns that have fitted no path so far. */
  unmatched(): string[] {
    return this.#rules.filter(({ hasMatched }) => !hasMatched).map(({ text }) => text)
  }
}
