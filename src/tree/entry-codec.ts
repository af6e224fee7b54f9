// Canonical encoding of entries: one value, one byte string. FORMAT.md beside this file is the specification.
import { ByteReader } from '../bytes/reader.ts'
import { ByteWriter } from '../bytes/writer.ts'
import { VaultError } from '../errors/vault-error.ts'
import { blobId, BLOB_ID_BYTES } from '../ids/ids.ts'
import {
  BLOB_RAW_BYTES_MAX, NAME_BYTES_MAX, SYMLINK_BYTES_MAX, XATTR_NAME_BYTES_MAX, XATTR_VALUE_BYTES_MAX, XATTRS_MAX,
} from '../limits/limits.ts'
import {
  INODE_KINDS, type Attributes, type Content, type ContentItem, type Entry, type Inode, type InodeKind, type Summary,
  type Xattr,
} from './entry.ts'

/** More runs than this go into a content list of their own: 32 MiB of default chunks. */
export const INLINE_ITEMS_MAX = 32
/** More encoded bytes of xattrs than this go into a blob of their own. */
export const INLINE_XATTR_BYTES_MAX = 4096

const KIND_MASK = 0xf
const LINK = 1 << 4
const XATTRS = 1 << 5
const XATTR_BLOB = 1 << 6
const NUMBER = 1 << 7
const LOCKED = 1 << 8
const CONTENT_LIST = 1 << 9
const EXTENSIONS = 1 << 10
const SPARSE = 1 << 11
const KNOWN = (1 << 12) - 1
const EXTENSIONS_MAX = 64
const EXTENSION_BYTES_MAX = 65536
/** User and group names longer than this are not stored. */
export const OWNER_NAME_BYTES_MAX = 256

const kindNames = new Map<number, InodeKind>(
  (Object.keys(INODE_KINDS) as InodeKind[]).map((kind) => [INODE_KINDS[kind], kind]),
)
const text = new TextEncoder()
const utf8 = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

/** A file name that can exist: not empty, `.` or `..`, without `/` and NUL. */
export function isSoundName(name: Uint8Array): boolean {
  if (name.length === 0 || name.length > NAME_BYTES_MAX) return false
  if (name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e))) return false
  return !name.includes(0x2f) && !name.includes(0)
}

export function writeItems(writer: ByteWriter, items: readonly ContentItem[]): void {
  writer.varint(items.length)
  for (const { id, length } of items) {
    writer.varint(length * 2 + (id ? 0 : 1))
    if (id) writer.raw(id)
  }
}

export function readItems(reader: ByteReader, itemsMax: number): ContentItem[] {
  const count = reader.varint(itemsMax)
  const items: ContentItem[] = []
  for (let i = 0; i < count; i++) {
    const head = reader.varint()
    const length = Math.floor(head / 2)
    if (length === 0) reader.fail('empty run')
    if (head % 2 === 1) {
      items.push({ length })
      continue
    }
    if (length > BLOB_RAW_BYTES_MAX) reader.fail('run longer than a blob may be')
    items.push({ length, id: blobId(reader.raw(BLOB_ID_BYTES)) })
  }
  return items
}

export function writeSummary(writer: ByteWriter, summary: Summary): void {
  writer.varint(summary.bytes).varint(summary.entries).u8(summary.hasLinks ? 1 : 0)
}

export function readSummary(reader: ByteReader): Summary {
  const bytes = reader.varint()
  const entries = reader.varint()
  const flags = reader.u8()
  if (flags > 1) reader.fail('unknown summary flag')
  return { bytes, entries, hasLinks: flags === 1 }
}

/** Encoded list of xattrs, as it stands in an entry or in a blob of type xattr. */
export function encodeXattrs(xattrs: readonly Xattr[]): Uint8Array {
  const writer = new ByteWriter()
  writer.varint(xattrs.length)
  for (const { name, value } of xattrs) writer.bytes(name).bytes(value)
  return writer.finish()
}

export function readXattrs(reader: ByteReader): Xattr[] {
  const count = reader.varint(XATTRS_MAX)
  const xattrs: Xattr[] = []
  for (let i = 0; i < count; i++) {
    const name = reader.bytes(XATTR_NAME_BYTES_MAX)
    const before = xattrs.at(-1)
    if (name.length === 0 || name.includes(0) || (before && Buffer.compare(before.name, name) >= 0)) {
      reader.fail('xattr names not sound and ascending')
    }
    xattrs.push({ name, value: reader.bytes(XATTR_VALUE_BYTES_MAX) })
  }
  return xattrs
}

function inodeFlags(inode: Inode): number {
  let flags: number = INODE_KINDS[inode.kind]
  if ('blob' in inode.xattrs) flags |= XATTRS | XATTR_BLOB
  else if (inode.xattrs.length > 0) flags |= XATTRS
  if (inode.kind !== 'file') return flags
  if ('list' in inode.content) flags |= CONTENT_LIST
  if (inode.isSparse) flags |= SPARSE
  return flags
}

function writeInodeBody(writer: ByteWriter, inode: Inode): void {
  writer.varint(inode.mode).varint(inode.uid).varint(inode.gid)
    .bytes(text.encode(inode.user)).bytes(text.encode(inode.group))
    .svarint(inode.mtimeSeconds).varint(inode.mtimeNanos)
  switch (inode.kind) {
    case 'file':
      writer.varint(inode.size)
      if ('list' in inode.content) writer.raw(inode.content.list)
      else writeItems(writer, inode.content.items)
      break
    case 'directory':
      writer.raw(inode.tree)
      writeSummary(writer, inode.summary)
      break
    case 'symlink':
      writer.bytes(inode.target)
      break
    case 'char':
    case 'block':
      writer.varint(inode.major).varint(inode.minor)
      break
    default: // fifo, socket: nothing more
  }
  if ('blob' in inode.xattrs) writer.raw(inode.xattrs.blob)
  else if (inode.xattrs.length > 0) writer.raw(encodeXattrs(inode.xattrs))
}

function readContent(reader: ByteReader, flags: number, size: number): Content {
  if (flags & CONTENT_LIST) return { list: blobId(reader.raw(BLOB_ID_BYTES)) }
  const items = readItems(reader, INLINE_ITEMS_MAX)
  let total = 0
  for (const item of items) total += item.length
  if (total !== size) reader.fail('content does not add up to the size')
  return { items }
}

function readKind(reader: ByteReader, flags: number): InodeKind {
  if ((flags & ~KNOWN) !== 0) {
    throw new VaultError('vault-newer', 'a tree entry uses a feature this program does not know', { hint: 'use a newer s3vault' })
  }
  return kindNames.get(flags & KIND_MASK) ?? reader.fail('unknown kind of entry')
}

function readSpecifics(reader: ByteReader, flags: number, kind: InodeKind, attributes: Omit<Attributes, 'xattrs'>): Inode {
  const xattrs: Xattr[] = []
  const common = { ...attributes, xattrs }
  switch (kind) {
    case 'file': {
      const size = reader.varint()
      return { ...common, kind, size, isSparse: (flags & SPARSE) !== 0, content: readContent(reader, flags, size) }
    }
    case 'directory':
      return { ...common, kind, tree: blobId(reader.raw(BLOB_ID_BYTES)), summary: readSummary(reader) }
    case 'symlink':
      return { ...common, kind, target: reader.bytes(SYMLINK_BYTES_MAX) }
    case 'char':
    case 'block':
      return { ...common, kind, major: reader.varint(0xffffffff), minor: reader.varint(0xffffffff) }
    default:
      return { ...common, kind }
  }
}

function readInodeBody(reader: ByteReader, flags: number, kind: InodeKind): Inode {
  if ((flags & (CONTENT_LIST | SPARSE)) !== 0 && kind !== 'file') reader.fail('content of what is no file')
  if ((flags & XATTR_BLOB) !== 0 && (flags & XATTRS) === 0) reader.fail('xattr flags contradict')
  const mode = reader.varint(0o7777)
  const uid = reader.varint(0xffffffff)
  const gid = reader.varint(0xffffffff)
  const user = utf8.decode(reader.bytes(OWNER_NAME_BYTES_MAX))
  const group = utf8.decode(reader.bytes(OWNER_NAME_BYTES_MAX))
  const mtimeSeconds = reader.svarint()
  const mtimeNanos = reader.varint(999_999_999)
  const inode = readSpecifics(reader, flags, kind, { mode, uid, gid, user, group, mtimeSeconds, mtimeNanos })
  if ((flags & XATTRS) === 0) return inode
  const xattrs = flags & XATTR_BLOB ? { blob: blobId(reader.raw(BLOB_ID_BYTES)) } : readXattrs(reader)
  if (Array.isArray(xattrs) && xattrs.length === 0) reader.fail('empty xattr list')
  return { ...inode, xattrs }
}

/** Tag-length-value fields that a later version may add and this one may ignore. */
function skipExtensions(reader: ByteReader, flags: number): void {
  if ((flags & EXTENSIONS) === 0) return
  const count = reader.varint(EXTENSIONS_MAX)
  for (let i = 0; i < count; i++) {
    reader.varint()
    reader.bytes(EXTENSION_BYTES_MAX)
  }
}

export function writeEntry(writer: ByteWriter, entry: Entry): void {
  const locked = entry.isLocked ? LOCKED : 0
  writer.bytes(entry.name)
  if (!('inode' in entry)) {
    writer.varint(INODE_KINDS[entry.linkKind] | LINK | locked).u64(entry.link).varint(entry.linkSize)
    return
  }
  const numbered = entry.number === undefined ? 0 : NUMBER
  writer.varint(inodeFlags(entry.inode) | numbered | locked)
  if (entry.number !== undefined) writer.u64(entry.number)
  writeInodeBody(writer, entry.inode)
}

export function encodeEntry(entry: Entry): Uint8Array {
  const writer = new ByteWriter(160)
  writeEntry(writer, entry)
  return writer.finish()
}

/** Reads one entry. Throws `vault-damaged` or `vault-newer`; byte fields are views of the reader's bytes. */
export function readEntry(reader: ByteReader): Entry {
  const name = reader.bytes(NAME_BYTES_MAX)
  if (!isSoundName(name)) reader.fail('a file name that cannot be')
  const flags = reader.varint(0xffffffff)
  const kind = readKind(reader, flags)
  const isLocked = (flags & LOCKED) !== 0
  if (flags & LINK) {
    if ((flags & (XATTRS | XATTR_BLOB | NUMBER | CONTENT_LIST | SPARSE)) !== 0 || kind === 'directory') reader.fail('link flags contradict')
    const link = reader.u64()
    const linkSize = reader.varint()
    skipExtensions(reader, flags)
    return { name, isLocked, linkKind: kind, link, linkSize }
  }
  const number = flags & NUMBER ? reader.u64() : undefined
  const inode = readInodeBody(reader, flags, kind)
  skipExtensions(reader, flags)
  return { name, isLocked, inode, ...(number === undefined ? {} : { number }) }
}

/** Reads an entry that stands alone and has an inode in it. Throws `vault-damaged` or `vault-newer`. */
export function decodeInode(encoded: Uint8Array): Entry & { readonly inode: Inode } {
  const reader = new ByteReader(encoded, 'file entry')
  const entry = readEntry(reader)
  reader.end()
  if (!('inode' in entry)) return reader.fail('a link where an inode is expected')
  return entry
}

export function writeLinkRecord(writer: ByteWriter, record: LinkRecordFields): void {
  writer.u64(record.link).varint(record.nlink).varint(record.parents.length)
  for (const parent of record.parents) writer.u64(parent)
  writer.varint(inodeFlags(record.inode))
  writeInodeBody(writer, record.inode)
}

interface LinkRecordFields {
  readonly link: bigint
  readonly nlink: number
  readonly parents: readonly bigint[]
  readonly inode: Inode
}

/** Directories recorded for one inode: 512 KiB of a node. More names than that are kept, their parents are not listed. */
export const PARENTS_MAX = 1 << 16

export function readLinkRecord(reader: ByteReader): LinkRecordFields {
  const link = reader.u64()
  const nlink = reader.varint(0xffffffff)
  const parentCount = reader.varint(Math.min(PARENTS_MAX, Math.floor(reader.remaining / 8)))
  const parents: bigint[] = []
  for (let i = 0; i < parentCount; i++) parents.push(reader.u64())
  const flags = reader.varint(0xffffffff)
  const kind = readKind(reader, flags)
  if ((flags & (LINK | NUMBER)) !== 0 || kind === 'directory') reader.fail('link record flags contradict')
  const inode = readInodeBody(reader, flags, kind)
  skipExtensions(reader, flags)
  return { link, nlink, parents, inode }
}
