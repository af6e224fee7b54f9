// The flags of a retention policy.
import { string } from '@oclif/core/flags'
import { VaultError } from '../../src/errors/vault-error.ts'
import { parseDuration, type CalendarDuration } from '../../src/retention/duration.ts'
import { GROUP_KEYS, type GroupKey } from '../../src/retention/grouping.ts'
import { PERIODS, type Period } from '../../src/retention/period.ts'
import type { KeepCount, RetentionPolicy } from '../../src/retention/policy.ts'
import { repeated } from './flags.ts'

const count = (what: string) => string({ helpValue: 'N', description: `keep ${what}; all: without an end` })
const within = (what: string) => string({
  helpValue: 'DURATION', description: `keep ${what} that are not older than this, counted from the newest one`,
})

export const retentionFlags = {
  'keep-last': count('the newest N snapshots'),
  'keep-hourly': count('the newest snapshot of each of the last N hours that have one'),
  'keep-daily': count('… of each of the last N days'),
  'keep-weekly': count('… of each of the last N weeks'),
  'keep-monthly': count('… of each of the last N months'),
  'keep-yearly': count('… of each of the last N years'),
  'keep-within': within('all snapshots'),
  'keep-within-hourly': within('hourly snapshots'),
  'keep-within-daily': within('daily snapshots'),
  'keep-within-weekly': within('weekly snapshots'),
  'keep-within-monthly': within('monthly snapshots'),
  'keep-within-yearly': within('yearly snapshots'),
  'keep-tag': repeated({ helpValue: 'TAG[,TAG…]', description: 'keep snapshots that have all of these tags; may be given again' }),
  'keep-id': repeated({ helpValue: 'ID', description: 'keep this snapshot; may be given again' }),
}

/** Values of those flags as parsed by oclif. */
export type RetentionFlags = Readonly<{ [Name in keyof typeof retentionFlags]?: string | string[] | undefined }>

const COUNT_MAX = 100_000

function keepCount(flag: string, text: string): KeepCount | undefined {
  if (text === 'all' || text === 'unlimited') return 'all'
  if (/^\d{1,6}$/.test(text) && Number(text) <= COUNT_MAX) return Number(text) === 0 ? undefined : Number(text)
  throw new VaultError('usage', `--${flag} ${JSON.stringify(text.slice(0, 40))}: give a number, or all`)
}

const textOf = (flags: RetentionFlags, name: keyof RetentionFlags): string | undefined => {
  const value = flags[name]
  return typeof value === 'string' ? value : undefined
}
const listOf = (flags: RetentionFlags, name: keyof RetentionFlags): readonly string[] => {
  const value = flags[name]
  return Array.isArray(value) ? value : []
}

/** Throws `usage`. */
export function retentionPolicy(flags: RetentionFlags): RetentionPolicy {
  const counts: Partial<Record<Period, KeepCount>> = {}
  const withinPeriods: Partial<Record<Period, CalendarDuration>> = {}
  for (const period of PERIODS) {
    const text = textOf(flags, `keep-${period}`)
    const kept = text === undefined ? undefined : keepCount(`keep-${period}`, text)
    if (kept !== undefined) counts[period] = kept
    const duration = textOf(flags, `keep-within-${period}`)
    if (duration !== undefined) withinPeriods[period] = parseDuration(duration)
  }
  const lastText = textOf(flags, 'keep-last')
  const last = lastText === undefined ? undefined : keepCount('keep-last', lastText)
  const withinText = textOf(flags, 'keep-within')
  return {
    ...(last === undefined ? {} : { last }),
    counts, withinPeriods,
    ...(withinText === undefined ? {} : { within: parseDuration(withinText) }),
    tags: listOf(flags, 'keep-tag').map((tags) => tags.split(',').filter((tag) => tag !== '')),
    ids: listOf(flags, 'keep-id').map(idPrefix),
  }
}

function idPrefix(text: string): string {
  if (/^[0-9a-f]{4,64}$/i.test(text)) return text.toLowerCase()
  throw new VaultError('usage', `--keep-id ${JSON.stringify(text.slice(0, 80))} is no id`, { hint: 'give at least 4 digits of it' })
}

/** `host,paths`, or empty for one group of all. Throws `usage`. */
export function groupKeys(text: string): GroupKey[] {
  const known: readonly string[] = GROUP_KEYS
  const keys = text.split(',').filter((key) => key !== '')
  const unknown = keys.find((key) => !known.includes(key))
  if (unknown === undefined) return keys as GroupKey[]
  throw new VaultError('usage', `--group-by ${JSON.stringify(unknown)}: snapshots have no such key`, { hint: 'give some of host,paths,tags' })
}
