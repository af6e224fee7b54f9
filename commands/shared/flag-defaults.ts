// Settings as defaults of flags: the flag parser asks for a default where neither the command line nor the environment
// gives a value, which is the order of precedence that is wanted.
import { describeError, VaultError } from '../../src/errors/vault-error.ts'
import type { SettingValue } from '../../src/settings/config-file.ts'
import type { FoundSetting, Settings } from '../../src/settings/settings.ts'

/** Values by name; as what was given on the command line or in the environment. */
export type Values = { readonly [name: string]: unknown }

interface Flag {
  readonly type: 'boolean' | 'option'
  readonly default?: unknown
  readonly parse?: (input: string, context: unknown, flag: unknown) => Promise<unknown>
}

export interface SettingsLookup {
  load(given: Values): Promise<Settings>
  find(settings: Settings, flag: string): FoundSetting | undefined
}

/** Which flags no default is to be put into: those that choose the settings, and those whose order with others is special. */
const WITHOUT_DEFAULT = new Set(['config', 'profile', 'password-file', 'credentials', 'authinfo2'])

/** Copies of flag definitions with defaults from the settings; a switch that a file turns on can be turned off by --no-NAME. */
export function withDefaults<T extends object>(flags: T | undefined, lookup: SettingsLookup): T {
  const copies = Object.entries(flags ?? {}).map(([name, definition]) => {
    const flag = definition as Flag
    if (WITHOUT_DEFAULT.has(name)) return [name, flag]
    const standard = flag.default
    const fromSettings = async ({ flags: given }: { flags: Values }): Promise<unknown> => {
      const setting = lookup.find(await lookup.load(given), name)
      return setting === undefined ? standard : parsed(flag, name, setting)
    }
    return [name, { ...flag, default: fromSettings, ...(flag.type === 'boolean' ? { allowNo: true } : {}) }]
  })
  return Object.fromEntries(copies) as T
}

/** The value as the flag would have made it of a text. Throws `usage` with file and line. */
async function parsed(flag: Flag, name: string, setting: FoundSetting): Promise<unknown> {
  if (flag.type === 'boolean' || flag.parse === undefined) return setting.value
  const parse = flag.parse
  const one = async (text: SettingValue): Promise<unknown> => {
    try {
      return await parse(String(text), {}, flag)
    } catch (cause) {
      const reason = describeError(cause)
      throw new VaultError('usage', `${setting.file}:${setting.line()}: ${name}: ${reason.charAt(0).toLowerCase()}${reason.slice(1)}`, { cause })
    }
  }
  return Array.isArray(setting.value) ? Promise.all(setting.value.map(one)) : one(setting.value)
}
