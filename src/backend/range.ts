import { assert } from '../errors/assert.ts'
import { VaultError } from '../errors/vault-error.ts'
import type { ByteRange } from './backend.ts'

/** The largest object that `get` loads whole: four times the largest pack, so that a hostile size cannot exhaust memory. */
export const OBJECT_BYTES_MAX = 1024 ** 3

export interface ResolvedRange {
  readonly startBytes: number
  readonly lengthBytes: number
}

/** A malformed range is our own bug: S3 can express neither an empty range nor a piece of a suffix. */
export function assertRange(range: ByteRange): void {
  const { offset, length } = range
  assert(Number.isSafeInteger(offset) && Number.isSafeInteger(length) && length > 0, `range ${offset}+${length}`)
  assert(offset >= 0 || length === -offset, `suffix range ${offset}+${length}`)
  assert(length <= OBJECT_BYTES_MAX, `range of ${length} bytes`)
}

/** Throws `vault-damaged` for a size that the object may not have. */
export function checkLoadable(sizeBytes: number, where: string, bytesMax = OBJECT_BYTES_MAX): void {
  if (sizeBytes <= Math.min(bytesMax, OBJECT_BYTES_MAX)) return
  throw new VaultError('vault-damaged', `${where} has ${sizeBytes} bytes, more than it may`)
}

/** Where `range` lies in an object of `sizeBytes`; throws `vault-damaged` when it passes the end, or the whole is above `bytesMax`. */
export function resolveRange(
  range: ByteRange | undefined, sizeBytes: number, where: string, bytesMax?: number,
): ResolvedRange {
  if (range === undefined) {
    checkLoadable(sizeBytes, where, bytesMax)
    return { startBytes: 0, lengthBytes: sizeBytes }
  }
  if (range.offset < 0) {
    const lengthBytes = Math.min(sizeBytes, range.length)
    return { startBytes: sizeBytes - lengthBytes, lengthBytes }
  }
  if (range.offset + range.length > sizeBytes) throw rangeBeyondEnd(range, where, sizeBytes)
  return { startBytes: range.offset, lengthBytes: range.length }
}

export function rangeBeyondEnd(range: ByteRange, where: string, sizeBytes?: number): VaultError {
  const size = sizeBytes === undefined ? 'its end' : `its ${sizeBytes} bytes`
  return new VaultError('vault-damaged', `${where}: bytes ${range.offset}+${range.length} pass ${size}`)
}
