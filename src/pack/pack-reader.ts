// Reads a pack's directory from the pack itself: how the index is rebuilt and how an interrupted run is adopted.
import { ByteReader } from '../bytes/reader.ts'
import { readKeyTable, type BlobOpener, type WrappedDataKey } from '../crypto/data-key.ts'
import type { VaultId } from '../ids/ids.ts'
import { readDirectory, type PackEntry } from './directory.ts'
import { directoryAad, FOOTER_BYTES, readFooter, type PackKind } from './layout.ts'

export interface PackContents {
  readonly keys: WrappedDataKey[]
  readonly entries: PackEntry[]
}

/** Bytes at the end of a pack that hold its directory in most cases: one ranged read instead of two. */
export const TAIL_GUESS_BYTES = 65536

/**
 * Directory of a pack of `packBytes` bytes from its last bytes. Returns the number of tail bytes needed when `tail` is
 * too short. Throws `vault-damaged`.
 */
export function readPackTail(
  vault: VaultId, opener: BlobOpener, kind: PackKind, tail: Uint8Array, packBytes: number, title: string,
): PackContents | number {
  const short = new ByteReader(tail, title)
  if (tail.length < FOOTER_BYTES) short.fail('too short for a pack')
  const footer = readFooter(tail.subarray(tail.length - FOOTER_BYTES), packBytes, title)
  const needed = footer.keyTableLength + footer.directoryLength + FOOTER_BYTES
  if (needed > tail.length) return needed
  const keyTable = tail.subarray(tail.length - needed, tail.length - needed + footer.keyTableLength)
  const sealed = tail.subarray(tail.length - needed + footer.keyTableLength, tail.length - FOOTER_BYTES)
  const keyReader = new ByteReader(keyTable, `${title} key table`)
  const keys = readKeyTable(keyReader)
  keyReader.end()
  const directoryKey = keys[footer.directoryKey] ?? keyReader.fail('directory key missing')
  const plain = opener.openDirectory(directoryKey, directoryAad(vault, kind, keyTable), sealed)
  if (!plain) return keyReader.fail('directory does not authenticate')
  const reader = new ByteReader(plain, `${title} directory`)
  const entries = readDirectory(reader, keys.length, packBytes - needed)
  reader.end()
  return { keys, entries }
}
