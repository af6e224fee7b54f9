// A TOML file whose keys know their lines. The parser gives values only; where a key stands is found when it has to be
// said, by parsing ever longer beginnings of the text: the line after the last beginning that lacks the key.
import { parse, TomlError } from 'smol-toml'
import { VaultError } from '../errors/vault-error.ts'

export type TomlTable = { readonly [key: string]: TomlValue }
export type TomlValue = string | number | bigint | boolean | Date | readonly TomlValue[] | TomlTable

/** Our files have tables of tables of values. */
const DEPTH_MAX = 8

export class TomlDocument {
  readonly path: string
  readonly root: TomlTable
  readonly #text: string

  /** Throws `usage` with file and line. Nothing of the text is in the message: it may be a secret. */
  constructor(path: string, text: string) {
    this.path = path
    this.#text = text
    try {
      this.root = parseTable(text)
    } catch (cause) {
      if (!(cause instanceof TomlError)) throw cause
      const reason = (cause.message.split('\n', 1)[0] ?? '').replace('Invalid TOML document: ', '')
      // Without its cause: the parser's message shows the lines around.
      throw new VaultError('usage', `${path}:${cause.line}: ${reason}`, { hint: 'the file is TOML: key = "value", see https://toml.io' })
    }
  }

  /** Line of a key, from 1. */
  lineOf(keys: readonly string[]): number {
    const lines = this.#text.split('\n')
    let line = 1
    for (let count = 1; count <= lines.length; count++) {
      const beginning = parseIfWhole(lines.slice(0, count).join('\n'))
      if (beginning === undefined) continue // within a value of several lines
      if (hasKey(beginning, keys)) return line
      line = count + 1
    }
    return line
  }
}

const parseTable = (text: string): TomlTable => parse(text, { maxDepth: DEPTH_MAX, unsafeKeyBehaviour: 'throw' }) as TomlTable

function parseIfWhole(text: string): TomlTable | undefined {
  try {
    return parseTable(text)
  } catch (error) {
    if (error instanceof TomlError) return undefined
    throw error
  }
}

function hasKey(table: TomlTable, keys: readonly string[]): boolean {
  let value: TomlValue | undefined = table
  for (const key of keys) {
    if (!isTable(value) || !Object.hasOwn(value, key)) return false
    value = value[key]
  }
  return true
}

export const isTable = (value: TomlValue | undefined): value is TomlTable =>
  typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date)
