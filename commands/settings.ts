import { printableText } from '../src/presentation/printable-text.ts'
import { settingsRows, type ShownSetting } from '../src/presentation/settings-report.ts'
import { formatTable } from '../src/presentation/table.ts'
import { effectiveSettings } from './shared/effective-settings.ts'
import { exitCode } from './shared/exit-codes.ts'
import { describe, VaultCommand } from './shared/vault-command.ts'

/** How this run shows them is no setting. */
const OUTPUT_ONLY = new Set(['json'])

export default class SettingsCommand extends VaultCommand {
  static override summary = 'show which settings are in effect, and where each comes from'
  static override description = describe(
    'Takes the command line, the environment and the file of settings as every other command does, and opens nothing. ' +
    'Secrets are not shown. Settings of a table for one command are shown with its name before them.',
  )
  static override examples = ['<%= config.bin %> settings', '<%= config.bin %> settings --profile nas --json']

  async run(): Promise<number> {
    const { flags, raw, metadata } = await this.parse(SettingsCommand)
    const output = this.startOutput(flags)
    const settings = await this.settings()
    const typed = new Set(raw.map((token) => (token.type === 'flag' ? token.flag : '')))
    const variables = new Map(Object.entries(SettingsCommand.baseFlags).map(([name, flag]) => [name, 'env' in flag ? flag.env : undefined]))
    const given = Object.entries<unknown>(flags)
      .filter(([name, value]) => value !== undefined && metadata.flags[name]?.setFromDefault !== true && !OUTPUT_ONLY.has(name))
      .map(([key, value]) => ({
        key, value: value as ShownSetting['value'], source: typed.has(key) ? 'command line' : `environment ${variables.get(key) ?? ''}`,
      }))
    const shown = effectiveSettings({ given, settings, program: this.program, env: process.env })
    if (output.format === 'text') {
      const rows = settingsRows(shown).map((row) => row.map(printableText))
      formatTable([{ title: 'Setting' }, { title: 'Value' }, { title: 'From' }], rows).forEach((line) => output.print(line))
    }
    for (const setting of shown) output.record({ type: 'setting', ...setting })
    output.summary([], { type: 'summary', command: 'settings', settings: shown.length, file: settings.file ?? null, exitCode: exitCode('ok') })
    return exitCode('ok')
  }
}
