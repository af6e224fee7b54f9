// Sizes of chunks. Fixed when a vault is made: other sizes cut elsewhere, and nothing would be shared any more.
import { assert } from '../errors/assert.ts'
import { VaultError } from '../errors/vault-error.ts'
import { masksOf } from './masks.ts'

const KIB = 1024
const MIB = 1024 * KIB

export const AVG_BYTES_MIN = 64 * KIB
export const AVG_BYTES_MAX = 16 * MIB
/** A chunk and the nonce and tag of its sealing fit the 26 bits that the index has for lengths. */
export const CHUNK_BYTES_MAX = 64 * MIB - 64
/** How far the smallest and the largest chunk may lie from the average. */
export const SPREAD_MAX = 16
/** Minimum and maximum are multiples of this. */
export const SIZE_STEP_BYTES = 64
export const NORMALIZATION_MAX = 3

export interface ChunkSizes {
  /** No chunk is smaller, except the last of a stream. */
  readonly minBytes: number
  readonly avgBytes: number
  /** No chunk is larger. */
  readonly maxBytes: number
  /** 0 to 3: how strongly sizes are drawn towards the average. */
  readonly normalization: number
}

declare const checked: unique symbol
/** Sizes that keep the bounds of FORMAT.md. */
export type ChunkerParameters = ChunkSizes & { readonly [checked]: true }

/** 256 KiB, 1 MiB, 8 MiB, normalization 2. */
export const DEFAULT_CHUNKER_PARAMETERS = parseChunkerParameters(
  { minBytes: 256 * KIB, avgBytes: MIB, maxBytes: 8 * MIB, normalization: 2 },
  'usage',
)

/**
 * Checks sizes that come from outside: `usage` when a person gave them, `vault-damaged` when a vault's config did.
 * Fields that are not of ChunkSizes are ignored.
 */
export function parseChunkerParameters(value: unknown, code: 'usage' | 'vault-damaged'): ChunkerParameters {
  const refuse = (problem: string): never => {
    throw new VaultError(code, `chunk sizes: ${problem}`)
  }
  if (typeof value !== 'object' || value === null) return refuse('not an object')
  const fields = value as Record<string, unknown>
  const integer = (name: keyof ChunkSizes, smallest: number, largest: number): number => {
    const field = fields[name]
    if (typeof field !== 'number' || !Number.isSafeInteger(field)) return refuse(`${name} is not a whole number`)
    if (field < smallest || field > largest) return refuse(`${name} is ${field}, not within ${smallest} and ${largest}`)
    return field
  }
  const avgBytes = integer('avgBytes', AVG_BYTES_MIN, AVG_BYTES_MAX)
  if (!Number.isInteger(Math.log2(avgBytes))) return refuse(`avgBytes is ${avgBytes}, not a power of two`)
  const minBytes = integer('minBytes', avgBytes / SPREAD_MAX, avgBytes - SIZE_STEP_BYTES)
  const maxBytes = integer('maxBytes', avgBytes + SIZE_STEP_BYTES, Math.min(avgBytes * SPREAD_MAX, CHUNK_BYTES_MAX))
  for (const [name, bytes] of Object.entries({ minBytes, maxBytes })) {
    if (bytes % SIZE_STEP_BYTES !== 0) return refuse(`${name} is ${bytes}, not a multiple of ${SIZE_STEP_BYTES}`)
  }
  const normalization = integer('normalization', 0, NORMALIZATION_MAX)
  return uncheckedChunkerParameters({ minBytes, avgBytes, maxBytes, normalization })
}

/**
 * Sizes for tests: only what the algorithm itself needs is asserted, so they may be far smaller than a vault's.
 * The two-byte step needs even sizes, and no chunk may be empty.
 */
export function uncheckedChunkerParameters(sizes: ChunkSizes): ChunkerParameters {
  const { minBytes, avgBytes, maxBytes, normalization } = sizes
  assert(Number.isInteger(Math.log2(avgBytes)), `average ${avgBytes} is not a power of two`)
  assert(minBytes >= 2 && minBytes <= avgBytes, `minimum ${minBytes} not within 2 and ${avgBytes}`)
  assert(maxBytes >= avgBytes, `maximum ${maxBytes} below ${avgBytes}`)
  assert(minBytes % 2 === 0 && maxBytes % 2 === 0, `sizes ${minBytes} and ${maxBytes} are not both even`)
  assert(maxBytes <= CHUNK_BYTES_MAX, `maximum ${maxBytes} above ${CHUNK_BYTES_MAX}`)
  masksOf(avgBytes, normalization) // asserts that both masks exist
  return Object.freeze({ minBytes, avgBytes, maxBytes, normalization }) as ChunkerParameters
}
