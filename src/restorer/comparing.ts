// Existing content against the snapshot's, in batches that keep the workers busy and the messages few.
import { TaskGroup } from '../async/task-group.ts'
import type { CompareFile, CompareItem } from './compare-task.ts'
import type { FilePart } from './file-work.ts'
import { stopIfInterrupted } from './range-fetching.ts'
import type { OpenDirectories } from './target-directory.ts'
import type { WorkerLink } from './worker-link.ts'

const BATCH_BYTES_MAX = 32 * 1024 * 1024
const BATCH_FILES_MAX = 256
const BATCHES_AT_ONCE = 16

export interface ComparingTools {
  readonly workers: WorkerLink
  readonly directories: OpenDirectories
  readonly signal: AbortSignal | undefined
  /** Hears how much was found right. */
  readonly onSame?: (bytes: number) => void
}

/** Some items of one part. */
interface Slice {
  readonly part: FilePart
  readonly firstItem: number
  readonly items: CompareItem[]
}

/** Sets `differs` of each part. What cannot be read counts as differing. */
export async function compareParts(parts: readonly FilePart[], tools: ComparingTools): Promise<void> {
  const group = new TaskGroup(BATCHES_AT_ONCE)
  try {
    for (const batch of batches(parts)) {
      stopIfInterrupted(tools.signal)
      await group.add(() => compareBatch(batch, tools))
    }
  } finally {
    await group.finish()
  }
}

function* batches(parts: readonly FilePart[]): Generator<Slice[]> {
  let batch: Slice[] = []
  let bytes = 0
  for (const part of parts) {
    part.differs = new Uint8Array(part.items.length).fill(1)
    let slice: Slice | undefined
    let at = part.offset
    for (const [i, item] of part.items.entries()) {
      if (bytes >= BATCH_BYTES_MAX || batch.length >= BATCH_FILES_MAX) {
        yield batch
        batch = []
        bytes = 0
        slice = undefined
      }
      if (!slice) batch.push((slice = { part, firstItem: i, items: [] }))
      slice.items.push({ offset: at, ...item })
      // A hole costs next to nothing.
      bytes += item.id ? item.length : 0
      at += item.length
    }
  }
  if (batch.length > 0) yield batch
}

async function compareBatch(batch: readonly Slice[], { workers, directories, onSame }: ComparingTools): Promise<void> {
  const files = batch.map(({ part, items }): CompareFile => ({
    directoryFd: directories.fdOf(part.file.directory), name: part.file.name, items,
  }))
  const { differs } = await workers.compare(files)
  let start = 0
  let sameBytes = 0
  for (const { part, firstItem, items } of batch) {
    part.differs?.set(differs.subarray(start, start + items.length), firstItem)
    for (const [i, { id, length }] of items.entries()) if (id && differs[start + i] === 0) sameBytes += length
    start += items.length
  }
  onSame?.(sameBytes)
}
