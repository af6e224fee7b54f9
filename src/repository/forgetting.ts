// Forgetting a snapshot, and what was forgotten (gc protocol, rule 15): first a record with the snapshot in it, then the
// snapshot goes. A crash between the two leaves both, which harms nothing.
import type { RandomSource } from '../async/random.ts'
import { Semaphore } from '../async/semaphore.ts'
import { isVaultError, type VaultError } from '../errors/vault-error.ts'
import type { ObjectName } from '../ids/ids.ts'
import { FORGOTTEN_PREFIX, openForgotten, parseForgottenName, sealForgotten, type ForgottenSnapshot } from '../snapshot/forgotten-record.ts'
import type { StoredSnapshot } from '../snapshot/snapshot.ts'
import type { Repository } from './repository.ts'

/** False when another client forgot it meanwhile. */
export async function forgetSnapshot({ backend, keys }: Repository, random: RandomSource, snapshot: StoredSnapshot): Promise<boolean> {
  let bytes: Uint8Array
  try {
    bytes = await backend.get(snapshot.name)
  } catch (error) {
    if (isVaultError(error, 'object-missing')) return false
    throw error
  }
  const record = sealForgotten(keys, random, snapshot, bytes, await backend.serverTimeMs())
  try {
    await backend.put(record.name, record.bytes)
  } catch (error) {
    if (!isVaultError(error, 'object-exists')) throw error // another client's, of the same second: it says the same
  }
  await backend.delete(snapshot.name)
  return true
}

export interface ForgottenListing {
  /** The last forgotten first; of a snapshot forgotten more than once its last record. */
  readonly forgotten: readonly ForgottenSnapshot[]
  readonly damaged: readonly { readonly name: ObjectName; readonly error: VaultError }[]
}

/** Records of snapshots that are not there. */
export async function listForgotten(
  { backend, keys }: Repository, present: ReadonlySet<string>, signal?: AbortSignal,
): Promise<ForgottenListing> {
  const options = signal ? { signal } : {}
  const latest = new Map<string, ObjectName>()
  for await (const { name } of backend.list(FORGOTTEN_PREFIX, options)) {
    const id = parseForgottenName(name)?.id
    if (id !== undefined && !present.has(id)) latest.set(id, name) // in order of time: the last one stays
  }
  const forgotten: ForgottenSnapshot[] = []
  const damaged: { name: ObjectName; error: VaultError }[] = []
  const slots = new Semaphore(Math.max(backend.connectionsMax, 4))
  const read = async (name: ObjectName): Promise<void> => {
    try {
      forgotten.push(openForgotten(keys, name, await backend.get(name, undefined, options)))
    } catch (error) {
      if (isVaultError(error, 'object-missing')) return
      if (!isVaultError(error, 'vault-damaged', 'vault-newer')) throw error
      damaged.push({ name, error })
    }
  }
  await Promise.all([...latest.values()].map((name) => slots.with(() => read(name))))
  return { forgotten: forgotten.sort((a, b) => (a.record < b.record ? 1 : -1)), damaged }
}
