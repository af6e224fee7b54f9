import { withVault, type Counted, type VaultAccess } from './vault-access.ts'

export interface ObjectTotals {
  readonly objects: number
  readonly bytes: number
}

export interface StatsResult extends Counted {
  readonly snapshots: number
  /** Logical size of the newest snapshot. */
  readonly latest?: { readonly id: string; readonly files: number; readonly bytes: number }
  readonly dataPacks: ObjectTotals
  readonly metadataPacks: ObjectTotals
  readonly index: ObjectTotals
  /** Everything else: config, key slots, snapshots, sessions and so on. */
  readonly other: ObjectTotals
  readonly total: ObjectTotals
  /** Unique blobs in indexed packs, and their plain bytes. */
  readonly blobs: number
  readonly rawBytes: number
  /** Plain bytes of unique blobs by bytes in packs. */
  readonly compressionRatio: number
  /** Logical bytes of all snapshots together by plain bytes of unique blobs. */
  readonly deduplicationRatio: number
}

type Area = 'dataPacks' | 'metadataPacks' | 'index' | 'other'

function areaOf(name: string): Area {
  if (name.startsWith('packs/d/')) return 'dataPacks'
  if (name.startsWith('packs/m/')) return 'metadataPacks'
  return name.startsWith('index/') ? 'index' : 'other'
}

/** Counts objects by a listing, blobs by the index. */
export function stats(request: VaultAccess): Promise<StatsResult> {
  return withVault(request, async ({ repository }) => {
    const { snapshots } = await repository.snapshots()
    const { index } = await repository.loadIndex()
    const areas: Record<Area, { objects: number; bytes: number }> = {
      dataPacks: { objects: 0, bytes: 0 }, metadataPacks: { objects: 0, bytes: 0 },
      index: { objects: 0, bytes: 0 }, other: { objects: 0, bytes: 0 },
    }
    const total = { objects: 0, bytes: 0 }
    for await (const { name, sizeBytes } of repository.backend.list('', request.signal ? { signal: request.signal } : {})) {
      for (const counted of [areas[areaOf(name)], total]) {
        counted.objects++
        counted.bytes += sizeBytes
      }
    }
    const { blobs, rawBytes } = index.table.totals()
    const packed = areas.dataPacks.bytes + areas.metadataPacks.bytes
    const logical = snapshots.reduce((sum, { summary }) => sum + (summary?.bytes ?? 0), 0)
    const latest = snapshots.at(-1)
    return {
      snapshots: snapshots.length,
      ...(latest?.summary ? { latest: { id: latest.id, files: latest.summary.files, bytes: latest.summary.bytes } } : {}),
      ...areas, total, blobs, rawBytes,
      compressionRatio: packed === 0 ? 1 : rawBytes / packed,
      deduplicationRatio: rawBytes === 0 ? 1 : logical / rawBytes,
    }
  })
}
