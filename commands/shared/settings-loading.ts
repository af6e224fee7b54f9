// From --config, --profile and what the commands' flags are to the settings of this run. Nothing of it is loaded, and no
// TOML parser, where there is no file.
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { VaultError } from '../../src/errors/vault-error.ts'
import { settingKeys, type FlagFacts, type SettingKeys } from '../../src/settings/keys.ts'
import { Settings } from '../../src/settings/settings.ts'
import { xdgDirectory } from './vault-choice.ts'

export interface SettingsChoice {
  /** --config or S3VAULT_CONFIG */
  readonly config?: string | undefined
  /** --profile or S3VAULT_PROFILE */
  readonly profile?: string | undefined
  /** --repo or S3VAULT_REPO */
  readonly repo?: string | undefined
}

export interface ProgramFlags {
  /** The folder of oclif.manifest.json. */
  readonly dist: string
  /** Names of the flags that every command has. */
  readonly common: ReadonlySet<string>
}

/** Throws `usage`. */
export async function loadSettings({ config, profile, repo }: SettingsChoice, program: ProgramFlags, env: NodeJS.ProcessEnv): Promise<Settings> {
  const path = config ?? join(xdgDirectory(env, 'XDG_CONFIG_HOME', '.config'), 's3vault', 'config.toml')
  // Not existsSync: settings that cannot be reached are not settings that are not there.
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    if (config !== undefined) throw new VaultError('usage', `file of settings ${path}: no such file`)
    return new Settings(undefined, profile, repo)
  }
  const { readConfigFile } = await import('../../src/settings/config-file.ts')
  return new Settings(readConfigFile(path, programKeys(program)), profile, repo)
}

type Manifest = { readonly commands: Readonly<Record<string, { readonly flags: Readonly<Record<string, FlagFacts & { readonly env?: string }>> }>> }

export function readManifest(dist: string): Manifest['commands'] {
  return (JSON.parse(readFileSync(join(dist, 'oclif.manifest.json'), 'utf8')) as Manifest).commands
}

export function programKeys({ dist, common }: ProgramFlags): SettingKeys {
  const commands = Object.entries(readManifest(dist))
  return settingKeys(new Map(commands.map(([id, { flags }]) => [id, Object.values(flags)])), common)
}
