// Amounts as typed: sizes, parts of a whole, spans of time.
import { VaultError } from '../../src/errors/vault-error.ts'

const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }
const SPAN_UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const refused = (flag: string, text: string, wanted: string): VaultError =>
  new VaultError('usage', `--${flag} ${JSON.stringify(text.slice(0, 40))}: give ${wanted}`)

/** `500M`, `1.5G`, `1048576`: bytes, in powers of 1024. Throws `usage`. */
export function sizeBytes(flag: string, text: string): number {
  const match = /^(\d{1,15}(?:\.\d{1,3})?)\s*([KMGT]?)(?:i?B)?$/i.exec(text)
  const unit = SIZE_UNITS[(match?.[2] ?? '').toUpperCase()]
  if (match?.[1] === undefined || unit === undefined) throw refused(flag, text, 'a size, for example 500M or 2G')
  return Math.round(Number(match[1]) * unit)
}

/** `5%`: 0.05; undefined when it is no percentage. */
export function percentage(text: string): number | undefined {
  const match = /^(\d{1,3}(?:\.\d{1,3})?)\s*%$/.exec(text)
  return match?.[1] === undefined || Number(match[1]) > 100 ? undefined : Number(match[1]) / 100
}

/** `24h`, `7d`, `30m`: ms. Throws `usage`. */
export function spanMs(flag: string, text: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text)
  const unit = SPAN_UNITS[match?.[2] ?? '']
  if (match?.[1] === undefined || unit === undefined) throw refused(flag, text, 'a span of time, for example 24h or 7d')
  return Number(match[1]) * unit
}
