// What prune did or would do, as text.
import type { PruneResult } from '../operations/prune.ts'
import { formatBytes, formatDuration, formatItems, formatTime } from './quantities.ts'

/** Lines of the result, and of what still waits. */
export function pruneReport({ plan, deletion, marked, repackedBytes, waiting, durationMs }: PruneResult, mode: 'commit' | 'dry-run'): string[] {
  const { totals, dead, repack } = plan
  const size = (packs: readonly { readonly sizeBytes: number }[]): string => formatBytes(packs.reduce((sum, pack) => sum + pack.sizeBytes, 0))
  const needs = `${formatItems(totals.packs, 'pack')}, ${formatBytes(totals.bytes)}, of which snapshots need ${formatBytes(totals.usedBytes)}`
  const stays = totals.untouchableUnusedBytes > 0
    ? [`${formatBytes(totals.untouchableUnusedBytes)} not needed lies in packs that are too young, pinned, cold or marked already`] : []
  const lines = mode === 'dry-run'
    ? [
        needs,
        `would mark ${formatItems(dead.length, 'pack')} that nothing needs (${size(dead)})`,
        `would copy ${formatItems(repack.length, 'pack')} with waste in them (${size(repack)}, ${formatBytes(repack.reduce((sum, { usedBytes }) => sum + usedBytes, 0))} to keep)`,
        ...stays,
      ]
    : [
        needs,
        ...(deletion.packsDeleted > 0 ? [`deleted ${formatItems(deletion.packsDeleted, 'pack')}, ${formatBytes(deletion.bytesDeleted)}`] : []),
        ...(deletion.packsPardoned > 0 ? [`${formatItems(deletion.packsPardoned, 'pack')} needed again, kept`] : []),
        ...(marked.packs > 0 ? [`marked ${formatItems(marked.packs, 'pack')}, ${formatBytes(marked.bytes)}, ${formatBytes(repackedBytes)} copied; a run after the grace period deletes them`] : []),
        ...(marked.packs === 0 && deletion.packsDeleted === 0 ? ['nothing to mark or delete'] : []),
        ...stays,
      ]
  return [...lines, ...waiting.map(waitingLine), `took ${formatDuration(durationMs)}`]
}

function waitingLine({ packs, untilMs, sessions }: PruneResult['waiting'][number]): string {
  const holders = sessions.length > 0
    ? `; ${formatItems(sessions.length, 'running client')} must notice it first (session ${sessions.map((sid) => sid.slice(0, 8)).join(', ')})` : ''
  return `${formatItems(packs, 'pack')} marked earlier, to be deleted from ${formatTime(untilMs)} on${holders}`
}
