import { formatItems } from '../src/presentation/quantities.ts'
import { snapshotRecord, snapshotTable } from '../src/presentation/snapshot-table.ts'
import { exitCode } from './shared/exit-codes.ts'
import { snapshotFilter, snapshotFilterFlags } from './shared/snapshot-filter.ts'
import { describe, VaultCommand } from './shared/vault-command.ts'

export default class Snapshots extends VaultCommand {
  static override stopsWithoutReader = true
  static override emptyFlags = ['tag']
  static override summary = 'list the snapshots of a vault'
  static override description = describe('Lists the snapshots, oldest first. Those that cannot be read are reported, and the exit code is 3.')
  static override examples = ['<%= config.bin %> snapshots --host laptop --path /home']
  static override flags = { ...snapshotFilterFlags }

  async run(): Promise<number> {
    const { flags } = await this.parse(Snapshots)
    const output = this.startOutput(flags)
    const access = await this.access(flags, output)
    const { snapshots } = await import('../src/operations/snapshots.ts')
    const found = await snapshots({ ...access, filter: snapshotFilter(flags) })
    for (const { name, message } of found.damaged) output.warning(name, message)
    if (output.format === 'text' && found.snapshots.length > 0) snapshotTable(found.snapshots).forEach((line) => output.print(line))
    for (const snapshot of found.snapshots) output.record({ type: 'snapshot', ...snapshotRecord(snapshot) })
    const code = exitCode(found.damaged.length > 0 ? 'partial' : 'ok')
    const count = found.snapshots.length
    output.summary(
      [formatItems(count, 'snapshot')],
      { type: 'summary', command: 'snapshots', snapshots: count, damaged: found.damaged.length, requests: found.requests, exitCode: code },
    )
    return code
  }
}
