// One function an opcode: reads the arguments, asks the file system, makes the body of the reply. Arguments are read before
// the first wait, since the buffer they lie in is used again; the reply is written after the last.
import { DirectoryReply, writeAttrOut, writeEntry } from './entry-structs.ts'
import {
  errno, FileSystemError, type Caller, type FileSystem, type NodeId, type Opened, type Operation,
} from './file-system.ts'
import { OPCODES } from './opcodes.ts'
import type { StructReader } from './struct-reader.ts'
import type { StructWriter } from './struct-writer.ts'

/** What one request is about, from its header. */
export interface Call {
  readonly opcode: number
  readonly unique: number
  readonly node: NodeId
  readonly caller: Caller
}

export interface Answer {
  readonly parts: readonly Uint8Array[]
  /** Nodes that the reply gives the kernel a reference to. */
  readonly references?: readonly NodeId[]
}

export interface HandlerContext {
  readonly fileSystem: FileSystem
  readonly arguments: StructReader
  /** For short replies. */
  readonly writer: StructWriter
  readonly canSkipOpen: boolean
}

export type Handler = (context: HandlerContext, call: Call) => Operation<Answer>

const NOTHING: Answer = { parts: [] }

// FOPEN_* of linux/fuse.h
const FOPEN_KEEP_CACHE = 1 << 1
const FOPEN_CACHE_DIR = 1 << 3
// linux/fs.h
const SEEK_DATA = 3
const SEEK_HOLE = 4

function* lookup({ fileSystem, arguments: args, writer }: HandlerContext, call: Call): Operation<Answer> {
  const entry = yield* fileSystem.lookup(call.node, args.name(), call.caller)
  writeEntry(writer.reset(), entry)
  return entry.node === undefined ? { parts: [writer.view()] } : { parts: [writer.view()], references: [entry.node] }
}

function* getAttributes({ fileSystem, writer }: HandlerContext, { node }: Call): Operation<Answer> {
  const attributes = yield* fileSystem.attributes(node)
  writeAttrOut(writer.reset(), attributes)
  return { parts: [writer.view()] }
}

function* readLink({ fileSystem }: HandlerContext, { node }: Call): Operation<Answer> {
  return { parts: [yield* fileSystem.readLink(node)] }
}

function openOut(writer: StructWriter, handle: number, flags: number): Answer {
  return { parts: [writer.reset().u64(handle).u32(flags).u32(0).view()] }
}

function* open({ fileSystem, arguments: args, writer, canSkipOpen }: HandlerContext, { node }: Call): Operation<Answer> {
  const opened = yield* fileSystem.open(node, args.u32())
  if (opened !== 'stateless') return openOut(writer, opened.handle, opened.cache === 'keep' ? FOPEN_KEEP_CACHE : 0)
  if (canSkipOpen) throw new FileSystemError(errno.ENOSYS, 'files need no opening')
  return openOut(writer, 0, FOPEN_KEEP_CACHE)
}

function* openDirectory({ fileSystem, writer }: HandlerContext, { node }: Call): Operation<Answer> {
  const { handle, cache }: Opened = yield* fileSystem.openDirectory(node)
  return openOut(writer, handle, cache === 'keep' ? FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR : 0)
}

function* read({ fileSystem, arguments: args }: HandlerContext, { node }: Call): Operation<Answer> {
  const handle = args.u64()
  const offset = args.u64()
  return { parts: yield* fileSystem.read(node, handle, offset, args.u32()) }
}

const readDirectory = (wantsEntries: boolean): Handler =>
  function* ({ fileSystem, arguments: args }, { node }) {
    const handle = args.u64()
    const cookie = args.u64()
    const reply = new DirectoryReply(args.u32(), wantsEntries)
    try {
      yield* fileSystem.readDirectory(node, handle, cookie, reply)
    } catch (error) {
      for (const reference of reply.references) fileSystem.forget(reference, 1)
      throw error
    }
    return { parts: [reply.bytes], references: reply.references }
  }

function* release({ fileSystem, arguments: args }: HandlerContext, { node, opcode }: Call): Operation<Answer> {
  const handle = args.u64()
  if (opcode === OPCODES.RELEASE) fileSystem.release(node, handle)
  else fileSystem.releaseDirectory(node, handle)
  return NOTHING
}

function* seek({ fileSystem, arguments: args, writer }: HandlerContext, { node }: Call): Operation<Answer> {
  const handle = args.u64()
  const offset = args.u64()
  const whence = args.u32()
  if (whence !== SEEK_DATA && whence !== SEEK_HOLE) throw new FileSystemError(errno.EINVAL, `whence ${whence}`)
  const found = yield* fileSystem.seek(node, handle, offset, whence === SEEK_DATA ? 'data' : 'hole')
  if (found === undefined) throw new FileSystemError(errno.ENXIO, 'nothing there')
  return { parts: [writer.reset().u64(found).view()] }
}

/** A size of 0 asks how large the value is; one that is too small is ERANGE. */
function xattrAnswer(writer: StructWriter, value: Uint8Array, sizeBytes: number): Answer {
  if (sizeBytes === 0) return { parts: [writer.reset().u32(value.length).u32(0).view()] }
  if (value.length > sizeBytes) throw new FileSystemError(errno.ERANGE, 'the value is larger')
  return { parts: [value] }
}

function* getXattr({ fileSystem, arguments: args, writer }: HandlerContext, { node }: Call): Operation<Answer> {
  const sizeBytes = args.u32()
  args.skip(4)
  const value = yield* fileSystem.getXattr(node, args.name())
  if (value === undefined) throw new FileSystemError(errno.ENODATA, 'no such attribute')
  return xattrAnswer(writer, value, sizeBytes)
}

function* listXattrs({ fileSystem, arguments: args, writer }: HandlerContext, { node }: Call): Operation<Answer> {
  const sizeBytes = args.u32()
  return xattrAnswer(writer, yield* fileSystem.listXattrs(node), sizeBytes)
}

function* statfs({ fileSystem, writer }: HandlerContext): Operation<Answer> {
  const { blockBytes, blocks, blocksFree, files, filesFree, nameBytesMax } = yield* fileSystem.status()
  writer.reset().u64(blocks).u64(blocksFree).u64(blocksFree).u64(files).u64(filesFree)
    .u32(blockBytes).u32(nameBytesMax).u32(blockBytes).zeros(28)
  return { parts: [writer.view()] }
}

/** The kernel refuses writing itself on a file system that is mounted read-only; this is for when somebody remounts it. */
const refuse = (code: number, why: string): Handler =>
  function* () {
    throw new FileSystemError(code, why)
  }

const readOnly = refuse(errno.EROFS, 'read-only')

/** What has no handler is answered ENOSYS, which the kernel remembers and does without: FLUSH, FSYNC, ACCESS, STATX, ... */
export const HANDLERS: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [OPCODES.LOOKUP, lookup],
  [OPCODES.GETATTR, getAttributes],
  [OPCODES.READLINK, readLink],
  [OPCODES.OPEN, open],
  [OPCODES.READ, read],
  [OPCODES.RELEASE, release],
  [OPCODES.OPENDIR, openDirectory],
  [OPCODES.READDIR, readDirectory(false)],
  [OPCODES.READDIRPLUS, readDirectory(true)],
  [OPCODES.RELEASEDIR, release],
  [OPCODES.LSEEK, seek],
  [OPCODES.GETXATTR, getXattr],
  [OPCODES.LISTXATTR, listXattrs],
  [OPCODES.STATFS, statfs],
  [OPCODES.IOCTL, refuse(errno.ENOTTY, 'no ioctl')],
  ...([
    'SETATTR', 'SYMLINK', 'MKNOD', 'MKDIR', 'UNLINK', 'RMDIR', 'RENAME', 'RENAME2', 'LINK', 'WRITE', 'SETXATTR',
    'REMOVEXATTR', 'CREATE', 'TMPFILE', 'FALLOCATE', 'COPY_FILE_RANGE', 'COPY_FILE_RANGE_64',
  ] as const).map((name): [number, Handler] => [OPCODES[name], readOnly]),
])
