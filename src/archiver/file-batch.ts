// Messages between the archiver and its readers: batches of files, as bytes, since a structured clone of thousands of
// small objects costs more than reading the files.
import { ByteReader } from '../bytes/reader.ts'
import { ByteWriter } from '../bytes/writer.ts'
import { VOLATILE_BYTES } from './volatile.ts'

export interface FileRequest {
  /** Descriptor of its directory, open in this process as long as the request is under way. */
  readonly directoryFd: number
  readonly name: Uint8Array
}

/** What became of one file. */
export type FileReply =
  | {
      readonly status: 'read'
      /** What is doubtful about it (it changed meanwhile, an xattr could not be read); empty: nothing. */
      readonly warning: string
      readonly volatile: Uint8Array
      /** False: too fresh to be trusted as unchanged next time. */
      readonly isSettled: boolean
      readonly size: number
      /** Encoded tree entry with the inode in it. */
      readonly entry: Uint8Array
    }
  | { readonly status: 'vanished' | 'failed'; readonly message: string }

/** Totals since the reader started. */
export interface ReaderCounts {
  readonly dataBlobsAdded: number
  readonly metadataBlobsAdded: number
  readonly bytesAdded: number
  readonly bytesStored: number
  /** Packs handed out since the thread started. */
  readonly packsEmitted: number
}

const STATUSES = ['read', 'vanished', 'failed'] as const
const ENTRY_BYTES_MAX = 1 << 20
const MESSAGE_BYTES_MAX = 4096

export function encodeRequests(files: readonly FileRequest[]): Uint8Array {
  const writer = new ByteWriter(files.length * 40 + 8).varint(files.length)
  for (const { directoryFd, name } of files) writer.varint(directoryFd).bytes(name)
  return writer.finish()
}

export function decodeRequests(bytes: Uint8Array): FileRequest[] {
  const reader = new ByteReader(bytes, 'read request')
  const count = reader.varint()
  return Array.from({ length: count }, () => ({ directoryFd: reader.varint(), name: reader.bytes(4096) }))
}

export function writeReply(writer: ByteWriter, reply: FileReply): void {
  writer.u8(STATUSES.indexOf(reply.status))
  const text = reply.status === 'read' ? reply.warning : reply.message
  writer.bytes(new TextEncoder().encode(text).subarray(0, MESSAGE_BYTES_MAX))
  if (reply.status === 'read') writer.raw(reply.volatile).u8(reply.isSettled ? 1 : 0).varint(reply.size).bytes(reply.entry)
}

export function readReply(reader: ByteReader): FileReply {
  const status = STATUSES[reader.u8()] ?? reader.fail('unknown status')
  const text = new TextDecoder().decode(reader.bytes(MESSAGE_BYTES_MAX))
  if (status !== 'read') return { status, message: text }
  const volatile = reader.raw(VOLATILE_BYTES)
  const isSettled = reader.u8() === 1
  return { status, warning: text, volatile, isSettled, size: reader.varint(), entry: reader.bytes(ENTRY_BYTES_MAX) }
}
