// Naming again what no index segment names: packs of interrupted runs, and all that a damaged segment named.
import { encodePack } from '../index/segment.ts'
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

/** What damaged segments named is named by this run's: read from the packs themselves. */
export async function mendIndex({ backend, keys, index }: Repository, store: PackStore): Promise<void> {
  for await (const pack of readUnindexedPacks(backend, keys, index)) {
    if (!index.isCondemned(pack.id)) store.admit(encodePack(pack))
  }
}
