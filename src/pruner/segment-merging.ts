// Replacing index segments: those that name deleted packs, and many small ones by few large ones. Only prune does this
// (gc protocol, rule 23); what is replaced is marked, and deleted by a later pass.
import type { RandomSource } from '../async/random.ts'
import { isVaultError } from '../errors/vault-error.ts'
import type { PackId, SegmentId } from '../ids/ids.ts'
import { encodePack, openSegment, sealSegment, segmentName, type EncodedPack } from '../index/segment.ts'
import { SEGMENT_ENTRIES_TARGET } from '../limits/limits.ts'
import type { Repository } from '../repository/repository.ts'

/** This many segments below a quarter of the target are worth joining. */
export const SMALL_SEGMENTS_MIN = 16

interface SizedPack {
  readonly pack: EncodedPack
  readonly entries: number
}

/** Writes what these segments say, without the packs in `without`, and that they are superseded. Returns the new ids. */
export async function replaceSegments(
  { backend, keys }: Repository, random: RandomSource, replaced: readonly SegmentId[], without: ReadonlySet<PackId>, signal?: AbortSignal,
): Promise<SegmentId[]> {
  const options = signal ? { signal } : {}
  const packs = new Map<PackId, SizedPack>()
  const read: SegmentId[] = []
  for (const segment of replaced) {
    try {
      const opened = openSegment(keys, segment, await backend.get(segmentName(segment), undefined, options))
      for (const pack of opened.packs) {
        if (!without.has(pack.id)) packs.set(pack.id, { pack: encodePack(pack), entries: pack.entries.length })
      }
      read.push(segment)
    } catch (error) {
      if (!isVaultError(error, 'object-missing')) throw error // another prune deleted it: it was replaced already
    }
  }
  const written: SegmentId[] = []
  const pieces = inPieces([...packs.values()])
  for (const [at, piece] of pieces.entries()) {
    // The last one says what is superseded: as long as it is not there, all that it replaces still counts.
    const supersedes = at === pieces.length - 1 ? read : []
    const sealed = sealSegment(keys, random, { supersedes, packs: piece.map(({ pack }) => pack) })
    await backend.put(segmentName(sealed.id), sealed.bytes, options)
    written.push(sealed.id)
  }
  return written
}

function inPieces(packs: readonly SizedPack[]): SizedPack[][] {
  const pieces: SizedPack[][] = []
  let entries = Number.POSITIVE_INFINITY
  for (const pack of packs) {
    if (entries + pack.entries > SEGMENT_ENTRIES_TARGET) {
      pieces.push([])
      entries = 0
    }
    pieces.at(-1)?.push(pack)
    entries += pack.entries
  }
  return pieces
}
