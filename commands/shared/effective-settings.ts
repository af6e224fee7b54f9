// Every setting that is in effect, and where it comes from: flags, else variables, else the file of settings.
import { maskedValue, type ShownSetting } from '../../src/presentation/settings-report.ts'
import type { FoundSetting, Settings } from '../../src/settings/settings.ts'
import { programKeys, readManifest, type ProgramFlags } from './settings-loading.ts'
import { chooseVault } from './vault-choice.ts'

export interface SettingSources {
  /** Flags of every command that were given, on the command line or by a variable. */
  readonly given: readonly { readonly key: string; readonly value: ShownSetting['value']; readonly source: string }[]
  readonly settings: Settings
  readonly program: ProgramFlags
  readonly env: NodeJS.ProcessEnv
}

/** Of each row one key counts, and the others are not looked at. */
const ALTERNATIVES = [['password-file', 'password', 'password-command'], ['authinfo2', 'credentials', 'access-key-id']]
/** Mean something only beside another key. */
const COMPANIONS = new Map([['secret-access-key', 'access-key-id'], ['session-token', 'access-key-id']])

/** Variables of the password, which is no flag; the first counts. */
const PASSWORD_VARIABLES = [
  ['password', 'S3VAULT_PASSWORD'], ['password-file', 'S3VAULT_PASSWORD_FILE'], ['password-command', 'S3VAULT_PASSWORD_COMMAND'],
] as const

/** Sorted by key; secrets are masked. */
export function effectiveSettings(sources: SettingSources): ShownSetting[] {
  const { profile, commands } = programKeys(sources.program)
  const { settings } = sources
  const shown = new Map<string, ShownSetting>()
  const add = (setting: ShownSetting): unknown => shown.has(setting.key) || shown.set(setting.key, setting)
  const isInEffect = (key: string): boolean => {
    const companion = COMPANIONS.get(key)
    if (companion !== undefined) return shown.has(companion)
    const rivals = ALTERNATIVES.find((keys) => keys.includes(key))
    return isFree(key, shown) && (rivals === undefined || settings.findOneOf(rivals)?.key === key)
  }
  for (const setting of sources.given) add(setting)
  for (const setting of fromVariables(sources)) if (isFree(setting.key, shown)) add(setting)
  for (const key of profile.keys()) if (isInEffect(key)) fromFile(key, settings.find(key)).forEach(add)
  for (const [command, keys] of commands) {
    for (const key of keys.keys()) fromFile(`${command}.${key}`, settings.findFlag(command, key, false)).forEach(add)
  }
  if (!shown.has('repo')) add({ key: 'repo', value: chooseVault({}, sources.env).place.repo, source: 'built in' })
  return [...shown.values()]
    .map((setting) => ({ ...setting, value: maskedValue(setting.key, setting.value, profile.get(setting.key)?.isSecret === true) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
}

const isFree = (key: string, shown: ReadonlyMap<string, ShownSetting>): boolean =>
  !(ALTERNATIVES.find((keys) => keys.includes(key)) ?? [key]).some((each) => shown.has(each))

function fromFile(key: string, setting: FoundSetting | undefined): ShownSetting[] {
  return setting === undefined ? [] : [{ key, value: setting.value, source: `${setting.file}:${setting.line()} (${setting.table})` }]
}

/** The password, and flags of backup. */
function fromVariables({ program, env }: SettingSources): ShownSetting[] {
  const ofBackup = Object.values(readManifest(program.dist)['backup']?.flags ?? {}).map((flag) => [flag.name, flag.env ?? ''] as const)
  return [...PASSWORD_VARIABLES.filter(([, name]) => env[name]).slice(0, 1), ...ofBackup.filter(([, name]) => env[name])]
    .map(([key, name]) => ({ key, value: env[name] ?? '', source: `environment ${name}` }))
}
