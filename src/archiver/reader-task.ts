// A reader: what runs in each worker thread of a backup (or inline). Its start data is plain or shared memory.
import { SystemRandom } from '../async/random.ts'
import type { RandomSource } from '../async/random.ts'
import { Chunker } from '../chunker/chunker.ts'
import { keyedGear } from '../chunker/gear.ts'
import { parseChunkerParameters, type ChunkSizes } from '../chunker/parameters.ts'
import { ByteWriter } from '../bytes/writer.ts'
import type { CompressionPreference } from '../compress/codec.ts'
import { BlobWriter, type PackOutlet } from '../content/blob-writer.ts'
import { Keyring, type KeyMaterial } from '../crypto/keyring.ts'
import type { TaskHandler } from '../executor/task-pool.ts'
import { BlobTable } from '../index/blob-table.ts'
import { PackStates } from '../index/pack-states.ts'
import type { SharedIndex } from '../index/vault-index.ts'
import { METADATA_PACK_TARGET_BYTES } from '../limits/limits.ts'
import { decodeRequests, writeReply, type ReaderCounts } from './file-batch.ts'
import { FileReader } from './file-reader.ts'
import { RunControl } from './run-control.ts'
import { PosixSource, type SourceFiles } from './source.ts'

/** Start data of a reader. */
export interface ReaderInit {
  readonly material: KeyMaterial
  readonly index: SharedIndex
  readonly chunker: ChunkSizes
  readonly compression: CompressionPreference
  readonly dataPackTargetBytes: number
  readonly control: SharedArrayBuffer
}

/** `read`: encoded FileRequests. `flush`: hand out the open packs, sent once at the end. */
export type ReaderRequest = { readonly read: Uint8Array } | { readonly flush: true }

export interface ReaderReply {
  /** One encoded FileReply a request, in order. */
  readonly replies: Uint8Array<ArrayBuffer>
  readonly counts: ReaderCounts
}

/** Where packs go, and where files, time and chance come from: the system's by default. */
export interface ReaderSurroundings {
  readonly outlet: PackOutlet
  readonly source?: SourceFiles
  readonly random?: RandomSource
  readonly nowMs?: () => number
}

export function startReader(init: ReaderInit, around: ReaderSurroundings): TaskHandler<ReaderRequest, ReaderReply> {
  const keys = new Keyring(init.material)
  const random = around.random ?? new SystemRandom()
  let packsEmitted = 0
  const outlet: PackOutlet = {
    buffer: (kind) => around.outlet.buffer(kind),
    emit(pack) {
      packsEmitted++
      around.outlet.emit(pack)
    },
  }
  const shared = {
    keys, random, outlet, compression: init.compression,
    table: new BlobTable({ shared: init.index.table }), states: new PackStates(init.index.states),
  }
  const data = new BlobWriter('data', { ...shared, targetBytes: init.dataPackTargetBytes })
  const metadata = new BlobWriter('metadata', { ...shared, targetBytes: METADATA_PACK_TARGET_BYTES })
  const control = new RunControl(init.control)
  const parameters = parseChunkerParameters(init.chunker, 'usage')
  const chunker = new Chunker(parameters, keyedGear(keys.gearSecret()))
  const reader = new FileReader({
    source: around.source ?? new PosixSource(), chunker, data, metadata, control, nowMs: around.nowMs ?? Date.now,
  })

  const counts = (): ReaderCounts => ({
    dataBlobsAdded: data.counts.blobsAdded, metadataBlobsAdded: metadata.counts.blobsAdded,
    bytesAdded: data.counts.bytesAdded + metadata.counts.bytesAdded,
    bytesStored: data.counts.bytesStored + metadata.counts.bytesStored, packsEmitted,
  })
  return (request) => {
    const writer = new ByteWriter(4096)
    if ('flush' in request) {
      data.flush()
      metadata.flush()
    } else {
      for (const reply of reader.readAll(decodeRequests(request.read))) writeReply(writer, reply)
    }
    const replies = new Uint8Array(writer.finish())
    return { reply: { replies, counts: counts() }, transfer: [replies.buffer] }
  }
}
