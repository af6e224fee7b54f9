// Which parts of existing files are as they must be: the question to a worker and its encoding.
//   task := varint count, per file: varint directoryFd | name | varint count, items: varint offset length*2+hole | id(32)
import { ByteReader } from '../bytes/reader.ts'
import { ByteWriter } from '../bytes/writer.ts'
import { blobId, BLOB_ID_BYTES, type BlobId } from '../ids/ids.ts'
import { NAME_BYTES_MAX } from '../limits/limits.ts'

export interface CompareItem {
  readonly offset: number
  readonly length: number
  /** Absent: must read as zeros. */
  readonly id?: BlobId
}

export interface CompareFile {
  readonly directoryFd: number
  readonly name: Uint8Array
  readonly items: readonly CompareItem[]
}

export interface CompareOutcome {
  /** One byte an item, all files in order; 1: differs, or cannot be read. */
  readonly differs: Uint8Array<ArrayBuffer>
  readonly failures: { readonly file: number; readonly errno: string; readonly message: string }[]
}

export function encodeCompareTask(files: readonly CompareFile[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(4096).varint(files.length)
  for (const { directoryFd, name, items } of files) {
    writer.varint(directoryFd).bytes(name).varint(items.length)
    for (const { offset, length, id } of items) {
      writer.varint(offset).varint(length * 2 + (id ? 0 : 1))
      if (id) writer.raw(id)
    }
  }
  return writer.finish() as Uint8Array<ArrayBuffer>
}

export function decodeCompareTask(bytes: Uint8Array): CompareFile[] {
  const reader = new ByteReader(bytes, 'compare task')
  const files: CompareFile[] = []
  const fileCount = reader.varint()
  for (let i = 0; i < fileCount; i++) {
    const directoryFd = reader.varint()
    const name = reader.bytes(NAME_BYTES_MAX)
    const items: CompareItem[] = []
    const itemCount = reader.varint()
    for (let j = 0; j < itemCount; j++) {
      const offset = reader.varint()
      const head = reader.varint()
      const length = Math.floor(head / 2)
      items.push(head % 2 === 1 ? { offset, length } : { offset, length, id: blobId(reader.raw(BLOB_ID_BYTES)) })
    }
    files.push({ directoryFd, name, items })
  }
  reader.end()
  return files
}
