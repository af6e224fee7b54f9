import { boolean, option, string } from '@oclif/core/flags'
import type { ChosenSnapshot } from '../src/operations/snapshot-choice.ts'
import { changeLine, restoreReport, restoreStartLine } from '../src/presentation/restore-report.ts'
import { pathText } from '../src/snapshot/path-text.ts'
import { announceAmbiguity } from './shared/chosen-snapshot.ts'
import { exitCode } from './shared/exit-codes.ts'
import { repeated } from './shared/flags.ts'
import type { Output } from './shared/output.ts'
import { argumentBytes } from './shared/raw-arguments.ts'
import { parseSnapshotArgument, snapshotArgument } from './shared/snapshot-argument.ts'
import { snapshotFilter, snapshotFilterFlags } from './shared/snapshot-filter.ts'
import { absolutePath, requireTextPatterns, workingDirectory } from './shared/source-paths.ts'
import { describe, VaultCommand } from './shared/vault-command.ts'

const OVERWRITE_MODES = ['always', 'if-changed', 'if-newer', 'never'] as const

export default class Restore extends VaultCommand {
  static override summary = 'copy the files of a snapshot back'
  static override description = describe(
    'Makes the target like the snapshot, or like one path of it. Files that are right already are left alone, of changed ' +
    'files only the parts that differ are written. Nothing is ever written outside the target. What cannot be restored is ' +
    'reported, the rest goes on, and the exit code is 3.',
  )
  static override examples = [
    '<%= config.bin %> restore latest --target /tmp/back',
    '<%= config.bin %> restore latest:/home/ana/documents --target ~/documents --dry-run',
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
    ...snapshotFilterFlags,
  }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Restore)
    const output = this.startOutput(flags)
    const source = parseSnapshotArgument(args.snapshot)
    const access = await this.access(flags, output)
    const { restore } = await import('../src/operations/restore.ts')
    const mode = flags['dry-run'] ? 'dry-run' : 'write'
    const target = absolutePath(argumentBytes(flags.target), workingDirectory())
    const namesChanges = mode === 'dry-run' || output.format === 'json'
    const result = await restore({
      ...access, ...source, mode, target, filter: snapshotFilter(flags),
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
    })
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
