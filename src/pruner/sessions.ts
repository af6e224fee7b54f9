// Who is writing (gc protocol, rules 3, 4 and 19): sessions by their objects, and whether they have seen a mark.
import type { Backend, ObjectInfo } from '../backend/backend.ts'
import { openEnvelope } from '../crypto/envelope.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { isVaultError, VaultError } from '../errors/vault-error.ts'
import type { ObjectName } from '../ids/ids.ts'
import { LEASE_MS, MARGIN_MS } from '../session/timing.ts'

export const SESSION_PREFIX = 'sessions/'

export interface ListedSession {
  readonly sid: string
  readonly objects: readonly ObjectName[]
  /** Server time of its first and its newest object, ms. */
  readonly firstMs: number
  readonly newestMs: number
  readonly state: 'live' | 'ended' | 'expired'
  /** Marks that it has acknowledged; of live ones. */
  readonly acknowledged: ReadonlySet<string>
}

/** `nowMs`: server time. A session that ends or renews while this reads is seen as it was. */
export async function listSessions(backend: Backend, keys: Keyring, nowMs: number, signal?: AbortSignal): Promise<ListedSession[]> {
  const options = signal ? { signal } : {}
  const found = new Map<string, ObjectInfo[]>()
  for await (const info of backend.list(SESSION_PREFIX, options)) {
    const sid = /^sessions\/([0-9a-f]{32})\/\d{8}$/.exec(info.name)?.[1]
    if (sid !== undefined) found.set(sid, [...(found.get(sid) ?? []), info])
  }
  const sessions: ListedSession[] = []
  for (const [sid, infos] of found) {
    const [first, newest] = [infos[0], infos.at(-1)]
    if (!first || !newest) continue
    const newestMs = Math.max(...infos.map(({ modifiedMs }) => modifiedMs))
    const common = { sid, objects: infos.map(({ name }) => name), firstMs: first.modifiedMs, newestMs }
    const isExpired = newestMs + LEASE_MS + MARGIN_MS < nowMs
    const said = isExpired ? undefined : await readSession(backend, keys, newest.name, signal)
    const acknowledged = new Set(said?.acknowledged ?? [])
    if (isExpired) sessions.push({ ...common, state: 'expired', acknowledged })
    else sessions.push({ ...common, state: said?.state === 'end' ? 'ended' : 'live', acknowledged })
  }
  return sessions
}

interface SaidBySession {
  readonly state: string
  readonly acknowledged: readonly string[]
}

/** Undefined when it was deleted since the listing. One that cannot be read throws: it may be at work. */
async function readSession(backend: Backend, keys: Keyring, name: ObjectName, signal?: AbortSignal): Promise<SaidBySession | undefined> {
  let bytes: Uint8Array
  try {
    bytes = await backend.get(name, undefined, signal ? { signal } : {})
  } catch (error) {
    if (isVaultError(error, 'object-missing')) return undefined
    throw error
  }
  const value: unknown = parse(name, openEnvelope(keys, 'session', name, bytes, name))
  const { state, acknowledged } = typeof value === 'object' && value !== null ? value as Record<string, unknown> : {}
  if (typeof state !== 'string' || !Array.isArray(acknowledged)) throw new VaultError('vault-damaged', `${name}: not a session`)
  return { state, acknowledged: acknowledged.map(String) }
}

function parse(name: ObjectName, plain: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(plain))
  } catch (cause) {
    throw new VaultError('vault-damaged', `${name}: not JSON`, { cause })
  }
}

/** Rule 19: sessions that may rest on what the mark names and have not said that they know of it. */
export const unaware = (sessions: readonly ListedSession[], mark: string, markedMs: number): ListedSession[] =>
  sessions.filter(({ state, firstMs, acknowledged }) =>
    state === 'live' && firstMs < markedMs + MARGIN_MS && !acknowledged.has(mark))
