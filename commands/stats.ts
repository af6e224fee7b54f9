import { statsReport } from '../src/presentation/stats-report.ts'
import { exitCode } from './shared/exit-codes.ts'
import { describe, VaultCommand } from './shared/vault-command.ts'

export default class Stats extends VaultCommand {
  static override summary = 'show what a vault holds and how much room it takes'
  static override description = describe('Counts objects by a listing and blobs by the index; no content is read.')
  static override examples = ['<%= config.bin %> stats']

  async run(): Promise<number> {
    const { flags } = await this.parse(Stats)
    const output = this.startOutput(flags)
    const access = await this.access(flags, output)
    const { stats } = await import('../src/operations/stats.ts')
    const result = await stats(access)
    statsReport(result).forEach((line) => output.print(line))
    output.summary([], { type: 'summary', command: 'stats', ...result, exitCode: exitCode('ok') })
    return exitCode('ok')
  }
}
