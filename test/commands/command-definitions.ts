// The commands as they are built, as plain data: for the snapshot of the interface and for the reference in the README.
import { readdirSync } from 'node:fs'
import type { VaultCommand } from '../../commands/shared/vault-command.ts'

export interface FlagDefinition {
  readonly name: string
  readonly char?: string
  readonly type: string
  readonly value?: string
  readonly multiple?: true
  readonly required?: true
  readonly options?: readonly string[]
  readonly default?: unknown
  readonly env?: string
  readonly exclusive?: readonly string[]
  readonly dependsOn?: readonly string[]
  readonly description: string
  readonly group: string
}

export interface ArgumentDefinition {
  readonly name: string
  readonly required: boolean
  readonly multiple: boolean
  readonly description: string
}

export interface CommandDefinition {
  readonly id: string
  readonly summary: string
  /** Without the table of exit codes. */
  readonly description: string
  readonly args: readonly ArgumentDefinition[]
  readonly flags: readonly FlagDefinition[]
  readonly examples: readonly string[]
}

type RawFlag = Record<string, unknown>

/** All commands by name. */
export async function commandDefinitions(): Promise<CommandDefinition[]> {
  const directory = new URL('../../commands/', import.meta.url)
  const files = readdirSync(directory).filter((name) => name.endsWith('.js')).sort()
  return Promise.all(files.map(async (file) => {
    const { default: command } = (await import(new URL(file, directory).href)) as { default: typeof VaultCommand }
    return define(file.replace(/\.js$/, ''), command)
  }))
}

function define(id: string, command: typeof VaultCommand): CommandDefinition {
  const flags = { ...command.flags, ...command.baseFlags } as unknown as Record<string, RawFlag>
  return {
    id,
    summary: command.summary ?? '',
    description: (command.description ?? '').split('\n\nEXIT CODES')[0] ?? '',
    args: Object.entries(command.args).map(([name, arg]) => ({
      name, required: arg.required === true, multiple: 'multiple' in arg && arg.multiple === true, description: arg.description ?? '',
    })),
    flags: Object.entries(flags).map(([name, flag]) => defineFlag(name, flag)),
    examples: (command.examples ?? []).map((example) => String(example).replace('<%= config.bin %>', 's3vault')),
  }
}

function defineFlag(name: string, flag: RawFlag): FlagDefinition {
  const fields = {
    name, char: flag['char'], type: flag['type'], value: flag['helpValue'], multiple: flag['multiple'] === true ? true : undefined,
    required: flag['required'] === true ? true : undefined, options: flag['options'], default: flag['default'], env: flag['env'],
    exclusive: flag['exclusive'], dependsOn: flag['dependsOn'], description: flag['description'] ?? '', group: flag['helpGroup'] ?? '',
  }
  // A flag that is off is off: `false` as a default says nothing.
  const isSaid = ([, value]: [string, unknown]): boolean => value !== undefined && value !== false
  return Object.fromEntries(Object.entries(fields).filter(isSaid)) as unknown as FlagDefinition
}
