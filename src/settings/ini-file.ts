// As much of ini files as Python's configparser and the AWS tools write: sections of `name: value` or `name = value`,
// whole lines of comment, and a value that goes on in lines that are indented.
// https://docs.python.org/3/library/configparser.html#supported-ini-file-structure
import { VaultError } from '../errors/vault-error.ts'

export interface IniSection {
  readonly name: string
  /** From 1. */
  readonly line: number
  /** Names in lower case. */
  readonly values: ReadonlyMap<string, string>
}

/** Throws `usage` with path and line; nothing of the text is repeated. */
export function parseIni(text: string, path: string): IniSection[] {
  const sections: { name: string; line: number; values: Map<string, string> }[] = []
  let lastKey: string | undefined
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = index + 1
    const content = raw.trim()
    if (content === '' || content.startsWith('#') || content.startsWith(';')) continue
    const current = sections.at(-1)
    const header = /^\[(.+)\]$/.exec(content)?.[1]
    if (header !== undefined && header === header.trimStart()) {
      sections.push({ name: header, line, values: new Map() })
      lastKey = undefined
    } else if (current === undefined) {
      throw new VaultError('usage', `${path}:${line}: a [section] must come first`)
    } else if (/^\s/.test(raw) && lastKey !== undefined) {
      current.values.set(lastKey, `${current.values.get(lastKey) ?? ''}\n${content}`)
    } else {
      const [, key, value = ''] = /^([^:=]+?)\s*[:=]\s*(.*)$/.exec(content) ?? []
      if (key === undefined) throw new VaultError('usage', `${path}:${line}: neither a [section] nor a name with a value`)
      lastKey = key.toLowerCase()
      current.values.set(lastKey, value)
    }
  }
  return sections
}
