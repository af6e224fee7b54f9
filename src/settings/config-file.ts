// The file of settings: at its top the defaults, in [profile.NAME] what a profile has of its own, and in tables named
// after a command (at the top or in a profile) what holds for that command only. Everything in it is checked when it is
// read, whichever profile and command are used: a typing error must not wait for the night it matters.
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { VaultError } from '../errors/vault-error.ts'
import type { KeyDefinition, KeyDefinitions, SettingKeys } from './keys.ts'
import { didYouMean } from './nearest-word.ts'
import { readPrivateFile, requirePrivate } from './private-file.ts'
import { isTable, TomlDocument, type TomlTable, type TomlValue } from './toml-document.ts'

export type SettingValue = string | boolean | readonly string[]

export interface Setting {
  readonly value: SettingValue
  /** Keys from the top of the file: `['profile', 'nas', 'repo']`. */
  readonly keys: readonly string[]
}

type SettingTable = ReadonlyMap<string, Setting>

/** What one part of the file says: its own keys, and those of its tables for commands. */
export interface SettingLevel {
  readonly own: SettingTable
  readonly commands: ReadonlyMap<string, SettingTable>
}

export interface ConfigFile {
  readonly path: string
  readonly defaults: SettingLevel
  readonly profiles: ReadonlyMap<string, SettingLevel>
  lineOf(setting: Setting): number
}

/** Undefined when there is no such file. Throws `usage` with file, line and key; values are never repeated. */
export function readConfigFile(path: string, keys: SettingKeys): ConfigFile | undefined {
  const file = readPrivateFile(path)
  if (file === undefined) return undefined
  const document = new TomlDocument(path, file.text)
  const reader = new LevelReader(document, keys)
  const { profile: profileTable, ...top } = document.root
  const profiles = new Map<string, SettingLevel>()
  if (profileTable !== undefined && !isTable(profileTable)) {
    throw reader.problem(['profile'], 'profiles are tables: [profile.NAME]')
  }
  for (const [name, table] of Object.entries(profileTable ?? {})) {
    if (!isTable(table)) throw reader.problem(['profile', name], 'profiles are tables: [profile.NAME]')
    profiles.set(name, reader.level(table, ['profile', name]))
  }
  const defaults = reader.level(top, [])
  if (reader.secretKey !== undefined) requirePrivate(file, `a secret (${reader.secretKey})`)
  return { path, defaults, profiles, lineOf: (setting) => document.lineOf(setting.keys) }
}

class LevelReader {
  /** Some key with a secret that was seen. */
  secretKey: string | undefined
  readonly #document: TomlDocument
  readonly #keys: SettingKeys

  constructor(document: TomlDocument, keys: SettingKeys) {
    this.#document = document
    this.#keys = keys
  }

  problem(keys: readonly string[], message: string, hint?: string): VaultError {
    const { path } = this.#document
    const text = `${path}:${this.#document.lineOf(keys)}: ${keys.at(-1) ?? ''}: ${message}`
    return new VaultError('usage', text, hint === undefined ? {} : { hint })
  }

  level(table: TomlTable, at: readonly string[]): SettingLevel {
    const own = new Map<string, Setting>()
    const commands = new Map<string, SettingTable>()
    for (const [name, value] of Object.entries(table)) {
      const keys = [...at, name]
      const ofCommand = isTable(value) ? this.#keys.commands.get(name) : undefined
      if (isTable(value) && ofCommand !== undefined) commands.set(name, this.#table(value, keys, ofCommand))
      else own.set(name, this.#setting(value, keys, this.#keys.profile))
    }
    return { own, commands }
  }

  #table(table: TomlTable, at: readonly string[], definitions: KeyDefinitions): SettingTable {
    return new Map(Object.entries(table).map(([name, value]) => [name, this.#setting(value, [...at, name], definitions)]))
  }

  #setting(value: TomlValue, keys: readonly string[], definitions: KeyDefinitions): Setting {
    const name = keys.at(-1) ?? ''
    const definition = definitions.get(name)
    if (definition === undefined) throw this.#unknown(keys, name, definitions)
    if (definition.isSecret) this.secretKey = name
    return { value: this.#value(value, keys, definition), keys }
  }

  #unknown(keys: readonly string[], name: string, definitions: KeyDefinitions): VaultError {
    if (this.#keys.commandLineOnly.has(name)) return this.problem(keys, 'belongs on the command line, not into a file')
    const owner = [...this.#keys.commands].find(([, of]) => of.has(name))?.[0]
    const isOwnTable = keys.length > 1 && this.#keys.commands.has(keys.at(-2) ?? '')
    if (owner !== undefined && !isOwnTable) {
      return this.problem(keys, `is a flag of ${owner}, and belongs into a table of its own: [${[...keys.slice(0, -1), owner].join('.')}]`)
    }
    const tables = isOwnTable ? [] : this.#keys.commands.keys()
    return this.problem(keys, `there is no such setting${didYouMean(name, [...definitions.keys(), ...tables])}`)
  }

  #value(value: TomlValue, keys: readonly string[], definition: KeyDefinition): SettingValue {
    if (definition.type === 'switch') {
      if (typeof value !== 'boolean') throw this.problem(keys, 'must be true or false, without quotes')
      return value
    }
    if (definition.type === 'text') return this.#text(value, keys, definition)
    const items = Array.isArray(value) ? (value as readonly TomlValue[]) : [value]
    return items.map((item) => this.#text(item, keys, definition))
  }

  #text(value: TomlValue, keys: readonly string[], { kind, options, form, type }: KeyDefinition): string {
    const isText = typeof value === 'string' || typeof value === 'number'
    if (!isText) throw this.problem(keys, type === 'list' ? 'must be a list of texts: ["a", "b"]' : 'must be a text in quotes')
    const text = String(value)
    if (text === '') throw this.problem(keys, 'is empty')
    if (options !== undefined && !options.includes(text)) throw this.problem(keys, `must be one of ${options.join(', ')}`)
    if (form !== undefined && !form.pattern.test(text)) throw this.problem(keys, `must be ${form.title}`)
    if (kind === undefined || (kind === 'place' && /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text))) return text
    return this.#path(text, keys)
  }

  #path(text: string, keys: readonly string[]): string {
    if (text === '~' || text.startsWith('~/')) return join(process.env['HOME'] || homedir(), text.slice(1))
    if (!isAbsolute(text)) throw this.problem(keys, 'must be a whole path, from / or ~/')
    return text
  }
}
