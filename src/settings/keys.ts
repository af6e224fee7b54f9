// Which keys a file of settings may have. A key is the default of the flag of the same name, so a new flag is a new key;
// only what is no flag (secrets, paths to back up, retention) is named here.

export interface KeyDefinition {
  readonly type: 'text' | 'switch' | 'list'
  /** The only values it takes. */
  readonly options?: readonly string[]
  /** `~/` is expanded, and what is relative is refused: a timer starts in another directory than a person. */
  readonly kind?: 'path' | 'place'
  readonly isSecret?: true
  /** What the text has to look like, and how to say so. */
  readonly form?: { readonly pattern: RegExp; readonly title: string }
}

export type KeyDefinitions = ReadonlyMap<string, KeyDefinition>

/** A flag as the command line knows it. */
export interface FlagFacts {
  readonly name: string
  readonly type: 'boolean' | 'option'
  readonly multiple?: boolean
  readonly options?: readonly string[]
  readonly helpValue?: string | readonly string[]
}

/** What would be a trap when it came from a file: it changes what a command does, or names things of one run. */
const COMMAND_LINE_ONLY = new Set([
  'config', 'profile', 'json', 'init', 'dry-run', 'delete', 'target', 'files-from', 'files-from0', 'recovery-key-file',
  'generate-secret',
])

const COUNT = { pattern: /^([1-9]\d{0,5}|all)$/, title: 'a whole number from 1, or "all"' }
const DURATION = { pattern: /^(\d{1,5}[ymdh]){1,4}$/, title: 'a time such as 30d or 1y6m (years, months, days, hours)' }
const PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'yearly']

/** How long snapshots are kept; the names are restic's. */
const RETENTION_KEYS: readonly (readonly [string, KeyDefinition])[] = [
  ...['last', ...PERIODS].map((name) => [`keep-${name}`, { type: 'text', form: COUNT }] as const),
  ...['', ...PERIODS.map((name) => `-${name}`)].map((name) => [`keep-within${name}`, { type: 'text', form: DURATION }] as const),
  ['keep-tag', { type: 'list' }],
]

/** Which of a profile's keys are used only for the profile's own vault. */
export const VAULT_KEYS = [
  'repo', 's3-endpoint', 's3-region', 'password', 'password-file', 'password-command', 'credentials', 'authinfo2',
  'access-key-id', 'secret-access-key', 'session-token',
]

/** Keys of a profile that are no flags. */
const PLAIN_KEYS: readonly (readonly [string, KeyDefinition])[] = [
  ['paths', { type: 'list', kind: 'path' }],
  ['password', { type: 'text', isSecret: true }],
  ['password-command', { type: 'text' }],
  ['access-key-id', { type: 'text' }],
  ['secret-access-key', { type: 'text', isSecret: true }],
  ['session-token', { type: 'text', isSecret: true }],
  ...RETENTION_KEYS,
]

export interface SettingKeys {
  /** Of profiles, and of the top of the file. */
  readonly profile: KeyDefinitions
  /** Of a command's own table, by command. */
  readonly commands: ReadonlyMap<string, KeyDefinitions>
  /** Flags that a file must not set. */
  readonly commandLineOnly: ReadonlySet<string>
}

/** `flags`: those of every command, by command; `common`: names of those that all have. */
export function settingKeys(flags: ReadonlyMap<string, readonly FlagFacts[]>, common: ReadonlySet<string>): SettingKeys {
  const definitions = (of: readonly FlagFacts[]): [string, KeyDefinition][] =>
    of.filter(({ name }) => !COMMAND_LINE_ONLY.has(name)).map((flag) => [flag.name, flagKey(flag)])
  const commands = new Map([...flags].map(([command, of]) => [command, new Map(definitions(of))]))
  const all = [...flags.values()].flat()
  // Of a flag that several commands have the backup's meaning counts: a profile says what is backed up, and where to.
  const profile = [...definitions(all.filter(({ name }) => common.has(name))), ...definitions(flags.get('backup') ?? [])]
  return { profile: new Map([...profile, ...PLAIN_KEYS]), commands, commandLineOnly: COMMAND_LINE_ONLY }
}

function flagKey({ type, multiple, options, helpValue }: FlagFacts): KeyDefinition {
  if (type === 'boolean') return { type: 'switch' }
  const kind = helpValue === 'PLACE' ? 'place' : helpValue === 'FILE' || helpValue === 'DIR' || helpValue === 'PATH' ? 'path' : undefined
  return {
    type: multiple === true ? 'list' : 'text',
    ...(options === undefined ? {} : { options }),
    ...(kind === undefined ? {} : { kind }),
  }
}
