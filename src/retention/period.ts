// The periods that retention counts by, in this machine's time zone.

export const PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
export type Period = (typeof PERIODS)[number]

const DAY_MS = 86_400_000

/** A number that is the same for two moments exactly when they lie in one period. Weeks are those of ISO 8601. */
export function periodOf(time: Date, period: Period): number {
  const [year, month, day] = [time.getFullYear(), time.getMonth() + 1, time.getDate()]
  switch (period) {
    case 'hourly': return ((year * 100 + month) * 100 + day) * 100 + time.getHours()
    case 'daily': return (year * 100 + month) * 100 + day
    case 'weekly': return isoWeek(year, month, day)
    case 'monthly': return year * 100 + month
    case 'yearly': return year
  }
}

/** Year and week: a week belongs to the year that has its Thursday. */
function isoWeek(year: number, month: number, day: number): number {
  const date = Date.UTC(year, month - 1, day)
  const weekday = (new Date(date).getUTCDay() + 6) % 7 // Monday is 0
  const thursday = new Date(date + (3 - weekday) * DAY_MS)
  const weekYear = thursday.getUTCFullYear()
  return weekYear * 100 + Math.floor((thursday.getTime() - Date.UTC(weekYear, 0, 1)) / (7 * DAY_MS)) + 1
}
