// What holds for one run: the chosen profile above the defaults of the file, or nothing when there is no file.
import { VaultError } from '../errors/vault-error.ts'
import type { ConfigFile, Setting, SettingLevel, SettingValue } from './config-file.ts'
import { VAULT_KEYS } from './keys.ts'
import { didYouMean } from './nearest-word.ts'

export interface FoundSetting {
  readonly value: SettingValue
  readonly file: string
  /** `profile NAME` or `defaults`. */
  readonly table: string
  line(): number
}

interface NamedLevel extends SettingLevel {
  readonly table: string
}

export const DEFAULT_PROFILE = 'default'
const DEFAULTS = 'defaults'

export class Settings {
  readonly file: string | undefined
  readonly #config: ConfigFile | undefined
  /** The first that has a key decides. */
  readonly #levels: readonly NamedLevel[]
  readonly #hasForeignRepo: boolean

  /**
   * `profile`: undefined takes the one named `default` when there is one. `repo`: a place that was named beside the file.
   * Throws `usage` when a named profile is not there.
   */
  constructor(config: ConfigFile | undefined, profile: string | undefined, repo: string | undefined) {
    this.file = config?.path
    this.#config = config
    this.#levels = config === undefined ? [] : levelsOf(config, profile)
    if (config === undefined && profile !== undefined) {
      throw new VaultError('usage', `there is no file of settings, so no profile ${JSON.stringify(profile)}`, {
        hint: 'make ~/.config/s3vault/config.toml, or name a file by --config',
      })
    }
    const own = this.#levels[0]?.own.get('repo')?.value
    this.#hasForeignRepo = repo !== undefined && own !== undefined && own !== repo
  }

  /**
   * A key outside of the tables of commands. A profile's password and ways to its storage are its own vault's: when
   * another place was named, they are not tried there.
   */
  find(key: string): FoundSetting | undefined {
    return this.#first((level) => level.own.get(key), key)
  }

  /** The default of a flag of `command`; `shared`: one that the keys outside of its table set too. */
  findFlag(command: string, flag: string, shared: boolean): FoundSetting | undefined {
    return this.#first((level) => level.commands.get(command)?.get(flag) ?? (shared ? level.own.get(flag) : undefined), flag)
  }

  /** The one of `keys` that counts. Two of them at one level contradict each other: throws `usage`. */
  findOneOf(keys: readonly string[]): { readonly key: string; readonly setting: FoundSetting } | undefined {
    for (const level of this.#levels) {
      const present = keys.filter((key) => this.#counts(level, key) && level.own.has(key))
      const [key, other] = present
      const setting = key === undefined ? undefined : level.own.get(key)
      if (key === undefined || setting === undefined) continue
      const found = this.#found(setting, level)
      if (other === undefined) return { key, setting: found }
      throw new VaultError('usage', `${found.file}:${found.line()}: ${key}: ${other} is given too, and only one can count`)
    }
    return undefined
  }

  #first(look: (level: NamedLevel) => Setting | undefined, key: string): FoundSetting | undefined {
    for (const level of this.#levels) {
      const setting = this.#counts(level, key) ? look(level) : undefined
      if (setting !== undefined) return this.#found(setting, level)
    }
    return undefined
  }

  #counts(level: NamedLevel, key: string): boolean {
    return level.table === DEFAULTS || !this.#hasForeignRepo || !VAULT_KEYS.includes(key)
  }

  #found(setting: Setting, { table }: NamedLevel): FoundSetting {
    const config = this.#config
    return { value: setting.value, file: config?.path ?? '', table, line: () => config?.lineOf(setting) ?? 0 }
  }
}

function levelsOf(config: ConfigFile, name: string | undefined): NamedLevel[] {
  const profile = config.profiles.get(name ?? DEFAULT_PROFILE)
  const defaults = { ...config.defaults, table: DEFAULTS }
  if (profile !== undefined) return [{ ...profile, table: `profile ${name ?? DEFAULT_PROFILE}` }, defaults]
  if (name === undefined) return [defaults]
  const names = [...config.profiles.keys()]
  throw new VaultError('usage', `${config.path} has no profile ${JSON.stringify(name)}${didYouMean(name, names)}`, {
    hint: names.length === 0 ? 'it has no [profile.NAME] at all' : `it has ${names.join(', ')}`,
  })
}
