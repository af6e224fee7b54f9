// Which packs a check reads whole: all, or a part of them so that a large vault is read over many nights.
import type { RandomSource } from '../async/random.ts'
import { VaultError } from '../errors/vault-error.ts'
import type { PackRecord } from '../index/vault-index.ts'

export type PackSelection =
  | { readonly by: 'all' }
  /** 0 < percent <= 100 of the packs, at random, another choice each time. */
  | { readonly by: 'percent'; readonly percent: number }
  /** The packs of part 1..parts by their id: always the same, and all parts together are all packs. */
  | { readonly by: 'part'; readonly part: number; readonly parts: number }
  /** At random, up to this many bytes; at least one pack. */
  | { readonly by: 'size'; readonly bytes: number }

const PARTS_MAX = 65536
const UNIT_BYTES: Record<string, number> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 }

/** Reads `10%`, `3/7` or `500M` (K, M, G, T are powers of 1024; B and iB may follow). Throws `usage`. */
export function parsePackSelection(text: string): PackSelection {
  const trimmed = text.trim()
  const percent = /^(\d{1,3}(?:\.\d+)?)%$/.exec(trimmed)
  if (percent) {
    const value = Number(percent[1])
    if (value > 0 && value <= 100) return { by: 'percent', percent: value }
  }
  const part = /^(\d{1,5})\/(\d{1,5})$/.exec(trimmed)
  if (part) {
    const [number, parts] = [Number(part[1]), Number(part[2])]
    if (number >= 1 && number <= parts && parts <= PARTS_MAX) return { by: 'part', part: number, parts }
  }
  const size = /^(\d{1,12}(?:\.\d+)?)([KMGT]?)(?:i?B)?$/i.exec(trimmed)
  if (size) {
    const bytes = Math.floor(Number(size[1]) * (UNIT_BYTES[(size[2] ?? '').toUpperCase()] ?? 1))
    if (bytes > 0 && Number.isSafeInteger(bytes)) return { by: 'size', bytes }
  }
  throw new VaultError('usage', `${JSON.stringify(text.slice(0, 40))} is no part of the packs`, {
    hint: 'give a percentage (5%), a part of several (2/7) or a size (10G)',
  })
}

/** A number in 0..below-1. The bias of 32 bits modulo `below` does not matter for a sample. */
const draw = (random: RandomSource, below: number): number => Buffer.from(random.bytes(4)).readUInt32LE() % below

function shuffled<T>(items: readonly T[], random: RandomSource): T[] {
  const order = [...items]
  for (let last = order.length - 1; last > 0; last--) {
    const other = draw(random, last + 1)
    const [a, b] = [order[last], order[other]]
    if (a !== undefined && b !== undefined) {
      order[last] = b
      order[other] = a
    }
  }
  return order
}

/** The packs of `packs` that are chosen. */
export function selectPacks(
  packs: readonly PackRecord[], selection: PackSelection, random: RandomSource,
): readonly PackRecord[] {
  switch (selection.by) {
    case 'all':
      return packs
    case 'part':
      // The id is a hash: its first 32 bits spread packs evenly over any number of parts.
      return packs.filter(({ id }) => Number.parseInt(id.slice(0, 8), 16) % selection.parts === selection.part - 1)
    case 'percent':
      return shuffled(packs, random).slice(0, Math.ceil((packs.length * selection.percent) / 100))
    case 'size': {
      let leftBytes = selection.bytes
      return shuffled(packs, random).filter(({ sizeBytes }, place) => {
        if (place > 0 && sizeBytes > leftBytes) return false
        leftBytes -= sizeBytes
        return true
      })
    }
  }
}
