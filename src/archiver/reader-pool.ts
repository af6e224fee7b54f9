// The readers of a backup: worker threads with their pack channels, or one inline for a simulation.
import { InlinePool, type TaskPool } from '../executor/task-pool.ts'
import { ThreadPool } from '../executor/thread-pool.ts'
import type { SealedPack } from '../pack/pack-writer.ts'
import { PackBuffers } from './pack-buffers.ts'
import { PackChannel } from './pack-channel.ts'
import { startReader, type ReaderInit, type ReaderReply, type ReaderRequest, type ReaderSurroundings } from './reader-task.ts'
import type { ReaderThreadInit } from './reader-thread.ts'

export interface ReaderPoolOptions {
  readonly init: ReaderInit
  readonly threads: number
  /** Buffers for data packs, for all readers together: each fills one, the others are under way to storage. */
  readonly packBuffers: number
  readonly onPack: (pack: SealedPack, release: () => void) => void
}

export interface Readers {
  readonly pool: TaskPool<ReaderRequest, ReaderReply>
  /** Waits until all packs that the readers handed out, by their own count, have come in. */
  received(packsEmitted: readonly number[]): Promise<void>
  close(): Promise<void>
}

export class ThreadReaders implements Readers {
  readonly pool: TaskPool<ReaderRequest, ReaderReply>
  readonly #channels: readonly PackChannel[]

  constructor({ init, threads, packBuffers, onPack }: ReaderPoolOptions) {
    const buffers = PackBuffers.allocate(init.dataPackTargetBytes, packBuffers)
    this.#channels = Array.from({ length: threads }, () => new PackChannel(buffers, onPack))
    this.pool = new ThreadPool<ReaderThreadInit, ReaderRequest, ReaderReply>({
      module: new URL('./reader-thread.js', import.meta.url),
      threads,
      init: (index) => {
        const end = (this.#channels[index] as PackChannel).readerEnd
        return { data: { init, end }, transfer: [end.port] }
      },
    })
  }

  async received(packsEmitted: readonly number[]): Promise<void> {
    await Promise.all(this.#channels.map((channel, index) => channel.received(packsEmitted[index] ?? 0)))
  }

  async close(): Promise<void> {
    for (const channel of this.#channels) channel.close()
    await this.pool.close()
  }
}

/** One reader in the calling thread. Packs are handed on at once; nothing bounds them but the caller's storage. */
export class InlineReaders implements Readers {
  readonly pool: TaskPool<ReaderRequest, ReaderReply>

  constructor({ init, onPack }: ReaderPoolOptions, around: Omit<ReaderSurroundings, 'outlet'>) {
    const outlet = {
      buffer: () => new Uint8Array(init.dataPackTargetBytes),
      emit: (pack: SealedPack) => onPack(pack, () => undefined),
    }
    this.pool = new InlinePool(startReader(init, { ...around, outlet }))
  }

  async received(): Promise<void> {}

  async close(): Promise<void> {}
}
