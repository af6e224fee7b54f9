import { string as argument } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import { VaultError } from '../src/errors/vault-error.ts'
import { ROLES, type Role } from '../src/policy/policy-document.ts'
import { policyReport } from '../src/presentation/policy-report.ts'
import { exitCode } from './shared/exit-codes.ts'
import { interruptionSignal } from './shared/interruption.ts'
import { describe, VaultCommand } from './shared/vault-command.ts'

export default class Policy extends VaultCommand {
  static override summary = 'print a policy with the least rights that a key of the bucket needs'
  static override description = describe(
    'Prints the policy as JSON, for a user of AWS or of a server that knows the same language, and says on stderr what it ' +
    'protects from. For append-only it looks at the bucket first, and refuses with exit code 14 where such a key could ' +
    'still destroy backups by overwriting them.',
  )
  static override examples = [
    '<%= config.bin %> policy append-only -r s3://bucket/laptop > policy.json',
    '<%= config.bin %> policy read-only -r s3://bucket/laptop --bucket-policy --principal arn:aws:iam::123456789012:user/ana',
  ]
  static override args = {
    role: argument({ required: true, ignoreStdin: true, options: ROLES, description: 'full, append-only (backs up, deletes nothing) or read-only' }),
  }
  static override flags = {
    'bucket-policy': boolean({ dependsOn: ['principal'], description: 'print a policy to attach to the bucket, not to a user' }),
    'principal': string({ helpValue: 'ARN', dependsOn: ['bucket-policy'], description: 'with --bucket-policy: whose rights these are' }),
    'offline': boolean({ description: 'send nothing to the bucket; of append-only nothing is promised then' }),
  }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Policy)
    const output = this.startOutput(flags)
    const { place, secretFile } = await this.chooseVault(flags, output)
    if (secretFile !== undefined) throw new VaultError('usage', 'no bucket given', { hint: 's3vault policy ROLE -r s3://bucket/prefix' })
    const { policy } = await import('../src/operations/policy.ts')
    const { principal } = flags
    const result = await policy({
      ...place, role: args.role as Role, signal: interruptionSignal,
      look: flags.offline ? 'never' : 'bucket', ...(principal === undefined ? {} : { principal }),
    })
    output.print(JSON.stringify(result.policy, undefined, 2))
    if (output.format === 'text' && !flags.quiet) policyReport(result).forEach((line) => output.important(line))
    output.summary([], { type: 'summary', command: 'policy', ...result, exitCode: exitCode('ok') })
    return exitCode('ok')
  }
}
