import { boolean, option, string } from '@oclif/core/flags'
import { restoreReport } from '../src/presentation/restore-report.ts'
import { exitCode } from './shared/exit-codes.ts'
import { repeated } from './shared/flags.ts'
import { argumentBytes } from './shared/raw-arguments.ts'
import { parseSnapshotArgument, snapshotArgument } from './shared/snapshot-argument.ts'
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
    'include': repeated({ char: 'i', helpValue: 'PATTERN', description: 'restore only what matches; may be given several times' }),
    'exclude': repeated({ char: 'e', helpValue: 'PATTERN', description: 'leave out what matches; may be given several times' }),
    'overwrite': option({
      options: OVERWRITE_MODES, default: 'always', helpValue: 'MODE',
      description: 'existing files: always compare and mend the content, only if size or mtime differ (if-changed), only ' +
        'if the snapshot is newer (if-newer), or never',
    })(),
    'delete': boolean({ description: 'delete from the target what the snapshot does not have' }),
    'verify': boolean({ description: 'read restored files again and compare them with the snapshot' }),
    'dry-run': boolean({ char: 'n', description: 'say what would be done, but do nothing' }),
  }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Restore)
    const output = this.startOutput(flags)
    const source = parseSnapshotArgument(args.snapshot)
    const access = await this.access(flags, output)
    const { restore } = await import('../src/operations/restore.ts')
    const mode = flags['dry-run'] ? 'dry-run' : 'write'
    const result = await restore({
      ...access, ...source, mode,
      target: absolutePath(argumentBytes(flags.target), workingDirectory()),
      includes: requireTextPatterns(flags.include ?? []),
      excludes: requireTextPatterns(flags.exclude ?? []),
      extra: flags.delete ? 'delete' : 'keep',
      verify: flags.verify ? 'yes' : 'no',
      overwrite: flags.overwrite,
      events: output.onEvent,
    })
    const code = exitCode(result.warnings > 0 ? 'partial' : 'ok')
    output.summary(restoreReport(result, mode), { type: 'summary', command: 'restore', mode, ...result, exitCode: code })
    return code
  }
}
