// Counts what a backup will walk, beside the backup itself, so that progress has totals. It yields often and gives up
// quietly: an estimate must never slow down or fail a backup.
import { PosixSource } from '../archiver/source.ts'
import { PatternList, type SourceSelection } from '../archiver/selection.ts'

export interface SourceTotals {
  files: number
  bytes: number
  isComplete: boolean
}

const YIELD_EVERY = 256

export async function estimateSource(
  paths: readonly Uint8Array[], selection: SourceSelection, totals: SourceTotals, signal: AbortSignal,
): Promise<void> {
  const source = new PosixSource()
  const excludes = new PatternList(selection.excludes)
  let steps = 0
  const visit = async (path: Uint8Array, device: bigint | undefined): Promise<void> => {
    if (signal.aborted) return
    if (++steps % YIELD_EVERY === 0) await new Promise((resolve) => setImmediate(resolve))
    try {
      const stat = source.statPath(path)
      if (excludes.matches(path, stat.type === 'directory' ? 'directory' : 'other')) return
      if (stat.type === 'file') {
        totals.files++
        totals.bytes += Math.min(stat.sizeBytes, stat.blocks512 * 512 + 4096) // holes are not read
      }
      if (stat.type !== 'directory' || (selection.oneFileSystem && device !== undefined && stat.dev !== device)) return
      const directory = source.open(path)
      const names = source.list(directory)
      source.close(directory)
      for (const name of names) await visit(Buffer.concat([path, Uint8Array.of(0x2f), name]), stat.dev)
    } catch {
      return // the backup itself reports what cannot be read
    }
  }
  for (const path of paths) await visit(path, undefined)
  totals.isComplete = !signal.aborted
}
