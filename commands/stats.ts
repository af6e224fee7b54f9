import { boolean } from '@oclif/core/flags'
import { costReport } from '../src/presentation/cost-report.ts'
import { statsReport } from '../src/presentation/stats-report.ts'
import { exitCode } from './shared/exit-codes.ts'
import { pricesFlag } from './shared/flags.ts'
import { describe, VaultCommand } from './shared/vault-command.ts'

export default class Stats extends VaultCommand {
  static override summary = 'show what a vault holds and how much room it takes'
  static override description = describe(
    'Counts objects by a listing and blobs by the index; no content is read. With --cost it says what the vault costs a month, ' +
    'and what reading all of it back would cost: an estimate from published prices, without taxes, discounts and free allowances.',
  )
  static override examples = ['<%= config.bin %> stats', '<%= config.bin %> stats --cost -r s3://bucket/laptop']
  static override flags = {
    cost: boolean({ description: 'say what the vault costs a month' }),
    prices: pricesFlag,
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(Stats)
    const output = this.startOutput(flags)
    const prices = flags.cost ? (await import('../src/cost/price-table.ts')).loadPriceTable(flags.prices) : undefined
    const access = await this.access(flags, output)
    const { stats } = await import('../src/operations/stats.ts')
    const result = await stats({ ...access, ...(prices ? { prices } : {}) })
    if (result.cost) costReport(result.cost).forEach((line) => output.print(line))
    else statsReport(result).forEach((line) => output.print(line))
    output.summary([], { type: 'summary', command: 'stats', ...result, exitCode: exitCode('ok') })
    return exitCode('ok')
  }
}
