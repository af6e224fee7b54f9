// Calendar durations as people write them for retention: `2y5m7d3h`, years, months, days and hours.
import { VaultError } from '../errors/vault-error.ts'

export interface CalendarDuration {
  readonly years: number
  readonly months: number
  readonly days: number
  readonly hours: number
}

const UNITS = { y: 'years', m: 'months', d: 'days', h: 'hours' } as const
type Unit = keyof typeof UNITS
const NUMBER_MAX = 100_000

/** Each unit at most once, in any order; at least one above 0. Throws `usage`. */
export function parseDuration(text: string): CalendarDuration {
  const duration = { years: 0, months: 0, days: 0, hours: 0 }
  const seen = new Set<string>()
  for (const [, digits = '', unit = ''] of text.matchAll(/(\d+)([a-z])/g)) {
    if (!(unit in UNITS) || seen.has(unit) || Number(digits) > NUMBER_MAX) throw notDuration(text)
    seen.add(unit)
    duration[UNITS[unit as Unit]] = Number(digits)
  }
  const isWhole = /^(\d+[ymdh])+$/.test(text)
  if (!isWhole || Object.values(duration).every((part) => part === 0)) throw notDuration(text)
  return duration
}

const notDuration = (text: string): VaultError =>
  new VaultError('usage', `${JSON.stringify(text.slice(0, 40))} is not a duration`, {
    hint: 'years, months, days and hours, as in 1y6m, 30d or 12h',
  })

export function formatDuration({ years, months, days, hours }: CalendarDuration): string {
  const parts = [[years, 'y'], [months, 'm'], [days, 'd'], [hours, 'h']] as const
  return parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`).join('')
}

/**
 * The moment that lies the duration before `time`: years, months and days by the calendar of this machine's time zone (a
 * day that the month does not have runs over into the next month), hours as elapsed time.
 */
export function before(time: Date, { years, months, days, hours }: CalendarDuration): Date {
  const moved = new Date(time)
  moved.setFullYear(moved.getFullYear() - years, moved.getMonth() - months, moved.getDate() - days)
  return new Date(moved.getTime() - hours * 3_600_000)
}
