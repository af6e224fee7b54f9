// Blobs that snapshots need and no segment names may lie in a pack that no segment names: then a segment is gone, and the
// data is not.
import { BlobOpener } from '../crypto/data-key.ts'
import { isVaultError } from '../errors/vault-error.ts'
import { PACK_BYTES_MAX } from '../limits/limits.ts'
import { packName } from '../pack/layout.ts'
import { readPackTail, TAIL_GUESS_BYTES, type PackContents } from '../pack/pack-reader.ts'
import type { BlobFaults } from './blob-faults.ts'
import type { CheckRun } from './check-run.ts'
import type { UnindexedPack } from './pack-presence.ts'

/** The directory at the end of a pack; undefined when it is unreadable, which concerns nobody. */
async function readTail(
  run: CheckRun, opener: BlobOpener, { id, listed }: UnindexedPack,
): Promise<PackContents | undefined> {
  const name = packName(listed.kind, id)
  if (listed.sizeBytes > PACK_BYTES_MAX) return undefined
  try {
    for (let wanted = Math.min(TAIL_GUESS_BYTES, listed.sizeBytes); wanted > 0;) {
      const tail = await run.backend.get(name, { offset: -wanted, length: wanted }, run.readOptions)
      const contents = readPackTail(run.keys.vault, opener, listed.kind, tail, listed.sizeBytes, name)
      if (typeof contents !== 'number') return contents
      if (contents <= wanted || contents > listed.sizeBytes) return undefined
      wanted = contents
    }
  } catch (error) {
    if (!isVaultError(error, 'vault-damaged', 'vault-newer', 'object-missing')) throw error
  }
  return undefined
}

/**
 * Looks for the missing blobs; returns the packs that no snapshot is known to need. Each other pack becomes a finding,
 * unless there are damaged segments: then these are to blame, and are findings already.
 */
export async function searchUnindexed(
  run: CheckRun, packs: readonly UnindexedPack[], faults: BlobFaults,
): Promise<UnindexedPack[]> {
  if (faults.missing.size === 0) return [...packs]
  const opener = new BlobOpener(run.keys)
  const unneeded: UnindexedPack[] = []
  for (const pack of packs) {
    const contents = await readTail(run, opener, pack)
    const needed = contents?.entries.filter(({ id }) => faults.missing.has(id)) ?? []
    if (needed.length === 0) {
      unneeded.push(pack)
      continue
    }
    if (faults.damagedSegments.length > 0) continue
    const name = packName(pack.listed.kind, pack.id)
    const finding = run.log.addOpen({
      kind: 'index-incomplete', object: name,
      message: `${name} holds blobs that snapshots need, but no index segment names it`,
      hint: 'an index segment is gone; nothing else is lost: the index can be rebuilt from the packs',
    })
    for (const { id } of needed) faults.explainMissing(id, finding)
    run.advance(0, 0)
  }
  return unneeded
}
