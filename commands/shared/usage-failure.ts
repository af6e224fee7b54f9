// What the flag parser says, as one line that names the command and what was most likely meant.
import { CLIError, ExitError } from '@oclif/core/errors'
import { VaultError } from '../../src/errors/vault-error.ts'
import { didYouMean } from '../../src/settings/nearest-word.ts'

/** An error of the flag parser as one of ours; every other one as it is. */
export function usageFailure(error: unknown, command: string, flagNames: readonly string[]): unknown {
  if (!(error instanceof CLIError) || error instanceof ExitError) return error
  return new VaultError('usage', unknownFlags(error, flagNames) ?? usageMessage(error.message), { hint: `see s3vault ${command} --help` })
}

function unknownFlags(error: CLIError, flagNames: readonly string[]): string | undefined {
  if (!('flags' in error) || !Array.isArray(error.flags)) return undefined
  const named = error.flags.map((flag) => {
    const word = String(flag).split('=', 1)[0] ?? '' // the value may be a secret
    return `${word}${word.startsWith('--') ? didYouMean(word, flagNames.map((name) => `--${name}`)) : ''}`
  })
  return `there is no flag ${named.join(', ')}`
}

/** The parser's messages are paragraphs with lists; the first lines say it all. */
function usageMessage(text: string): string {
  const lines = text.replace(/\u001b\[[0-9;]*m/g, '').split('\n').map((line) => line.trim())
    .filter((line) => line !== '' && line !== 'See more help with --help')
  const isListed = /^(Missing|The following)/.test(lines[0] ?? '')
  const message = isListed ? missingMessage(lines) : lines.slice(0, 2).join(' ')
  return `${message.charAt(0).toLowerCase()}${message.slice(1)}`
}

function missingMessage(lines: readonly string[]): string {
  const [first = '', ...rest] = lines
  if (first.startsWith('The following')) return rest.join('; ')
  // A name and its description stand in columns; the other lines are the rest of a description.
  const names = rest.map((line) => /^(\S+)(?:\s{2,}|$)/.exec(line)?.[1]).filter((name) => name !== undefined)
  return `missing ${names.join(', ')}`
}
