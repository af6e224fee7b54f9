// Objects of cheaper classes are billed for a minimum of days. Deleting or replacing one earlier saves nothing.

const DAY_MS = 24 * 60 * 60 * 1000
/** Storage is priced by the month; providers count 30 or 31 days. */
export const DAYS_A_MONTH = 30

/** Days that an object is billed on when it is deleted now; 0 once it has lain long enough. Times in ms since the epoch. */
export function daysStillBilled(minimumDays: number, modifiedMs: number, nowMs: number): number {
  return Math.max(0, minimumDays - Math.max(0, nowMs - modifiedMs) / DAY_MS)
}
