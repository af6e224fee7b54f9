// Copying sealed blobs out of packs that prune has decided to delete, when something of this session lies in them
// (gc protocol, rules 9 and 13). Blobs keep their seal: only their place changes.
import type { RandomSource } from '../async/random.ts'
import { BlobSealer } from '../crypto/data-key.ts'
import { isVaultError } from '../errors/vault-error.ts'
import type { PackId } from '../ids/ids.ts'
import { PackWriter } from '../pack/pack-writer.ts'
import type { PackStore } from './pack-store.ts'
import { readPackDirectory } from './pack-adoption.ts'
import type { Repository } from './repository.ts'
import { readWholePack } from './whole-pack.ts'

/** Per blob of the copy's directory, per data key, and for header, footer and seal: what PackWriter reckons with. */
const spareBytes = (entries: number, keys: number): number => (entries + 1) * 54 + (keys + 2) * 120 + 4096

/**
 * Stores and indexes copies of all blobs of `packs` that have no usable place, beside the uploads of the run. Returns the
 * packs that are gone or damaged; throws what the backend throws when it cannot be reached.
 */
export async function rescuePacks(
  repository: Repository, store: PackStore, random: RandomSource, packs: Iterable<PackId>,
): Promise<Set<PackId>> {
  const { backend, keys, index } = repository
  const lost = new Set<PackId>()
  for (const id of packs) {
    const packNumber = index.numberOf(id)
    const kind = packNumber === undefined ? undefined : index.packs[packNumber]?.kind
    if (!kind) continue
    try {
      const contents = await readPackDirectory(backend, keys, kind, id)
      const bytes = await readWholePack(backend, contents)
      const writer = new PackWriter(kind, keys.vault, new BlobSealer(keys, random), new Uint8Array(
        bytes.length + spareBytes(contents.entries.length, contents.keys.length),
      ))
      for (const entry of contents.entries) {
        const key = contents.keys[entry.keyIndex]
        if (key && !index.use(entry.id)) writer.addSealed(entry, key, bytes.subarray(entry.offset, entry.offset + entry.length))
      }
      if (!writer.isEmpty) await store.storeNow(writer.finish())
    } catch (error) {
      if (!isVaultError(error, 'object-missing', 'vault-damaged')) throw error
      lost.add(id)
    }
  }
  await store.writeSegment()
  return lost
}
