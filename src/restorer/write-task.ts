// What a worker is told to write, and its encoding: one message holds a range of a pack, the blobs in it and the files they
// go to, as one byte string. Plain objects would cost 20 µs a file to clone, and clone whole tree nodes with each id.
//   task  := keyTable | varint count, blobs | varint count, files
//   blob  := id(32) form u8 (0 sealed, 1 plain) varint offset length codec rawLength keyIndex | varint count, (file, offset)
//   file  := varint directoryFd | name | opening u8 | flags u8 | varint size | varint pieceCount | kind u8 | [attributes]
import { ByteReader } from '../bytes/reader.ts'
import { ByteWriter } from '../bytes/writer.ts'
import { readKeyTable, writeKeyTable, type WrappedDataKey } from '../crypto/data-key.ts'
import { blobId, BLOB_ID_BYTES, type BlobId } from '../ids/ids.ts'
import { NAME_BYTES_MAX } from '../limits/limits.ts'
import { readAttributes, writeAttributes } from './file-attributes.ts'
import type { AttributeWish } from './attribute-setting.ts'

/** Bytes of a blob, to be written at `offset` of the task's file number `file`. */
export interface TaskPiece {
  readonly file: number
  readonly offset: number
}

export interface TaskBlob {
  readonly id: BlobId
  /** Place in the message's bytes. */
  readonly offset: number
  readonly length: number
  readonly codec: number
  readonly rawLength: number
  /** How it is opened; absent for bytes that are plain and verified already. */
  readonly key?: WrappedDataKey
  readonly pieces: readonly TaskPiece[]
}

/** `create`: must not exist. `write`: exists. `none`: only attributes are set, by path, of whatever kind it is. */
export type Opening = 'create' | 'write' | 'none'
const OPENINGS: readonly Opening[] = ['create', 'write', 'none']

export interface TaskFile {
  readonly directoryFd: number
  readonly name: Uint8Array
  readonly opening: Opening
  /** Aligned blocks of zeros are left out. */
  readonly isSparse: boolean
  /** What is left out must be punched, as something else may stand there. */
  readonly punches: boolean
  readonly size: number
  /** Cut or extended to `size` once all pieces of this task are written. */
  readonly setsSize: boolean
  /** Pieces of this task that go into it. */
  readonly pieceCount: number
  /** Absent: other tasks write into it too, and the last word is spoken later. */
  readonly wish?: AttributeWish
}

export interface WriteTask {
  readonly blobs: readonly TaskBlob[]
  readonly files: readonly TaskFile[]
}

const SPARSE = 1
const PUNCHES = 2
const SETS_SIZE = 4
const WISH = 8
const MAY_HAVE_XATTRS = 16
const SYMLINK = 32
const EXTENTS: readonly AttributeWish['extent'][] = ['all', 'xattrs', 'content-lost']

export function encodeWriteTask(task: WriteTask): Uint8Array<ArrayBuffer> {
  const keys: WrappedDataKey[] = []
  const indexOf = (key: WrappedDataKey): number => {
    const known = keys.lastIndexOf(key)
    return known >= 0 ? known : keys.push(key) - 1
  }
  const body = new ByteWriter(256 + task.files.length * 64 + task.blobs.length * 56)
  body.varint(task.blobs.length)
  for (const { id, offset, length, codec, rawLength, key, pieces } of task.blobs) {
    body.raw(id).u8(key ? 0 : 1).varint(offset).varint(length).varint(codec).varint(rawLength)
      .varint(key ? indexOf(key) : 0).varint(pieces.length)
    for (const { file, offset: place } of pieces) body.varint(file).varint(place)
  }
  body.varint(task.files.length)
  for (const file of task.files) writeFile(body, file)
  const writer = new ByteWriter(body.length + 256)
  writeKeyTable(writer, keys)
  return writer.raw(body.view()).finish() as Uint8Array<ArrayBuffer>
}

function writeFile(writer: ByteWriter, file: TaskFile): void {
  const { wish } = file
  let flags = (file.isSparse ? SPARSE : 0) | (file.punches ? PUNCHES : 0) | (file.setsSize ? SETS_SIZE : 0)
  if (wish) flags |= WISH | (wish.mayHaveXattrs ? MAY_HAVE_XATTRS : 0) | (wish.isSymlink ? SYMLINK : 0)
  writer.varint(file.directoryFd).bytes(file.name).u8(OPENINGS.indexOf(file.opening)).u8(flags).varint(file.size)
    .varint(file.pieceCount)
  if (!wish) return
  writer.u8(EXTENTS.indexOf(wish.extent))
  writeAttributes(writer, wish.attributes)
}

export function decodeWriteTask(bytes: Uint8Array): WriteTask {
  const reader = new ByteReader(bytes, 'write task')
  const keys = readKeyTable(reader)
  const blobs: TaskBlob[] = []
  const blobCount = reader.varint()
  for (let i = 0; i < blobCount; i++) blobs.push(readBlob(reader, keys))
  const files: TaskFile[] = []
  const fileCount = reader.varint()
  for (let i = 0; i < fileCount; i++) files.push(readFile(reader))
  reader.end()
  return { blobs, files }
}

function readBlob(reader: ByteReader, keys: readonly WrappedDataKey[]): TaskBlob {
  const id = blobId(reader.raw(BLOB_ID_BYTES))
  const isPlain = reader.u8() === 1
  const offset = reader.varint()
  const length = reader.varint()
  const codec = reader.varint()
  const rawLength = reader.varint()
  const key = keys[reader.varint()]
  const pieces: TaskPiece[] = []
  const pieceCount = reader.varint()
  for (let i = 0; i < pieceCount; i++) pieces.push({ file: reader.varint(), offset: reader.varint() })
  return { id, offset, length, codec, rawLength, pieces, ...(isPlain || !key ? {} : { key }) }
}

function readFile(reader: ByteReader): TaskFile {
  const directoryFd = reader.varint()
  const name = reader.bytes(NAME_BYTES_MAX)
  const opening = OPENINGS[reader.u8()] ?? reader.fail('opening')
  const flags = reader.u8()
  const file: TaskFile = {
    directoryFd, name, opening, isSparse: (flags & SPARSE) !== 0, punches: (flags & PUNCHES) !== 0,
    setsSize: (flags & SETS_SIZE) !== 0, size: reader.varint(), pieceCount: reader.varint(),
  }
  if ((flags & WISH) === 0) return file
  const extent = EXTENTS[reader.u8()] ?? reader.fail('extent')
  const attributes = readAttributes(reader)
  const wish: AttributeWish = {
    attributes, extent, isSymlink: (flags & SYMLINK) !== 0, mayHaveXattrs: (flags & MAY_HAVE_XATTRS) !== 0,
  }
  return { ...file, wish }
}

/** What became of a write task. Numbers are places in its lists. */
export interface WriteOutcome {
  /** Blobs that could not be opened; their files are made, sized and left without attributes. */
  readonly blobFailures: { readonly blob: number; readonly message: string }[]
  /** Files that system calls failed for. */
  readonly fileFailures: { readonly file: number; readonly errno: string; readonly message: string }[]
  readonly warnings: { readonly file: number; readonly message: string }[]
  bytesWritten: number
  /** The same with the zeros that were left out. */
  bytesDone: number
  ownersRefused: number
  xattrsRefused: number
}
