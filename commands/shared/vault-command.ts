// What all commands have in common: flags, output, the way to the vault and its password, and an exit code as result.
import { Command } from '@oclif/core/command'
import type { Config } from '@oclif/core/config'
import type { VaultAccess } from '../../src/operations/vault-access.ts'
import { exitCodeLines } from './exit-codes.ts'
import { outputFlags, vaultFlags } from './flags.ts'
import { interruptionSignal } from './interruption.ts'
import { processOutput, type Output } from './output.ts'
import { findPassword, type FoundPassword, type PasswordSources } from './password.ts'
import { chooseVault, requireDefaultVault, warnOfOpenCredentials, type VaultChoice, type VaultFlags } from './vault-choice.ts'

export interface CommonFlags extends VaultFlags {
  readonly json: boolean
  readonly quiet: boolean
}

export abstract class VaultCommand extends Command {
  static override baseFlags = { ...vaultFlags, ...outputFlags }
  /** Listings end when their reader goes away; work goes on. */
  static stopsWithoutReader = false

  #output: Output | undefined

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
    throw error
  }

  protected chooseVault(flags: CommonFlags, output: Output): VaultChoice {
    const choice = chooseVault(flags, process.env)
    warnOfOpenCredentials(choice, process.env, (item, message) => output.warning(item, message))
    const onNotice = (message: string): void => output.important(message)
    return { ...choice, place: { ...choice.place, onNotice, command: (this.constructor as typeof Command).id } }
  }

  protected passwordSources(flags: CommonFlags, { secretFile }: VaultChoice, output: Output): PasswordSources {
    return {
      passwordFile: flags['password-file'],
      secretFile,
      env: process.env,
      warn: (item, message) => output.warning(item, message),
      signal: interruptionSignal,
    }
  }

  /** Everything that an operation needs to open an existing vault. */
  protected async access(flags: CommonFlags, output: Output): Promise<VaultAccess> {
    const choice = this.chooseVault(flags, output)
    requireDefaultVault(choice)
    return vaultAccess(choice, await findPassword(this.passwordSources(flags, choice, output), 'open'))
  }
}

export const vaultAccess = ({ place }: VaultChoice, { password }: FoundPassword): VaultAccess =>
  ({ ...place, password, signal: interruptionSignal })

/** A command's description for help, with the table of exit codes below it. */
export const describe = (text: string): string =>
  `${text}\n\nEXIT CODES\n${exitCodeLines().map((line) => `  ${line}`).join('\n')}`
