// Everything that must be kept (gc protocol, rule 4): snapshots, and what sessions and mounts have pinned.
import { openEnvelope } from '../crypto/envelope.ts'
import { isVaultError, VaultError } from '../errors/vault-error.ts'
import { packId, type ObjectName, type PackId } from '../ids/ids.ts'
import type { Repository } from '../repository/repository.ts'
import type { StoredSnapshot } from '../snapshot/snapshot.ts'
import type { ListedSession } from './sessions.ts'

export const PIN_PREFIX = 'pins/'

export interface Roots {
  readonly snapshots: readonly StoredSnapshot[]
  readonly pinned: ReadonlySet<PackId>
  /** Hex ids of metadata blobs. */
  readonly pinnedRoots: ReadonlySet<string>
}

/** Throws `vault-damaged` when one of them cannot be read: what it needs is not known. */
export async function listRoots(repository: Repository, sessions: readonly ListedSession[], signal?: AbortSignal): Promise<Roots> {
  const { snapshots, damaged } = await repository.snapshots()
  if (damaged[0]) {
    throw new VaultError('vault-damaged', `${damaged[0].error.message}: what it needs is not known, nothing is deleted`, {
      hint: 'put the object back from a copy, or remove it if nobody needs that snapshot',
    })
  }
  const finished = new Set(sessions.filter(({ state }) => state !== 'live').map(({ sid }) => sid))
  const pinned = new Set<PackId>()
  const pinnedRoots = new Set<string>()
  for await (const { name } of repository.backend.list(PIN_PREFIX, signal ? { signal } : {})) {
    const sid = sessionOfPin(name)
    if (sid !== undefined && finished.has(sid)) continue
    const pin = await readPin(repository, name, signal)
    for (const pack of pin?.packs ?? []) pinned.add(pack)
    for (const root of pin?.roots ?? []) pinnedRoots.add(root)
  }
  return { snapshots, pinned, pinnedRoots }
}

/** The session that a pin lives with; undefined for one that stays until it is removed. */
export const sessionOfPin = (name: ObjectName): string | undefined => /^pins\/([0-9a-f]{32})\/\d{8}$/.exec(name)?.[1]

async function readPin(
  { backend, keys }: Repository, name: ObjectName, signal: AbortSignal | undefined,
): Promise<{ packs: PackId[]; roots: string[] } | undefined> {
  let bytes: Uint8Array
  try {
    bytes = await backend.get(name, undefined, signal ? { signal } : {})
  } catch (error) {
    if (isVaultError(error, 'object-missing')) return undefined
    throw error
  }
  const damaged = (cause?: unknown): VaultError => new VaultError('vault-damaged', `${name}: not a pin`, { cause })
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(openEnvelope(keys, 'pin', name, bytes, name)))
  } catch (error) {
    throw error instanceof VaultError ? error : damaged(error)
  }
  const { packs, roots } = typeof value === 'object' && value !== null ? value as Record<string, unknown> : {}
  if (!Array.isArray(packs) || !Array.isArray(roots)) throw damaged()
  return { packs: packs.map((pack) => packId(String(pack))), roots: roots.map(String) }
}
