// Where the bytes of a file are: runs of data and holes, found by offset without reading more of a long file's content lists
// than the path to it.
import { VaultError } from '../errors/vault-error.ts'
import type { Operation } from '../fuse/file-system.ts'
import type { BlobId } from '../ids/ids.ts'
import { NODE_LEVELS_MAX } from '../limits/limits.ts'
import type { Content, ContentItem } from '../tree/entry.ts'
import { lastAtMost, startsOf, type TreeReader } from './tree-reader.ts'

/** A run in its place. */
export interface Run {
  readonly start: number
  readonly length: number
  /** Absent: a hole. */
  readonly id?: BlobId
}

export class FileContent {
  readonly sizeBytes: number
  readonly #trees: TreeReader
  readonly #inline: { readonly items: readonly ContentItem[]; readonly starts: Float64Array } | undefined
  readonly #list: BlobId | undefined

  constructor(trees: TreeReader, sizeBytes: number, content: Content) {
    this.sizeBytes = sizeBytes
    this.#trees = trees
    if ('list' in content) this.#list = content.list
    else this.#inline = { items: content.items, starts: startsOf(content.items).starts }
  }

  /** The run that holds the byte at `offset`, which lies within the file. Throws `vault-damaged`. */
  *runAt(offset: number): Operation<Run> {
    if (this.#inline) return runIn(this.#inline, offset, 0)
    let id = this.#list
    let base = 0
    let levelMax = NODE_LEVELS_MAX
    for (;;) {
      if (id === undefined) throw new VaultError('vault-damaged', 'a content list without a child')
      const list = yield* this.#trees.list(id, levelMax)
      const run = runIn(list, offset - base, base)
      if (list.level === 0) return run
      id = run.id
      base = run.start
      levelMax = list.level - 1
    }
  }

  /** Offset of the first data, or hole, at or after `offset`; the end counts as a hole. Undefined when there is none. */
  *seek(offset: number, what: 'data' | 'hole'): Operation<number | undefined> {
    if (offset >= this.sizeBytes) return undefined
    for (let at = offset; at < this.sizeBytes;) {
      const run = yield* this.runAt(at)
      if ((run.id === undefined) === (what === 'hole')) return at
      at = run.start + run.length
    }
    return what === 'hole' ? this.sizeBytes : undefined
  }

  /** Bytes of data, without holes. Beyond `runsMax` runs nobody counts: undefined. */
  *dataBytes(runsMax: number): Operation<number | undefined> {
    let bytes = 0
    let runs = 0
    for (let at = 0; at < this.sizeBytes;) {
      if (++runs > runsMax) return undefined
      const run = yield* this.runAt(at)
      if (run.id !== undefined) bytes += run.length
      at = run.start + run.length
    }
    return bytes
  }
}

function runIn(
  { items, starts }: { readonly items: readonly ContentItem[]; readonly starts: Float64Array }, offset: number, base: number,
): Run {
  const index = lastAtMost(items.length, (at) => (starts[at] ?? 0) <= offset)
  const item = items[index]
  const start = starts[index] ?? 0
  if (item === undefined || offset >= start + item.length) {
    throw new VaultError('vault-damaged', `a content list ends before byte ${base + offset}`)
  }
  return { start: base + start, length: item.length, ...(item.id ? { id: item.id } : {}) }
}
