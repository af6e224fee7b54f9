// Reading a pack's directory from the pack itself, for packs that no index segment names.
import type { Backend } from '../backend/backend.ts'
import { BlobOpener } from '../crypto/data-key.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { isVaultError, VaultError } from '../errors/vault-error.ts'
import type { PackId } from '../ids/ids.ts'
import { PACK_BYTES_MAX } from '../limits/limits.ts'
import type { IndexedPack } from '../index/segment.ts'
import type { VaultIndex } from '../index/vault-index.ts'
import { packName, parsePackName, type PackKind } from '../pack/layout.ts'
import { readPackTail, TAIL_GUESS_BYTES } from '../pack/pack-reader.ts'

/** What the pack says of itself. Throws `object-missing` or `vault-damaged`. Three requests at most. */
export async function readPackDirectory(
  backend: Backend, keys: Keyring, kind: PackKind, id: PackId, signal?: AbortSignal,
): Promise<IndexedPack> {
  const name = packName(kind, id)
  const options = signal ? { signal } : {}
  const { sizeBytes } = await backend.stat(name, options)
  const title = `pack ${id.slice(0, 16)}`
  if (sizeBytes === 0 || sizeBytes > PACK_BYTES_MAX) throw new VaultError('vault-damaged', `${title}: ${sizeBytes} bytes`)
  const opener = new BlobOpener(keys)
  let wantedBytes = Math.min(TAIL_GUESS_BYTES, sizeBytes)
  for (let attempt = 0; attempt < 2; attempt++) {
    const tail = await backend.get(name, { offset: sizeBytes - wantedBytes, length: wantedBytes }, options)
    const contents = readPackTail(keys.vault, opener, kind, tail, sizeBytes, title)
    if (typeof contents !== 'number') return { id, kind, sizeBytes, ...contents }
    wantedBytes = contents
  }
  throw new VaultError('vault-damaged', `${title}: its directory cannot be read`)
}

/**
 * Directories of all packs that are stored and that the index does not name: remains of interrupted runs, or all that a
 * lost index segment named. Packs that cannot be read are passed over; `check` names them.
 */
export async function* readUnindexedPacks(
  backend: Backend, keys: Keyring, index: VaultIndex, signal?: AbortSignal,
): AsyncGenerator<IndexedPack> {
  for await (const { name } of backend.list('packs/', signal ? { signal } : {})) {
    const pack = parsePackName(name)
    if (!pack || index.numberOf(pack.id) !== undefined) continue
    try {
      yield await readPackDirectory(backend, keys, pack.kind, pack.id, signal)
    } catch (error) {
      if (!isVaultError(error, 'object-missing', 'vault-damaged')) throw error
    }
  }
}
