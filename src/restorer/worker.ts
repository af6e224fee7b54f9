// What restore asks of workers, and the handler that does it. A worker knows keys and nothing of the vault; directories are
// open in the main thread, whose descriptors are the whole process's.
import type { TaskHandler } from '../executor/task-pool.ts'
import { BlobOpener } from '../crypto/data-key.ts'
import { Keyring, type KeyMaterial } from '../crypto/keyring.ts'
import { decodeCompareTask, type CompareOutcome } from './compare-task.ts'
import { FileComparer } from './file-comparer.ts'
import { FileWriter } from './file-writer.ts'
import { decodeWriteTask, type WriteOutcome } from './write-task.ts'

export type RestoreRequest =
  | { readonly kind: 'write'; readonly task: Uint8Array; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'compare'; readonly task: Uint8Array }

export type RestoreReply =
  | { readonly kind: 'write'; readonly outcome: WriteOutcome }
  | { readonly kind: 'compare'; readonly outcome: CompareOutcome }

export type RestoreHandler = TaskHandler<RestoreRequest, RestoreReply>

export function restoreHandler(material: KeyMaterial): RestoreHandler {
  const keys = new Keyring(material)
  const opener = new BlobOpener(keys)
  const comparer = new FileComparer(keys)
  return (request) => {
    if (request.kind === 'compare') {
      const outcome = comparer.run(decodeCompareTask(request.task))
      return { reply: { kind: 'compare', outcome }, transfer: [outcome.differs.buffer] }
    }
    const outcome = FileWriter.run(keys, opener, decodeWriteTask(request.task), request.bytes)
    // Gives the memory back now: a thread that allocates little else may not collect garbage for a long time.
    request.bytes.buffer.transfer(0)
    return { reply: { kind: 'write', outcome } }
  }
}
