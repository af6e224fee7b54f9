// Messages that the kernel did not ask for (enum fuse_notify_code). They take locks that a request may hold whose answer is
// still to come (a look-up holds its directory): a thread that answers requests must not write them to the device, or it waits
// for itself. Any other thread may. Refusals are normal: the kernel does not know the node or the name (any more).
import type { NodeId } from './file-system.ts'
import { StructWriter } from './struct-writer.ts'

const HEADER_BYTES = 16
const FUSE_NOTIFY_INVAL_INODE = 2
const FUSE_NOTIFY_INVAL_ENTRY = 3

function message(code: number, bodyBytes: number, write: (writer: StructWriter) => void): Uint8Array {
  const length = HEADER_BYTES + bodyBytes
  const writer = new StructWriter(length).u32(length).i32(code).u64(0) // the code stands in the place of an error
  write(writer)
  return writer.view()
}

/** The name leads elsewhere now, or nowhere. */
export const entryInvalidation = (parent: NodeId, name: Uint8Array): Uint8Array =>
  message(FUSE_NOTIFY_INVAL_ENTRY, 16 + name.length + 1, (writer) => writer.u64(parent).u32(name.length).u32(0).raw(name).zeros(1))

/** Attributes and everything cached of the node are no longer what they were. */
export const nodeInvalidation = (node: NodeId): Uint8Array =>
  message(FUSE_NOTIFY_INVAL_INODE, 24, (writer) => writer.u64(node).u64(0).u64(0))
