// Numbers as people read them: binary sizes with three significant digits, durations, counts, percentages.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const

/** `0 B`, `1023 B`, `1.00 KiB`, `12.3 MiB`, `456 GiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  // 999.5 would be shown as 1000, four digits.
  while (unit < UNITS.length - 1 && (unit === 0 ? value >= 1024 : value >= 999.5)) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? String(Math.round(value)) : threeDigits(value)} ${UNITS[unit]}`
}

function threeDigits(value: number): string {
  if (value < 9.995) return value.toFixed(2)
  return value < 99.95 ? value.toFixed(1) : value.toFixed(0)
}

export const formatRate = (bytesPerSecond: number): string => `${formatBytes(bytesPerSecond)}/s`

/** `1,234,567`. */
export const formatCount = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',')

/** `1 file`, `2 files`; `plural` where an s is not enough. */
export const formatItems = (count: number, singular: string, plural = `${singular}s`): string =>
  `${formatCount(count)} ${count === 1 ? singular : plural}`

const isBelowCent = (amount: number): boolean => amount > 0 && amount < 0.005

/** Money to the cent, `4.17`; what is not nothing is never shown as nothing: `<0.01`. */
export const formatMoney = (amount: number): string => (isBelowCent(amount) ? '<0.01' : amount.toFixed(2))

/** An estimate in a sentence: `about 4.17 USD`, `less than 0.01 USD`. */
export const aboutMoney = (amount: number, currency: string): string =>
  isBelowCent(amount) ? `less than 0.01 ${currency}` : `about ${amount.toFixed(2)} ${currency}`

/** A duration for a result: `0.35 s`, `12.3 s`, `4:07`, `1:02:03`. */
export function formatDuration(ms: number): string {
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)} s`
  return ms < 59_950 ? `${(ms / 1000).toFixed(1)} s` : formatClock(ms)
}

/** A running clock: `0:07`, `12:34`, `1:02:03`, `26:00:00`. */
export function formatClock(ms: number): string {
  const seconds = Math.round(ms / 1000)
  const two = (value: number): string => String(value).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}

/** `42 %` of a total; never 100 before it is done. */
export function formatPercent(done: number, total: number): string {
  if (total <= 0 || done >= total) return '100 %'
  return `${Math.min(99, Math.floor((done / total) * 100))} %`
}

/** `2.41x`; a dash when there is nothing to compare. */
export const formatRatio = (ratio: number): string => (Number.isFinite(ratio) && ratio > 0 ? `${ratio.toFixed(2)}x` : '-')

/** Local time `2026-11-27 06:32:37`. */
export function formatTime(ms: number): string {
  const date = new Date(ms)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}
