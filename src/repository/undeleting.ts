// Bringing a forgotten snapshot back (gc protocol, rule 15). That makes a writer: what the snapshot needs may be marked for
// deletion, so it is looked up blob by blob and protected by a session before the snapshot is published again.
import type { Clock } from '../async/clock.ts'
import type { RandomSource } from '../async/random.ts'
import { isVaultError, VaultError } from '../errors/vault-error.ts'
import { ReachWalk } from '../reach/reach-walk.ts'
import { WriterSession } from '../session/writer-session.ts'
import type { ForgottenSnapshot } from '../snapshot/forgotten-record.ts'
import { PackStore } from './pack-store.ts'
import type { Repository } from './repository.ts'
import { VaultUser } from './vault-user.ts'

export interface UndeleteParts {
  readonly repository: Repository
  readonly clock: Clock
  readonly random: RandomSource
  readonly signal?: AbortSignal
}

/** Throws `snapshot-missing` when something that the snapshot needs is gone for good. */
export async function undeleteSnapshot({ repository, clock, random, signal }: UndeleteParts, forgotten: ForgottenSnapshot): Promise<void> {
  const { backend, keys } = repository
  const session = await WriterSession.begin({ backend, keys, clock, random })
  const ended = new AbortController()
  let failure: { readonly error: unknown } | undefined
  const alive = session.keepAlive(ended.signal).catch((error: unknown) => {
    failure = { error }
  })
  let isCommitting = false
  try {
    await repository.loadIndex({ condemned: session.condemned })
    const store = new PackStore({ backend, keys, random, index: repository.index })
    session.attach(new VaultUser(repository, store, random))
    await useAll(repository, forgotten, signal)
    if (failure) throw failure.error
    isCommitting = true
    await commit(repository, session, forgotten)
  } catch (error) {
    // Nothing is committed; when this fails too, the lease expires.
    if (!isCommitting) await session.abandon().catch(() => undefined)
    throw error
  } finally {
    ended.abort()
    await alive
  }
}

/** Throws `snapshot-missing` when prune has deleted what the snapshot needs before it could be protected. */
async function commit({ backend }: Repository, session: WriterSession, { snapshot, bytes }: ForgottenSnapshot): Promise<void> {
  try {
    await session.commit({ name: snapshot.name, bytes })
  } catch (cause) {
    if (!isVaultError(cause, 'vault-damaged')) throw cause
    const isStored = await backend.stat(snapshot.name).then(() => true, (error: unknown) => {
      if (isVaultError(error, 'object-missing')) return false
      throw error
    })
    throw isStored ? cause : gone(snapshot.id, cause.message)
  }
}

/** Notes every pack that the snapshot lies in as used. What is marked counts: the session pins or copies it. */
async function useAll({ reader, index }: Repository, { snapshot }: ForgottenSnapshot, signal: AbortSignal | undefined): Promise<void> {
  let lost = 0
  const walk = new ReachWalk(reader, (_type, id) => {
    if (index.use(id)) return
    const [place] = index.locate(id)
    if (place) index.states.use(place.packNumber)
    else lost++
  }, signal)
  try {
    await walk.walk(snapshot)
  } catch (cause) {
    if (!isVaultError(cause, 'vault-damaged')) throw cause
    throw gone(snapshot.id, cause.message)
  }
  if (lost > 0) throw gone(snapshot.id, `${lost} of its blobs are in no pack`)
}

const gone = (id: string, reason: string): VaultError =>
  new VaultError('snapshot-missing', `snapshot ${id.slice(0, 8)} cannot be brought back: ${reason}`, {
    hint: 'what only forgotten snapshots need is deleted by prune',
  })
