// Reading a pack whole, as long as the index says and no longer.
import type { Backend, ReadOptions } from '../backend/backend.ts'
import { isVaultError } from '../errors/vault-error.ts'
import type { PackRecord } from '../index/vault-index.ts'
import { packName } from '../pack/layout.ts'

/**
 * The bytes of a pack: at most `sizeBytes`, fewer when it was cut. What somebody has appended to it is left alone, so that
 * its blobs stay readable. Throws `object-missing` and what the backend throws.
 */
export async function readWholePack(
  backend: Backend, { kind, id, sizeBytes }: Pick<PackRecord, 'kind' | 'id' | 'sizeBytes'>, options: ReadOptions = {},
): Promise<Uint8Array> {
  const name = packName(kind, id)
  try {
    return await backend.get(name, undefined, { ...options, bytesMax: sizeBytes })
  } catch (error) {
    if (!isVaultError(error, 'vault-damaged')) throw error
    return await backend.get(name, { offset: 0, length: sizeBytes }, options)
  }
}
