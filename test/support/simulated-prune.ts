// What prune will do to packs whose blobs are still needed (rules 17 to 23 of the gc protocol), without its waiting: copies in
// new packs, their index, mark, dead, then the old segments and packs are deleted. For tests of those who run beside it.
import type { RandomSource } from '../../src/async/random.ts'
import type { Backend } from '../../src/backend/backend.ts'
import { sealEnvelope } from '../../src/crypto/envelope.ts'
import type { Keyring } from '../../src/crypto/keyring.ts'
import { objectName, type ObjectName } from '../../src/ids/ids.ts'
import { parsePackName } from '../../src/pack/layout.ts'
import { PackStore } from '../../src/repository/pack-store.ts'
import { rescuePacks } from '../../src/repository/pack-rescue.ts'
import { Repository } from '../../src/repository/repository.ts'
import type { UnlockedVault } from '../../src/repository/unlock.ts'

const SESSION = 'd'.repeat(32)

export async function putGc(
  backend: Backend, keys: Keyring, random: RandomSource, number: number, stage: 'mark' | 'dead' | 'done', packs: readonly string[],
): Promise<void> {
  const name = objectName(`gc/${String(number).padStart(8, '0')}-${SESSION}.${stage === 'mark' ? '' : `${SESSION}.`}${stage}`)
  const plain = Buffer.from(JSON.stringify({ packs, segments: [] }))
  await backend.put(name, sealEnvelope(keys, random, 'gc', name, plain))
}

/** Moves every blob of the vault into new packs and deletes the old ones. Returns the names of what was deleted. */
export async function repackAll(
  backend: Backend, vault: UnlockedVault, random: RandomSource, number: number,
): Promise<readonly ObjectName[]> {
  const { keys } = vault
  const repository = new Repository(backend, vault)
  const old: ObjectName[] = []
  for (const prefix of ['index/', 'packs/']) for await (const { name } of backend.list(prefix)) old.push(name)
  const { index } = await repository.loadIndex()
  const packs = old.flatMap((name) => parsePackName(name)?.id ?? [])
  index.condemn(packs)
  await rescuePacks(repository, new PackStore({ backend, keys, random, index }), random, packs)
  for (const stage of ['mark', 'dead'] as const) await putGc(backend, keys, random, number, stage, packs)
  for (const name of old) await backend.delete(name)
  await putGc(backend, keys, random, number, 'done', packs)
  return old
}
