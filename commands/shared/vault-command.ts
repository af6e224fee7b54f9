// What all commands have in common: flags, output, the way to the vault and its password, and an exit code as result.
import { Command } from '@oclif/core/command'
import type { Config } from '@oclif/core/config'
import type { Input, ParserOutput } from '@oclif/core/interfaces'
import { assert } from '../../src/errors/assert.ts'
import { VaultError } from '../../src/errors/vault-error.ts'
import type { VaultAccess } from '../../src/operations/vault-access.ts'
import type { Settings } from '../../src/settings/settings.ts'
import { exitCodeLines } from './exit-codes.ts'
import { withDefaults, type SettingsLookup, type Values } from './flag-defaults.ts'
import { outputFlags, settingsFlags, vaultFlags } from './flags.ts'
import { interruptionSignal } from './interruption.ts'
import { processOutput, type Output } from './output.ts'
import { configuredPassword, findPassword, type FoundPassword, type PasswordSources } from './password.ts'
import { loadSettings, type ProgramFlags } from './settings-loading.ts'
import { usageFailure } from './usage-failure.ts'
import { chooseVault, requireVault, warnOfOpenCredentials, type VaultChoice, type VaultFlags } from './vault-choice.ts'

export interface CommonFlags extends VaultFlags {
  readonly json: boolean
  readonly quiet: boolean
}

export abstract class VaultCommand extends Command {
  static override baseFlags = { ...vaultFlags, ...settingsFlags, ...outputFlags }
  /** Listings end when their reader goes away; work goes on. */
  static stopsWithoutReader = false
  /** Flags whose empty value means something; any other is a variable of a shell that is not set. */
  static emptyFlags: readonly string[] = []

  #output: Output | undefined
  #settings: Promise<Settings> | undefined

  /** Resolves to the exit code. */
  abstract override run(): Promise<number>

  /** Runs a command without loading oclif's configuration a second time, as Command.run would. */
  static async launch(
    this: new (argv: string[], config: Config) => VaultCommand, argv: readonly string[], config: Config,
  ): Promise<number> {
    return new this([...argv], config)._run<number>()
  }

  protected startOutput(flags: CommonFlags): Output {
    return (this.#output = processOutput(flags))
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    this.#output?.close()
    await super.finally(error)
  }

  /** oclif would set process.exitCode here; the program maps errors itself. */
  protected override async catch(error: Error): Promise<void> {
    const { flags, baseFlags } = this.ctor
    throw usageFailure(error, this.ctor.id, Object.keys({ ...flags, ...baseFlags }))
  }

  /** Flags as given, else from the environment, else from the file of settings. Throws `usage`. */
  protected override async parse<F extends Values, B extends Values, A extends Values>(
    options: Input<F, B, A> = this.ctor as Input<F, B, A>, argv: string[] = this.argv,
  ): Promise<ParserOutput<F, B, A>> {
    const lookup = this.#settingsLookup()
    const { flags, baseFlags } = options
    const withSettings = { ...options, flags: withDefaults(flags, lookup), baseFlags: withDefaults(baseFlags, lookup) }
    const parsed = await super.parse<F, B, A>(withSettings, argv)
    await lookup.load(parsed.flags)
    for (const [name, value] of Object.entries<unknown>(parsed.flags)) {
      if (this.#meansEmpty(name)) continue
      if (value === '' || (Array.isArray(value) && value.includes(''))) {
        throw new VaultError('usage', `--${name} is empty`, { hint: 'a shell variable that is not set?' })
      }
    }
    return parsed
  }

  #meansEmpty(flag: string): boolean {
    return (this.constructor as typeof VaultCommand).emptyFlags.includes(flag)
  }

  /** What a file of settings may set. */
  protected get program(): ProgramFlags {
    return { dist: this.config.root, common: new Set(Object.keys(VaultCommand.baseFlags)) }
  }

  #settingsLookup(): SettingsLookup {
    const { common } = this.program
    const command = this.ctor.id
    return {
      load: (given) => (this.#settings ??= loadSettings(given, this.program, process.env)),
      find: (settings, flag) => settings.findFlag(command, flag, command === 'backup' || common.has(flag) || isRetention(command, flag)),
    }
  }

  /** Of this run; after `parse`. */
  protected settings(): Promise<Settings> {
    assert(this.#settings, 'settings are known once flags are parsed')
    return this.#settings
  }

  protected async chooseVault(flags: CommonFlags, output: Output): Promise<VaultChoice> {
    const choice = chooseVault(flags, process.env, await this.settings())
    warnOfOpenCredentials(choice, process.env, (item, message) => output.warning(item, message))
    const onNotice = (message: string): void => output.important(message)
    return { ...choice, place: { ...choice.place, onNotice, command: (this.constructor as typeof Command).id } }
  }

  protected async passwordSources(flags: CommonFlags, { secretFile }: VaultChoice, output: Output): Promise<PasswordSources> {
    return {
      passwordFile: flags['password-file'],
      secretFile,
      env: process.env,
      configured: configuredPassword(await this.settings()),
      warn: (item, message) => output.warning(item, message),
      signal: interruptionSignal,
    }
  }

  /** Everything that an operation needs to open an existing vault. */
  protected async access(flags: CommonFlags, output: Output): Promise<VaultAccess> {
    const choice = await this.chooseVault(flags, output)
    requireVault(choice)
    return vaultAccess(choice, await findPassword(await this.passwordSources(flags, choice, output), 'open'))
  }
}

export const vaultAccess = ({ place }: VaultChoice, { password }: FoundPassword): VaultAccess =>
  ({ ...place, password, signal: interruptionSignal })

/** A command's description for help, with the table of exit codes below it. */
export const describe = (text: string): string =>
  `${text}\n\nEXIT CODES\n${exitCodeLines().map((line) => `  ${line}`).join('\n')}`

/** How long snapshots are kept belongs to a profile, like what is backed up. */
const isRetention = (command: string | undefined, flag: string): boolean => command === 'forget' && flag.startsWith('keep-')
