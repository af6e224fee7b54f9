// What is known to be lost: objects damage/<session>/<number>, written by whoever finds out (gc protocol, rule 13). Later
// backups of any host look at the packs they name before they rest anything on them, and prune does not stop at the roots.
import type { Backend } from '../backend/backend.ts'
import { openEnvelope } from '../crypto/envelope.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { isVaultError, VaultError } from '../errors/vault-error.ts'
import { objectName, packId, type ObjectName, type PackId, type SessionId } from '../ids/ids.ts'
import { SMALL_OBJECT_BYTES_MAX } from '../limits/limits.ts'

export const DAMAGE_PREFIX = 'damage/'

export interface Damage {
  /** Packs that are gone or cut short and hold what no other pack had then. */
  readonly packs: readonly PackId[]
  /** Snapshots (object names) known to need what is lost; there may be others. */
  readonly roots: readonly ObjectName[]
}

export const damageName = (session: SessionId, number: number): ObjectName =>
  objectName(`${DAMAGE_PREFIX}${session}/${String(number).padStart(8, '0')}`)

export const isDamageName = (name: string): boolean => /^damage\/[0-9a-f]{32}\/\d{8}$/.test(name)

const listOf = (value: unknown, field: 'packs' | 'roots'): unknown[] | undefined => {
  const list: unknown = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined
  return Array.isArray(list) ? list : undefined
}

/** Throws `vault-damaged` or `vault-newer`. */
export function openDamage(keys: Keyring, name: ObjectName, bytes: Uint8Array): Damage {
  const plain = openEnvelope(keys, 'damage', name, bytes, name)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(plain))
  } catch (cause) {
    throw new VaultError('vault-damaged', `${name}: not JSON`, { cause })
  }
  const packs = listOf(value, 'packs')
  const roots = listOf(value, 'roots')
  if (!packs || !roots) throw new VaultError('vault-damaged', `${name}: no lists of packs and roots`)
  return { packs: packs.map((pack) => packId(String(pack))), roots: roots.map((root) => objectName(String(root))) }
}

/** Packs that records name. A record that cannot be read is passed over: `check` names it. */
export async function readLostPacks(backend: Backend, keys: Keyring): Promise<Set<PackId>> {
  const lost = new Set<PackId>()
  for await (const { packs } of readRecords(backend, keys)) for (const pack of packs) lost.add(pack)
  return lost
}

/** Snapshots that records say to need what is lost. */
export async function readDamagedRoots(backend: Backend, keys: Keyring): Promise<Set<ObjectName>> {
  const damaged = new Set<ObjectName>()
  for await (const { roots } of readRecords(backend, keys)) for (const root of roots) damaged.add(root)
  return damaged
}

async function* readRecords(backend: Backend, keys: Keyring): AsyncGenerator<Damage> {
  for await (const { name } of backend.list(DAMAGE_PREFIX)) {
    if (!isDamageName(name)) continue
    try {
      yield openDamage(keys, name, await backend.get(name, undefined, { bytesMax: SMALL_OBJECT_BYTES_MAX }))
    } catch (error) {
      if (!isVaultError(error, 'vault-damaged', 'vault-newer', 'object-missing')) throw error
    }
  }
}
