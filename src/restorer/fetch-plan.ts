// Which bytes of which packs a window needs: each blob once, neighbours in one request. A plain value.
import type { BlobId } from '../ids/ids.ts'
import type { BlobLocation, PackRecord } from '../index/vault-index.ts'
import type { FilePart, FileWork } from './file-work.ts'

/** Reading this many bytes in vain is cheaper than another request (S3: about 10 ms of one at 25 MB/s). */
export const GAP_BYTES_MAX = 256 * 1024
/** A unit is what one worker message carries: enough of them that all workers are busy, each worth its 20 µs. */
export const UNIT_BYTES_MAX = 4 * 1024 * 1024
export const UNIT_PIECES_MAX = 256

export interface PlannedPiece {
  readonly file: FileWork
  readonly offset: number
}

/** A blob that is needed, and all the places it goes to. */
export interface PlannedBlob {
  readonly id: BlobId
  readonly length: number
  readonly location: BlobLocation
  readonly pieces: PlannedPiece[]
}

export interface PlannedUnit {
  readonly blobs: PlannedBlob[]
  /** First byte and end in the pack. */
  readonly start: number
  end: number
}

export interface PlannedRange {
  readonly pack: PackRecord
  readonly start: number
  end: number
  readonly units: PlannedUnit[]
}

export interface FetchPlan {
  /** In the order of packs and offsets. */
  readonly ranges: PlannedRange[]
  /** Blobs that the index does not have. */
  readonly lost: { readonly id: BlobId; readonly length: number; readonly pieces: readonly PlannedPiece[] }[]
  /** Stretches of existing files that must become zeros. */
  readonly holes: { readonly file: FileWork; readonly offset: number; readonly length: number }[]
  readonly fetchBytes: number
  readonly writeBytes: number
}

/** Where blobs lie: the slice of VaultIndex that planning needs. */
export interface BlobPlaces {
  locate(id: Uint8Array): BlobLocation[]
}

interface Need {
  readonly id: BlobId
  readonly length: number
  readonly pieces: PlannedPiece[]
}

/** The same for blobs that are not where the first plan looked for them. */
export function planElsewhere(
  ranges: readonly PlannedRange[], places: BlobPlaces, rangeBytesMax: number,
): Pick<FetchPlan, 'ranges' | 'lost'> {
  const needs = ranges.flatMap(({ units }) => units.flatMap(({ blobs }) => blobs))
  const { blobs, lost } = located(needs.map(({ id, length, pieces }) => ({ id, length, pieces })), places)
  return { ranges: rangesOf(blobs, rangeBytesMax), lost }
}

export function planFetch(parts: readonly FilePart[], places: BlobPlaces, rangeBytesMax: number): FetchPlan {
  const needs = new Map<string, Need>()
  const holes: FetchPlan['holes'] = []
  let writeBytes = 0
  for (const { file, offset, items, differs } of parts) {
    let at = offset
    for (const [i, { id, length }] of items.entries()) {
      if (differs === undefined || differs[i] === 1) {
        if (id) {
          addNeed(needs, id, length, { file, offset: at })
          writeBytes += length
        } else if (differs) holes.push({ file, offset: at, length })
      }
      at += length
    }
  }
  const { blobs, lost } = located(needs.values(), places)
  const ranges = rangesOf(blobs, rangeBytesMax)
  const fetchBytes = ranges.reduce((sum, { start, end }) => sum + end - start, 0)
  return { ranges, lost, holes, fetchBytes, writeBytes }
}

function addNeed(needs: Map<string, Need>, id: BlobId, length: number, piece: PlannedPiece): void {
  // The length belongs to the key: a hostile entry may name a blob with a length that is not its own.
  const key = `${Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1')}${length}`
  const known = needs.get(key)
  if (known) known.pieces.push(piece)
  else needs.set(key, { id, length, pieces: [piece] })
}

function located(needs: Iterable<Need>, places: BlobPlaces): { blobs: PlannedBlob[]; lost: Need[] } {
  const blobs: PlannedBlob[] = []
  const lost: Need[] = []
  for (const need of needs) {
    const location = places.locate(need.id).find(({ rawLength }) => rawLength === need.length)
    if (location) blobs.push({ ...need, location })
    else lost.push(need)
  }
  blobs.sort((a, b) => a.location.packNumber - b.location.packNumber || a.location.offset - b.location.offset)
  return { blobs, lost }
}

function rangesOf(blobs: readonly PlannedBlob[], rangeBytesMax: number): PlannedRange[] {
  const ranges: PlannedRange[] = []
  let range: PlannedRange | undefined
  let unit: PlannedUnit | undefined
  let unitPieces = 0
  for (const blob of blobs) {
    const { pack, offset, length } = blob.location
    const end = offset + length
    const isUnitFull = unit !== undefined &&
      (end - unit.start > UNIT_BYTES_MAX || unitPieces + blob.pieces.length > UNIT_PIECES_MAX)
    const isApart = range?.pack !== pack || offset - range.end > GAP_BYTES_MAX || end - range.start > rangeBytesMax
    // Where a range is no larger than a unit, each is one of the other and need not be copied apart.
    if (!range || isApart || (isUnitFull && rangeBytesMax <= UNIT_BYTES_MAX)) {
      range = { pack, start: offset, end, units: [] }
      ranges.push(range)
      unit = undefined
    }
    if (!unit || isUnitFull) {
      unit = { blobs: [], start: offset, end }
      unitPieces = 0
      range.units.push(unit)
    }
    unit.blobs.push(blob)
    unit.end = Math.max(unit.end, end)
    unitPieces += blob.pieces.length
    range.end = Math.max(range.end, end)
  }
  return ranges
}
