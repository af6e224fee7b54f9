import { boolean, integer, option, string } from '@oclif/core/flags'
import { ARCHIVE_TIERS, loadPriceTable, type PriceTable } from '../src/cost/price-table.ts'
import { isVaultError } from '../src/errors/vault-error.ts'
import type { RestoreRequest } from '../src/operations/restore.ts'
import type { ChosenSnapshot } from '../src/operations/snapshot-choice.ts'
import { restorePlanReport } from '../src/presentation/restore-plan-report.ts'
import { changeLine, restoreReport, restoreStartLine } from '../src/presentation/restore-report.ts'
import { pathText } from '../src/snapshot/path-text.ts'
import { announceAmbiguity } from './shared/chosen-snapshot.ts'
import { exitCode } from './shared/exit-codes.ts'
import { pricesFlag, repeated } from './shared/flags.ts'
import type { Output } from './shared/output.ts'
import { argumentBytes } from './shared/raw-arguments.ts'
import { parseSnapshotArgument, snapshotArgument } from './shared/snapshot-argument.ts'
import { snapshotFilter, snapshotFilterFlags } from './shared/snapshot-filter.ts'
import { absolutePath, requireTextPatterns, workingDirectory } from './shared/source-paths.ts'
import { describe, VaultCommand } from './shared/vault-command.ts'

const OVERWRITE_MODES = ['always', 'if-changed', 'if-newer', 'never'] as const

export default class Restore extends VaultCommand {
  static override emptyFlags = ['tag']
  static override summary = 'copy the files of a snapshot back'
  static override description = describe(
    'Makes the target like the snapshot, or like one path of it. Files that are right already are left alone, of changed ' +
    'files only the parts that differ are written. Nothing is ever written outside the target. What cannot be restored is ' +
    'reported, the rest goes on, and the exit code is 3. What lies in an archive storage class is brought back first: that ' +
    'takes hours and is billed, --plan says how long and how much. Interrupt the wait as you like; the same restore goes on with it.',
  )
  static override examples = [
    '<%= config.bin %> restore latest --target /tmp/back',
    '<%= config.bin %> restore latest:/home/ana/documents --target ~/documents --dry-run',
    '<%= config.bin %> restore latest --target /tmp/back --plan',
  ]
  static override args = { snapshot: snapshotArgument }
  static override flags = {
    'target': string({ char: 't', required: true, helpValue: 'DIR', description: 'directory to restore into; made when it does not exist' }),
    'include': repeated({ char: 'i', helpValue: 'PATTERN', description: 'restore only what matches; may be given several times; one that matches nothing is an error' }),
    'exclude': repeated({ char: 'e', helpValue: 'PATTERN', description: 'leave out what matches; may be given several times' }),
    'overwrite': option({
      options: OVERWRITE_MODES, default: 'always', helpValue: 'MODE',
      description: 'existing files: always compare and mend the content, only if size or mtime differ (if-changed), only ' +
        'if the snapshot is newer (if-newer), or never',
    })(),
    'delete': boolean({ description: 'delete from the target what the snapshot does not have' }),
    'verify': boolean({ description: 'read restored files again and compare them with the snapshot' }),
    'dry-run': boolean({ char: 'n', description: 'name what would be created, replaced, updated and deleted, but do nothing' }),
    'plan': boolean({
      exclusive: ['dry-run'], description: 'say which packs are needed, how many are archived, how long they take and what it costs; do nothing',
    }),
    'archive-tier': option({
      options: ARCHIVE_TIERS, default: 'standard', helpValue: 'TIER',
      description: 'how fast archived packs are brought back; bulk is the cheapest, expedited takes minutes and costs most',
    })(),
    'archive-days': integer({
      helpValue: 'DAYS', default: 3, min: 1, max: 365, description: 'how long they stay readable; each day is billed',
    }),
    'prices': pricesFlag,
    ...snapshotFilterFlags,
  }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Restore)
    const output = this.startOutput(flags)
    const source = parseSnapshotArgument(args.snapshot)
    const prices = flags.plan ? loadPriceTable(flags.prices) : usablePrices(flags.prices, output)
    const access = await this.access(flags, output)
    const { planRestore, restore } = await import('../src/operations/restore.ts')
    const mode = flags['dry-run'] ? 'dry-run' : 'write'
    const target = absolutePath(argumentBytes(flags.target), workingDirectory())
    const namesChanges = !flags.plan && (mode === 'dry-run' || output.format === 'json')
    const request: RestoreRequest = {
      ...access, ...source, mode, target, filter: snapshotFilter(flags),
      archive: { speed: flags['archive-tier'], days: flags['archive-days'], prices },
      onChosen: (chosen) => announce(output, chosen, pathText(target)),
      ...(namesChanges ? { onChange: (change) => {
        if (output.format === 'json') output.record({ type: 'change', ...change })
        else output.print(changeLine(change))
      } } : {}),
      includes: requireTextPatterns(flags.include ?? []),
      excludes: requireTextPatterns(flags.exclude ?? []),
      extra: flags.delete ? 'delete' : 'keep',
      verify: flags.verify ? 'yes' : 'no',
      overwrite: flags.overwrite,
      events: output.onEvent,
    }
    if (flags.plan) {
      const plan = await planRestore(request)
      restorePlanReport(plan).forEach((line) => output.print(line))
      output.summary([], { type: 'summary', command: 'restore', mode: 'plan', ...plan, exitCode: exitCode('ok') })
      return exitCode('ok')
    }
    const result = await restore(request)
    const code = exitCode(result.warnings > 0 ? 'partial' : 'ok')
    const { snapshot, ...counts } = result
    const { id, time, host, paths } = snapshot
    output.summary(restoreReport(result, mode), {
      type: 'summary', command: 'restore', mode, snapshot: id, time, host, paths, ...counts, exitCode: code,
    })
    return code
  }
}

function announce(output: Output, chosen: ChosenSnapshot, target: string): void {
  const { id, time, host, paths } = chosen.snapshot
  announceAmbiguity(output, chosen)
  if (output.format === 'json') output.record({ type: 'start', command: 'restore', snapshot: id, time, host, paths, target })
  else output.notice(restoreStartLine(chosen.snapshot, target))
}

/** Files must come back also when the price table is wrong. */
function usablePrices(file: string | undefined, output: Output): PriceTable {
  try {
    return loadPriceTable(file)
  } catch (error) {
    if (!isVaultError(error, 'usage')) throw error
    output.warning('', `${error.message}; the built-in prices are used`)
    return loadPriceTable()
  }
}
