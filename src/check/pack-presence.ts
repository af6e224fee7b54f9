// Compares the packs that the index names with those that are there.
import type { PackId } from '../ids/ids.ts'
import type { PackRecord, VaultIndex } from '../index/vault-index.ts'
import { packName } from '../pack/layout.ts'
import type { BlobFaults } from './blob-faults.ts'
import type { CheckRun } from './check-run.ts'
import { counted } from './finding-log.ts'
import type { Inventory, ListedPack } from './inventory.ts'
import type { PackNotes } from './protocol-objects.ts'

/** A pack that is there and in no segment. */
export interface UnindexedPack {
  readonly id: PackId
  readonly listed: ListedPack
}

export const unindexedPacks = ({ packs }: Inventory, index: VaultIndex): UnindexedPack[] =>
  Array.from(packs, ([id, listed]) => ({ id, listed })).filter(({ id }) => index.numberOf(id) === undefined)

/**
 * Reports packs, from number `first` on, that are missing or of another size; the notes tell which of
 * them prune has decided to delete and which are recorded as lost. Returns the indexed
 * packs that are not there.
 */
export function comparePacks(
  run: CheckRun, index: VaultIndex, inventory: Inventory, faults: BlobFaults, { dead, lost }: PackNotes, first = 0,
): Set<PackId> {
  const missing = new Set<PackId>()
  const condemned: PackRecord[] = []
  for (const [packNumber, pack] of index.packs.entries()) {
    if (packNumber < first) continue
    const listed = inventory.packs.get(pack.id)
    if (dead.has(pack.id)) condemned.push(pack)
    if (listed?.kind === pack.kind && listed.sizeBytes === pack.sizeBytes) continue
    const isThere = listed?.kind === pack.kind
    if (!isThere) missing.add(pack.id)
    if (!isThere && dead.has(pack.id)) {
      if (first === 0) faults.disregardPack(packNumber)
      else faults.disregardLate(packNumber)
      continue
    }
    const finding = faults.packFinding(packNumber, isThere
      ? { kind: 'pack-size', message: `has ${listed.sizeBytes} bytes instead of ${pack.sizeBytes}`, hint: HINT }
      : { kind: 'pack-missing', message: lost.has(pack.id) ? 'is gone, as is recorded' : 'is gone', hint: lost.has(pack.id) ? HINT_RECORDED : HINT })
    faults.losePack(packNumber, finding)
  }
  noteCondemned(run, condemned)
  return missing
}

const HINT = 'a copy of the object, or an older version in the bucket, mends it; else backup --force stores again what the source still has'
const HINT_RECORDED = 'a copy of the object, or an older version in the bucket, mends it; else the next backup stores again what the source still has'

function noteCondemned(run: CheckRun, packs: readonly PackRecord[]): void {
  const [first] = packs
  if (!first) return
  run.log.add({
    severity: 'note', kind: 'pack-condemned', object: packName(first.kind, first.id),
    message: `${counted(packs.length, 'pack')} of the index deleted by prune, or about to be`,
  })
}

/** Says what packs in no segment are. When segments are damaged or gone, these packs may well be theirs. */
export function noteUnindexed(run: CheckRun, packs: readonly UnindexedPack[], isIndexWhole: boolean): void {
  const [first] = packs
  if (!first) return
  const bytes = packs.reduce((sum, { listed }) => sum + listed.sizeBytes, 0)
  run.log.add({
    severity: 'note', kind: 'pack-unindexed', object: packName(first.listed.kind, first.id),
    message: `${counted(packs.length, 'pack')} (${bytes} bytes) in no index segment: ${isIndexWhole
      ? 'remains of an interrupted run, or of one that is under way'
      : 'perhaps named by the segments that are damaged or gone'}`,
    hint: isIndexWhole
      ? 'the next backup takes up what it can use, prune removes the rest'
      : 'do not delete them: rebuild the index first',
  })
}
