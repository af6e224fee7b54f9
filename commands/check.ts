import { boolean, string } from '@oclif/core/flags'
import { checkReport, findingLines } from '../src/presentation/check-report.ts'
import { exitCode } from './shared/exit-codes.ts'
import { describe, VaultCommand } from './shared/vault-command.ts'

export default class Check extends VaultCommand {
  static override summary = 'verify a vault and name what is damaged and what that costs'
  static override description = describe(
    'Verifies that all objects are there and fit together: key slots, index, packs, and every tree of every snapshot. ' +
    'With --read-data also that every byte of content is what it must be. Damage is reported with the snapshots and files ' +
    'it hurts, and the exit code is 4.',
  )
  static override examples = ['<%= config.bin %> check', '<%= config.bin %> check --read-data-subset 1/7']
  static override flags = {
    'read-data': boolean({ exclusive: ['read-data-subset'], description: 'read and verify all content' }),
    'read-data-subset': string({
      helpValue: 'PART', description: 'read and verify a part of it: 5% or 10G at random, or 2/7, the second of seven parts',
    }),
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(Check)
    const output = this.startOutput(flags)
    const access = await this.access(flags, output)
    const { check } = await import('../src/operations/check.ts')
    const subset = flags['read-data-subset']
    const result = await check({
      ...access,
      readData: subset !== undefined ? { kind: 'subset', subset } : flags['read-data'] ? { kind: 'all' } : { kind: 'none' },
      events: output.onEvent,
      onFinding: (finding) => {
        findingLines(finding).forEach((line) => output.print(line))
        output.record({ type: 'finding', ...finding })
        output.flush()
      },
    })
    const code = exitCode(result.errors > 0 ? 'damageFound' : 'ok')
    output.summary(checkReport(result), { type: 'summary', command: 'check', ...result, exitCode: code })
    return code
  }
}
