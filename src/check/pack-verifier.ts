// Verifies one whole pack: hash, directory, and every blob. Pure and synchronous; runs in worker threads.
import { createHash } from 'node:crypto'
import { decompress } from '../compress/codec.ts'
import { BlobOpener, type WrappedDataKey } from '../crypto/data-key.ts'
import { Keyring, type BlobType, type KeyMaterial } from '../crypto/keyring.ts'
import { counted } from '../errors/counted.ts'
import { describeError, isVaultError, VaultError } from '../errors/vault-error.ts'
import type { TaskHandler } from '../executor/task-pool.ts'
import type { BlobId, PackId } from '../ids/ids.ts'
import { BlobTable } from '../index/blob-table.ts'
import type { PackEntry } from '../pack/directory.ts'
import type { PackKind } from '../pack/layout.ts'
import { readPackTail } from '../pack/pack-reader.ts'

/** Start data of a verifier: plain data. */
export interface VerifierInit {
  readonly material: KeyMaterial
  /** The index's BlobTable. */
  readonly table: SharedArrayBuffer
}

/** All arrays of bytes own their buffers: a view would be cloned with all that lies around it. */
export interface PackToVerify {
  readonly id: PackId
  readonly kind: PackKind
  /** What the index says. */
  readonly packNumber: number
  readonly blobCount: number
  readonly keys: readonly WrappedDataKey[]
  /** The blobs as an index segment lists them: given when the pack's own directory is of no use. */
  readonly entries?: readonly PackEntry[]
  readonly bytes: Uint8Array<ArrayBuffer>
}

export interface BadBlob {
  readonly id: BlobId
  readonly type: BlobType
  readonly problem: string
}

export interface PackVerdict {
  readonly hashMatches: boolean
  /** Why the pack's own directory cannot be used or is not the index's. */
  readonly directoryProblem?: string
  readonly badBlobs: readonly BadBlob[]
  readonly blobsVerified: number
  readonly plainBytes: number
  /** The pack's bytes, given back: no blob was verified, ask again with `entries`. */
  readonly unverified?: Uint8Array<ArrayBuffer>
}

/** Why the pack's own directory is not what the index says, or its entries. */
function ownEntries(init: Opened, pack: PackToVerify): readonly PackEntry[] | string {
  const title = `pack ${pack.id.slice(0, 16)}`
  let contents
  try {
    contents = readPackTail(init.keys.vault, init.opener, pack.kind, pack.bytes, pack.bytes.length, title)
  } catch (error) {
    if (isVaultError(error)) return describeError(error)
    throw error
  }
  if (typeof contents === 'number') return 'its directory is larger than the pack'
  const { keys, entries } = contents
  if (entries.length !== pack.blobCount) return `lists ${counted(entries.length, 'blob')}, the index ${pack.blobCount}`
  const isSameKey = (key: WrappedDataKey, place: number): boolean => {
    const other = pack.keys[place]
    return other !== undefined && other.form === key.form && other.domain === key.domain && other.epoch === key.epoch &&
      Buffer.compare(other.wrapped, key.wrapped) === 0
  }
  if (keys.length !== pack.keys.length || !keys.every(isSameKey)) return 'its key table is not the one in the index'
  const strange = entries.find((entry) => !isIndexed(init.table, pack.packNumber, entry))
  return strange ? `blob ${Buffer.from(strange.id).toString('hex', 0, 8)} lies elsewhere according to the index` : entries
}

function isIndexed(table: BlobTable, packNumber: number, entry: PackEntry): boolean {
  return table.places(entry.id, (number) => number === packNumber).some((place) =>
    place.offset === entry.offset && place.length === entry.length && place.codec === entry.codec &&
    place.rawLength === entry.rawLength && place.keyIndex === entry.keyIndex)
}

interface Opened {
  readonly keys: Keyring
  readonly opener: BlobOpener
  readonly table: BlobTable
}

/** Plain length of a blob that is sound. Throws `vault-damaged` or `vault-newer`. */
function verifyBlob({ keys, opener }: Opened, pack: PackToVerify, entry: PackEntry): number {
  const key = pack.keys[entry.keyIndex]
  const end = entry.offset + entry.length
  if (!key || end > pack.bytes.length) throw new VaultError('vault-damaged', 'lies beyond the end of the pack')
  const stored = opener.openBlob(key, entry.type, entry.id, pack.bytes.subarray(entry.offset, end))
  const plain = decompress(stored, entry.codec, entry.rawLength)
  if (Buffer.compare(keys.blobId(entry.type, plain), entry.id) !== 0) {
    throw new VaultError('vault-damaged', 'content does not match its id')
  }
  return plain.length
}

function verifyBlobs(init: Opened, pack: PackToVerify, entries: readonly PackEntry[]): Omit<PackVerdict, 'hashMatches'> {
  const badBlobs: BadBlob[] = []
  let plainBytes = 0
  for (const entry of entries) {
    try {
      plainBytes += verifyBlob(init, pack, entry)
    } catch (error) {
      if (!isVaultError(error)) throw error
      badBlobs.push({ id: new Uint8Array(entry.id) as BlobId, type: entry.type, problem: describeError(error) })
    }
  }
  return { badBlobs, blobsVerified: entries.length - badBlobs.length, plainBytes }
}

/** Makes the function that verifies packs for one index. */
export function packVerifier(init: VerifierInit): TaskHandler<PackToVerify, PackVerdict> {
  const keys = new Keyring(init.material)
  const opened: Opened = { keys, opener: new BlobOpener(keys), table: new BlobTable({ shared: init.table }) }
  return (pack) => {
    const hashMatches = createHash('sha256').update(pack.bytes).digest('hex') === pack.id
    const own = ownEntries(opened, pack)
    const problem = typeof own === 'string' ? { directoryProblem: own } : {}
    const entries = pack.entries ?? (hashMatches && typeof own !== 'string' ? own : undefined)
    if (entries) return { reply: { hashMatches, ...problem, ...verifyBlobs(opened, pack, entries) } }
    const reply: PackVerdict = {
      hashMatches, ...problem, badBlobs: [], blobsVerified: 0, plainBytes: 0, unverified: pack.bytes,
    }
    return { reply, transfer: [pack.bytes.buffer] }
  }
}
