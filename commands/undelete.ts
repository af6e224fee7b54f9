import { string } from '@oclif/core/args'
import { forgottenRecord, forgottenTable } from '../src/presentation/forget-report.ts'
import { formatItems } from '../src/presentation/quantities.ts'
import { exitCode } from './shared/exit-codes.ts'
import { describe, VaultCommand } from './shared/vault-command.ts'

export default class Undelete extends VaultCommand {
  static override strict = false
  static override summary = 'list forgotten snapshots, or bring some back'
  static override description = describe(
    'Without an argument: lists the snapshots that were forgotten, the last one first. With ids: brings those snapshots back, ' +
    'as they were, as long as prune has not deleted what they need.',
  )
  static override examples = ['<%= config.bin %> undelete', '<%= config.bin %> undelete 3f1c9a2e']
  static override args = {
    snapshot: string({ ignoreStdin: true, description: 'ids of forgotten snapshots, or their first digits' }),
  }

  async run(): Promise<number> {
    const { argv, flags } = await this.parse(Undelete)
    const output = this.startOutput(flags)
    const access = await this.access(flags, output)
    const { forgottenSnapshots, undelete } = await import('../src/operations/undelete.ts')
    const isList = argv.length === 0
    const { forgotten, damaged, requests } = isList ? await forgottenSnapshots(access) : { ...(await undelete(access, argv.map(String))), damaged: [] }
    for (const { name, message } of damaged) output.warning(name, message)
    if (output.format === 'text' && forgotten.length > 0) forgottenTable(forgotten).forEach((line) => output.print(line))
    for (const one of forgotten) output.record({ type: isList ? 'forgotten' : 'undeleted', ...forgottenRecord(one) })
    const code = exitCode(damaged.length > 0 ? 'partial' : 'ok')
    const count = formatItems(forgotten.length, isList ? 'forgotten snapshot' : 'snapshot')
    output.summary(
      [isList ? count : `${count} brought back`],
      { type: 'summary', command: 'undelete', mode: isList ? 'list' : 'commit', snapshots: forgotten.length, requests, exitCode: code },
    )
    return code
  }
}
