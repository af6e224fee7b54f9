// What prune intends, as a value: which packs are dead, which are copied into new ones, and why the rest stays.
import type { PackId } from '../ids/ids.ts'
import type { PackKind } from '../pack/layout.ts'

export interface PackUse {
  readonly id: PackId
  readonly kind: PackKind
  readonly sizeBytes: number
  /** Sealed bytes of blobs that it has to keep. */
  readonly usedBytes: number
  /** Sealed bytes of its other blobs; of a pack that no segment names all of it. Its own directory is no waste. */
  readonly unusedBytes: number
  /**
   * Why it must be left alone; absent: it may go. `cold`: its storage class bills it longer than it is old, or it lies in an
   * archive and is needed.
   */
  readonly keptFor?: 'young' | 'pinned' | 'marked' | 'cold'
}

export interface PruneLimits {
  /** Unused bytes that may stay: bytes, or a part of the used ones. */
  readonly maxUnused: { readonly bytes: number } | { readonly part: number }
  /** Bytes that may be copied in one run. */
  readonly maxRepackBytes: number
  /** A pack below a quarter of this is small: small ones are joined. */
  readonly targetBytes: Readonly<Record<PackKind, number>>
}

export interface PrunePlan {
  /** Nothing in them is needed. */
  readonly dead: readonly PackUse[]
  /** Their needed blobs are copied first. */
  readonly repack: readonly PackUse[]
  readonly totals: {
    readonly packs: number
    readonly bytes: number
    readonly usedBytes: number
    /** In packs that stay after this plan. */
    readonly unusedBytes: number
    /** In packs too young, pinned, marked already, or cold. */
    readonly untouchableUnusedBytes: number
  }
}

/** This many small packs of a kind are worth joining. */
const SMALL_PACKS_MIN = 8

const unusedOf = ({ unusedBytes }: PackUse): number => unusedBytes
const sum = (packs: readonly PackUse[], of: (pack: PackUse) => number): number => packs.reduce((total, pack) => total + of(pack), 0)

export function planPrune(packs: readonly PackUse[], limits: PruneLimits): PrunePlan {
  const free = packs.filter(({ keptFor }) => keptFor === undefined)
  const dead = free.filter(({ usedBytes }) => usedBytes === 0)
  const needed = free.filter(({ usedBytes }) => usedBytes > 0)
  const usedBytes = sum(packs, (pack) => pack.usedBytes)
  const allowed = 'bytes' in limits.maxUnused ? limits.maxUnused.bytes : limits.maxUnused.part * usedBytes
  const partly = needed.filter(({ unusedBytes }) => unusedBytes > 0)
    .sort((a, b) => unusedOf(b) / b.sizeBytes - unusedOf(a) / a.sizeBytes)
  const repack = new Set<PackUse>()
  let copied = 0
  const take = (pack: PackUse): boolean => {
    if (repack.has(pack) || copied + pack.usedBytes > limits.maxRepackBytes) return false
    repack.add(pack)
    copied += pack.usedBytes
    return true
  }
  let unused = sum(partly, unusedOf)
  for (const pack of partly) {
    if (unused <= allowed) break
    if (take(pack)) unused -= unusedOf(pack)
  }
  for (const small of smallPacks(needed, limits)) take(small)
  const staying = packs.filter((pack) => !repack.has(pack) && !dead.includes(pack))
  return {
    dead, repack: [...repack],
    totals: {
      packs: packs.length, bytes: sum(packs, ({ sizeBytes }) => sizeBytes), usedBytes,
      unusedBytes: sum(staying, unusedOf),
      untouchableUnusedBytes: sum(packs.filter(({ keptFor }) => keptFor !== undefined), unusedOf),
    },
  }
}

function smallPacks(needed: readonly PackUse[], { targetBytes }: PruneLimits): PackUse[] {
  const small = needed.filter(({ kind, sizeBytes }) => sizeBytes < targetBytes[kind] / 4)
  return (['data', 'metadata'] as const).flatMap((kind) => {
    const ofKind = small.filter((pack) => pack.kind === kind)
    return ofKind.length >= SMALL_PACKS_MIN ? ofKind : []
  })
}
