import { integer, string } from '@oclif/core/flags'
import { storageLine } from '../src/presentation/doctor-report.ts'
import { exitCode } from './shared/exit-codes.ts'
import { interruptionSignal } from './shared/interruption.ts'
import type { Output } from './shared/output.ts'
import { findPassword } from './shared/password.ts'
import { NewSecretFile } from './shared/secret-file.ts'
import type { VaultChoice } from './shared/vault-choice.ts'
import { createVault, defaultVaultSecret } from './shared/vault-creation.ts'
import { describe, VaultCommand, type CommonFlags } from './shared/vault-command.ts'

const MIB = 1024 * 1024

export default class Init extends VaultCommand {
  static override summary = 'make a new vault'
  static override description = describe(
    'Makes a vault in an empty directory or bucket prefix. Without -r it is the default vault, whose secret is generated ' +
    'and kept in a file of its own. The recovery key is shown once on a terminal; without a terminal it is written to a ' +
    'file that only you can read.',
  )
  static override examples = [
    '<%= config.bin %> init -r /mnt/disk/vault',
    '<%= config.bin %> init -r s3://bucket/laptop --generate-secret ~/.config/s3vault-laptop.secret',
  ]
  static override flags = {
    'generate-secret': string({
      helpValue: 'FILE', exclusive: ['password-file'],
      description: 'write a generated secret to this new file instead of taking a password; give it to --password-file later',
    }),
    'recovery-key-file': string({ helpValue: 'FILE', description: 'write the recovery key to this new file instead of showing it' }),
    'pack-size': integer({ helpValue: 'MIB', min: 1, max: 256, description: 'target size of data packs in MiB (without it: 32)' }),
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(Init)
    const output = this.startOutput(flags)
    const choice = await this.chooseVault(flags, output)
    const packSize = flags['pack-size']
    const created = await createVault({
      choice, output,
      password: await this.#password(flags, choice, output),
      recoveryKeyFile: flags['recovery-key-file'],
      dataPackTargetBytes: packSize === undefined ? undefined : packSize * MIB,
      signal: interruptionSignal,
    })
    output.summary(
      [...(created.storage === undefined ? [] : [storageLine(created.storage)]), `vault ${created.vault} made at ${created.location}`],
      { type: 'summary', command: 'init', ...created, exitCode: exitCode('ok') },
    )
    return exitCode('ok')
  }

  async #password(flags: CommonFlags & { readonly 'generate-secret'?: string | undefined }, choice: VaultChoice, output: Output): Promise<string> {
    const file = flags['generate-secret']
    if (file !== undefined) return this.#generateSecret(file, output)
    if (choice.secretFile !== undefined && flags['password-file'] === undefined) return defaultVaultSecret(choice)
    return (await findPassword(await this.passwordSources(flags, choice, output), 'create')).password
  }

  /** On disk before the vault is made: a vault without its secret would be of no use. */
  async #generateSecret(path: string, output: Output): Promise<string> {
    const { generateSecret } = await import('../src/operations/init.ts')
    const secret = generateSecret()
    using file = new NewSecretFile(path, 'secret file')
    file.write(secret)
    output.important(`secret: written to ${path}`)
    return secret
  }
}
