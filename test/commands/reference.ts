// The reference of commands and exit codes for the README, made from the commands themselves.
import { EXIT_CODES } from '../../commands/shared/exit-codes.ts'
import { commandDefinitions, type CommandDefinition, type FlagDefinition } from './command-definitions.ts'

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')

function flagRow(flag: FlagDefinition): string {
  const { name, char, value, options, default: standard, env, multiple, required, description } = flag
  const spelled = `${char === undefined ? '' : `-${char}, `}--${name}${value === undefined ? '' : ` ${value}`}`
  const notes = [
    ...(options === undefined ? [] : [`one of ${options.join(', ')}`]),
    ...(standard === undefined ? [] : [`default ${String(standard)}`]),
    ...(env === undefined ? [] : [`or \`${env}\``]),
    ...(required ? ['required'] : []),
    ...(multiple && !description.includes('several times') ? ['may be given several times'] : []),
  ]
  return `| \`${spelled}\` | ${cell(description)}${notes.length === 0 ? '' : ` (${cell(notes.join('; '))})`} |`
}

const flagTable = (flags: readonly FlagDefinition[]): string[] =>
  ['| flag | meaning |', '| --- | --- |', ...flags.map(flagRow), '']

function commandSection({ id, summary, description, args, flags, examples }: CommandDefinition): string[] {
  const own = flags.filter(({ group }) => group === '')
  const operands = args.map(({ name, required, multiple }) => {
    const text = `${name.toUpperCase()}${multiple ? '…' : ''}`
    return required ? text : `[${text}]`
  })
  return [
    `### s3vault ${[id, ...operands].join(' ')}`, '', `${summary.charAt(0).toUpperCase()}${summary.slice(1)}. ${description}`, '',
    ...(args.length === 0 ? [] : [...args.map((arg) => `- \`${arg.name.toUpperCase()}\`: ${arg.description}`), '']),
    ...(own.length === 0 ? [] : flagTable(own)),
    '```sh', ...examples, '```', '',
  ]
}

/** Sections of all commands, and one of the flags that all of them have. */
export async function referenceMarkdown(): Promise<string> {
  const commands = await commandDefinitions()
  const common = (commands[0]?.flags ?? []).filter(({ group }) => group !== '')
  const lines = [...commands.flatMap(commandSection), '### Flags of every command', '', ...flagTable(common)]
  return `${lines.join('\n')}\n`
}

export async function exitCodeTable(): Promise<string> {
  const rows = Object.values(EXIT_CODES).map(({ code, meaning }) => `| ${code} | ${meaning} |`)
  return `${['| code | meaning |', '| --- | --- |', ...rows].join('\n')}\n`
}
