// Which of the packs in archive classes can be read now, are coming back, or must be asked for.
import { Semaphore } from '../async/semaphore.ts'
import type { ArchiveState, Backend, ReadOptions } from '../backend/backend.ts'
import { assert } from '../errors/assert.ts'
import { isVaultError } from '../errors/vault-error.ts'
import type { NeededPack } from './pack-needs.ts'

export type ArchiveSurvey = { readonly [state in ArchiveState]: readonly NeededPack[] }

/** Packs that can be read by the nature of their class are left out. One request a pack, and one a class. */
export async function surveyArchive(backend: Backend, packs: readonly NeededPack[], options: ReadOptions = {}): Promise<ArchiveSurvey> {
  const { archive, connectionsMax } = backend
  if (packs.length === 0) return { readable: [], archived: [], returning: [] }
  assert(archive !== undefined, 'storage that has archive classes tells the state of objects')
  const slots = new Semaphore(connectionsMax)
  const states = await Promise.all(packs.map(({ name }) => slots.with(() => archive.state(name, options))))
  const inState = (wanted: ArchiveState): NeededPack[] => packs.filter((_pack, i) => states[i] === wanted)
  const archived = await inArchives(backend, inState('archived'), options)
  return { readable: inState('readable'), archived, returning: inState('returning') }
}

/**
 * On some servers (Ceph) GLACIER is a class like any other, which nothing in an object's state tells: one byte of one pack a
 * class is read.
 */
async function inArchives(backend: Backend, packs: readonly NeededPack[], options: ReadOptions): Promise<NeededPack[]> {
  const refused = new Map<string, boolean>()
  for (const { storageClass, name } of packs) {
    if (!refused.has(storageClass)) refused.set(storageClass, await isRefused(() => backend.get(name, { offset: 0, length: 1 }, options)))
  }
  return packs.filter(({ storageClass }) => refused.get(storageClass))
}

async function isRefused(read: () => Promise<unknown>): Promise<boolean> {
  try {
    await read()
  } catch (error) {
    if (!isVaultError(error, 'object-archived')) throw error
    return true
  }
  return false
}
