// How much of each pack is needed. Where a blob lies in several packs, one of them has to keep it: the one that keeps most
// besides, so that the others become free.
import type { VaultView } from './view.ts'

/** Sealed bytes by pack number. */
export interface Usage {
  /** Needed. Packs that are marked or dead need to keep nothing. */
  readonly used: Float64Array
  /** Of all blobs. */
  readonly held: Float64Array
}

export function measureUsage({ index, walk }: Pick<VaultView, 'index' | 'walk'>): Usage {
  const { table, states, packs } = index
  const used = new Float64Array(packs.length)
  const held = new Float64Array(packs.length)
  const isNeeded = (id: Uint8Array, pack: number): boolean => states.isUsable(pack) && walk.has(id)
  table.eachCopy((id, pack, length) => {
    held[pack] = (held[pack] ?? 0) + length
    if (isNeeded(id, pack) && table.places(id, states.isUsable).length === 1) used[pack] = (used[pack] ?? 0) + length
  })
  const alone = Float64Array.from(used)
  table.eachCopy((id, pack, length) => {
    if (isNeeded(id, pack) && keeperOf(view(table.places(id, states.isUsable)), alone) === pack) used[pack] = (used[pack] ?? 0) + length
  })
  return { used, held }
}

const view = (places: readonly { readonly packNumber: number }[]): readonly number[] =>
  places.length > 1 ? places.map(({ packNumber }) => packNumber) : []

/** The pack that keeps a blob with several places; undefined for one that has a single place. */
export function keeperOf(packNumbers: readonly number[], alone: Float64Array): number | undefined {
  let best: number | undefined
  for (const pack of packNumbers) {
    if (best === undefined || (alone[pack] ?? 0) > (alone[best] ?? 0) || ((alone[pack] ?? 0) === (alone[best] ?? 0) && pack < best)) best = pack
  }
  return best
}
