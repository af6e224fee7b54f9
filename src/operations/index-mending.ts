// Naming again what no index segment names: packs of interrupted runs, and all that a damaged segment named.
import type { Backend } from '../backend/backend.ts'
import type { PackId } from '../ids/ids.ts'
import { encodePack } from '../index/segment.ts'
import type { PackRecord, VaultIndex } from '../index/vault-index.ts'
import { packName, parsePackName } from '../pack/layout.ts'
import { isVaultError } from '../errors/vault-error.ts'
import type { AbandonedJournal } from '../cache/pack-journal.ts'
import type { PackStore } from '../repository/pack-store.ts'
import { readPackDirectory, readUnindexedPacks } from '../repository/pack-adoption.ts'
import type { Repository } from '../repository/repository.ts'

/** Packs that an interrupted run of this machine stored and did not index, but for those that prune has marked (rule 7). */
export async function adoptAbandoned(
  { backend, keys, index }: Repository, store: PackStore, journals: readonly AbandonedJournal[],
): Promise<void> {
  for (const { packs } of journals) {
    for (const { kind, id } of packs) {
      if (index.numberOf(id) !== undefined || index.isCondemned(id)) continue
      try {
        store.admit(encodePack(await readPackDirectory(backend, keys, kind, id)))
      } catch (error) {
        if (!isVaultError(error, 'object-missing', 'vault-damaged')) throw error // it never arrived whole
      }
    }
  }
}

/**
 * Packs that the index names and storage has not, or not in their size: from now on their blobs count as absent, so that this
 * run stores again what the source still has. Returns those that hold what no other pack has. One LIST a thousand packs.
 */
export async function condemnLost({ backend, index }: Repository): Promise<PackId[]> {
  const sizes = new Map<PackId, number>()
  for await (const { name, sizeBytes } of backend.list('packs/')) {
    const pack = parsePackName(name)
    if (pack) sizes.set(pack.id, sizeBytes)
  }
  const lost = index.packs.filter(({ id, sizeBytes }) => sizes.get(id) !== sizeBytes && !index.isCondemned(id)).map(({ id }) => id)
  return condemnUnreplaced(index, lost)
}

/**
 * The same for packs that damage records name, at a request a pack: what somebody has put back since is used again. Cheap
 * enough for every backup, so that what one has found is healed by the next, of whatever host.
 */
export async function condemnRecorded({ backend, index }: Repository, recorded: ReadonlySet<PackId>): Promise<PackId[]> {
  const lost: PackId[] = []
  for (const id of recorded) {
    const packNumber = index.numberOf(id)
    const pack = packNumber === undefined ? undefined : index.packs[packNumber]
    if (pack && !index.isCondemned(id) && (await isLost(backend, pack))) lost.push(id)
  }
  return condemnUnreplaced(index, lost)
}

/** True when storage has not the pack, or not in its size. */
export async function isLost(backend: Backend, { id, kind, sizeBytes }: PackRecord): Promise<boolean> {
  try {
    return (await backend.stat(packName(kind, id))).sizeBytes !== sizeBytes
  } catch (error) {
    if (isVaultError(error, 'object-missing')) return true
    throw error
  }
}

function condemnUnreplaced(index: VaultIndex, lost: readonly PackId[]): PackId[] {
  index.condemn(lost)
  return lost.filter((id) => {
    const packNumber = index.numberOf(id)
    return packNumber !== undefined && !index.table.isReplaced(packNumber, index.states.isUsable)
  })
}

/** What damaged segments named is named by this run's: read from the packs themselves. */
export async function mendIndex({ backend, keys, index }: Repository, store: PackStore): Promise<void> {
  for await (const pack of readUnindexedPacks(backend, keys, index)) {
    if (!index.isCondemned(pack.id)) store.admit(encodePack(pack))
  }
}
