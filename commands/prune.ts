import { boolean, string } from '@oclif/core/flags'
import { VaultError } from '../src/errors/vault-error.ts'
import { pruneReport } from '../src/presentation/prune-report.ts'
import { percentage, sizeBytes, spanMs } from './shared/amounts.ts'
import { exitCode } from './shared/exit-codes.ts'
import { describe, VaultCommand } from './shared/vault-command.ts'

export default class Prune extends VaultCommand {
  static override summary = 'free the storage that no snapshot needs any more'
  static override description = describe(
    'Needs no lock: backups, restores and other prunes may run at the same time. A run deletes what an earlier one has marked, ' +
    'once the grace period is over and every running backup has noticed the mark; then it looks for what no snapshot needs, ' +
    'copies what must stay out of packs that are mostly waste, and marks those. So storage becomes free with the second run: ' +
    'put prune into the nightly job, after forget. It can be stopped and run again at any point.',
  )
  static override examples = ['<%= config.bin %> prune --dry-run', '<%= config.bin %> prune --max-unused 10%']
  static override flags = {
    'dry-run': boolean({ char: 'n', description: 'change nothing; show what would be marked and copied' }),
    'max-unused': string({
      default: '5%', helpValue: 'LIMIT',
      description: 'how much waste may stay in packs: a part of what is needed (5%), a size (2G), or unlimited: copy nothing',
    }),
    'max-repack-size': string({ helpValue: 'SIZE', description: 'copy at most this much in one run' }),
    'grace': string({
      default: '24h', helpValue: 'SPAN',
      description: 'how long what is marked stays, and how old a pack must be to be looked at; less than a day only when no other client uses the vault',
    }),
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(Prune)
    const output = this.startOutput(flags)
    const mode = flags['dry-run'] ? 'dry-run' : 'commit'
    const options = {
      mode, maxUnused: maxUnused(flags['max-unused']), graceMs: spanMs('grace', flags.grace),
      maxRepackBytes: flags['max-repack-size'] === undefined ? Number.POSITIVE_INFINITY : sizeBytes('max-repack-size', flags['max-repack-size']),
    } as const
    const access = await this.access(flags, output)
    const { prune } = await import('../src/operations/prune.ts')
    const result = await prune({ ...access, ...options, events: output.onEvent })
    const code = exitCode('ok')
    const { plan, ...done } = result
    output.summary(pruneReport(result, mode), {
      type: 'summary', command: 'prune', mode, ...done,
      plan: { dead: plan.dead.length, repack: plan.repack.length, ...plan.totals }, exitCode: code,
    })
    return code
  }
}

function maxUnused(text: string): { bytes: number } | { part: number } {
  if (text === 'unlimited') return { bytes: Number.POSITIVE_INFINITY }
  const part = percentage(text)
  if (part !== undefined) return { part }
  if (/%/.test(text)) throw new VaultError('usage', `--max-unused ${JSON.stringify(text)}: at most 100%`)
  return { bytes: sizeBytes('max-unused', text) }
}
