// What transfers may take of the line, from what a person writes.
import { VaultError } from '../../src/errors/vault-error.ts'
import type { TransferLimits } from '../../src/operations/vault-access.ts'

export interface TransferFlags {
  readonly 'limit-upload'?: string | undefined
  readonly 'limit-download'?: string | undefined
  readonly 'connections'?: number | undefined
}

const UNIT_BYTES: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }
/** Below that, what a pack takes is no longer a matter of hours. */
const RATE_BYTES_MIN = 1024

/** Bytes a second of `5M` or `800K` (powers of 1024; B, iB and /s may follow). Throws `usage`. */
export function parseRate(flag: string, text: string): number {
  const match = /^(\d{1,12}(?:\.\d+)?)([KMG]?)(?:i?B)?(?:\/s)?$/i.exec(text.trim())
  const bytes = match ? Math.floor(Number(match[1]) * (UNIT_BYTES[(match[2] ?? '').toUpperCase()] ?? 1)) : 0
  if (bytes >= RATE_BYTES_MIN && Number.isSafeInteger(bytes)) return bytes
  const problem = match ? 'is less than 1K bytes a second' : 'is no rate'
  throw new VaultError('usage', `--${flag}: ${JSON.stringify(text.slice(0, 40))} ${problem}`, {
    hint: 'give bytes a second, for example 800K or 5M',
  })
}

export function transferLimits(flags: TransferFlags): TransferLimits {
  const { 'limit-upload': up, 'limit-download': down, connections } = flags
  return {
    ...(up === undefined ? {} : { upBytesPerSecond: parseRate('limit-upload', up) }),
    ...(down === undefined ? {} : { downBytesPerSecond: parseRate('limit-download', down) }),
    ...(connections === undefined ? {} : { connectionsMax: connections }),
  }
}
