import { boolean } from '@oclif/core/flags'
import { entryRecord, longEntryLine } from '../src/presentation/entry-line.ts'
import { pathText } from '../src/snapshot/path-text.ts'
import { announceAmbiguity } from './shared/chosen-snapshot.ts'
import { exitCode } from './shared/exit-codes.ts'
import { parseSnapshotArgument, snapshotArgument } from './shared/snapshot-argument.ts'
import { snapshotFilter, snapshotFilterFlags } from './shared/snapshot-filter.ts'
import { describe, VaultCommand } from './shared/vault-command.ts'

export default class Ls extends VaultCommand {
  static override stopsWithoutReader = true
  static override emptyFlags = ['tag']
  static override summary = 'list the files of a snapshot'
  static override description = describe(
    'Lists what a snapshot has at a path; without one, what was backed up, without the directories above it. Bytes of names that are not printable text are shown as \\xNN, a backslash as \\\\.',
  )
  static override examples = ['<%= config.bin %> ls latest:/home/ana -l', '<%= config.bin %> ls 4bba301e --recursive']
  static override args = { snapshot: snapshotArgument }
  static override flags = {
    long: boolean({ char: 'l', description: 'with mode, owner, size and time' }),
    recursive: boolean({ char: 'R', description: 'also what lies in the directories below' }),
    ...snapshotFilterFlags,
  }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Ls)
    const output = this.startOutput(flags)
    const target = parseSnapshotArgument(args.snapshot)
    const access = await this.access(flags, output)
    const { ls } = await import('../src/operations/ls.ts')
    const { snapshot, entries, requests } = await ls({
      ...access, ...target, filter: snapshotFilter(flags),
      depth: flags.recursive ? 'recursive' : 'direct',
      onChosen: (chosen) => announceAmbiguity(output, chosen),
      onEntry: (entry) => {
        if (output.format === 'json') output.record({ type: 'entry', ...entryRecord(entry) })
        else output.print(flags.long ? longEntryLine(entry) : pathText(entry.path))
      },
    })
    const { id, time, host, paths } = snapshot
    output.summary([], {
      type: 'summary', command: 'ls', snapshot: id, time, host, paths, entries, requests, exitCode: exitCode('ok'),
    })
    return exitCode('ok')
  }
}
