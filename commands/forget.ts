import { string as stringArgument } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import { VaultError } from '../src/errors/vault-error.ts'
import type { ForgetChoice } from '../src/operations/forget.ts'
import { forgetReport, forgetRecords, forgetSummary } from '../src/presentation/forget-report.ts'
import { exitCode } from './shared/exit-codes.ts'
import { groupKeys, retentionFlags, retentionPolicy } from './shared/retention-flags.ts'
import { snapshotFilter, snapshotFilterFlags } from './shared/snapshot-filter.ts'
import { describe, VaultCommand } from './shared/vault-command.ts'

export default class Forget extends VaultCommand {
  static override strict = false
  static override emptyFlags = ['tag', 'group-by']
  static override summary = 'forget snapshots, by name or by a retention policy'
  static override description = describe(
    'Forgets the snapshots named, or those that no rule of the policy keeps: in each group (snapshots of one host and the ' +
    'same paths) every --keep rule keeps what it is for, and the rest goes. A snapshot that was forgotten is no longer listed ' +
    'and can be brought back by undelete until its packs are pruned. --dry-run shows what would go, why the others stay, and ' +
    'how much storage only the going ones need. A policy that keeps nothing is refused.\n' +
    'Periods are those of this machine\'s time zone, weeks begin on Monday. Durations are years, months, days and hours: 1y6m, ' +
    '30d, 12h.',
  )
  static override examples = [
    '<%= config.bin %> forget --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --keep-yearly 3 --dry-run',
    '<%= config.bin %> forget 3f1c9a2e',
  ]
  static override args = {
    snapshot: stringArgument({ ignoreStdin: true, description: 'snapshots to forget, by id, latest or latest~N; then no policy is given' }),
  }
  static override flags = {
    ...retentionFlags,
    'group-by': string({
      default: 'host,paths', helpValue: 'KEYS', description: 'what makes a group: some of host,paths,tags; empty: all are one group',
    }),
    ...snapshotFilterFlags,
    'dry-run': boolean({ char: 'n', description: 'forget nothing; show what would be, and how much it would free' }),
  }

  async run(): Promise<number> {
    const { argv, flags, metadata } = await this.parse(Forget)
    const output = this.startOutput(flags)
    const policy = retentionPolicy(flags)
    const names = argv.map(String)
    // A policy from the file of settings does not hinder naming one snapshot.
    const isTyped = (name: string): boolean => metadata.flags[name]?.setFromDefault !== true
    const isPolicyGiven = Object.keys(flags).some((name) =>
      (name.startsWith('keep-') || name in snapshotFilterFlags) && isTyped(name))
    if (names.length > 0 && isPolicyGiven) {
      throw new VaultError('usage', 'name snapshots or give a policy, not both', { hint: '--keep-id keeps a snapshot whatever the policy says' })
    }
    const choice: ForgetChoice = names.length > 0
      ? { by: 'name', snapshots: names }
      : { by: 'policy', policy, groupBy: groupKeys(flags['group-by']), filter: snapshotFilter(flags) }
    const access = await this.access(flags, output)
    const { forget } = await import('../src/operations/forget.ts')
    const mode = flags['dry-run'] ? 'dry-run' : 'commit'
    const result = await forget({ ...access, choice, mode, events: output.onEvent })
    forgetReport(result, mode).forEach((line) => output.print(line))
    forgetRecords(result).forEach((record) => output.record(record))
    const code = exitCode('ok')
    output.summary([forgetSummary(result, mode)], {
      type: 'summary', command: 'forget', mode, kept: result.kept, forgotten: result.forgotten.length, requests: result.requests,
      ...(result.wouldFree ? { wouldFree: result.wouldFree } : {}), exitCode: code,
    })
    return code
  }
}
