// A writer's session: the lease under which a backup lives beside prune without locks. Numbers in comments are the rules
// of docs/gc-protocol.md; its argument for why nothing needed is ever deleted stands there.
import type { Clock } from '../async/clock.ts'
import type { RandomSource } from '../async/random.ts'
import { Semaphore } from '../async/semaphore.ts'
import type { Backend } from '../backend/backend.ts'
import { sealEnvelope } from '../crypto/envelope.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { assert } from '../errors/assert.ts'
import { isVaultError, VaultError } from '../errors/vault-error.ts'
import { objectName, sessionId, toHex, type ObjectName, type PackId, type SessionId } from '../ids/ids.ts'
import { damageName, type Damage } from './damage.ts'
import { MarkReader, type Mark } from './marks.ts'
import { COMMIT_DEADLINE_MS, COMMIT_LEASE_MIN_MS, LEASE_MS, MARGIN_MS, RENEWAL_MS } from './timing.ts'

export interface SessionParts {
  readonly backend: Backend
  readonly keys: Keyring
  readonly clock: Clock
  readonly random: RandomSource
  readonly signal?: AbortSignal
}

/** What the session must protect, answered by whoever uses the vault. */
export interface SessionUser {
  /** These packs must not be used for anything new from now on. */
  condemn(packs: ReadonlySet<PackId>): void
  /** Packs that something of this session lies in. */
  usedPacks(): Iterable<PackId>
  /**
   * What was inherited without walking from a snapshot that is no longer listed (forgotten meanwhile): its tree and, where
   * it has one, its link table. Hex ids of metadata blobs.
   */
  orphanedRoots(): Promise<readonly string[]>
  /**
   * Puts copies of all that this session needs from dead packs into new, indexed packs. Returns the packs that cannot be
   * copied because they are gone or damaged; throws what the backend throws when it cannot be reached.
   */
  rescue(packs: ReadonlySet<PackId>): Promise<ReadonlySet<PackId>>
  /**
   * Called after a lapse, when the new session is stored and gc has been listed (rules 6 to 9): lists roots, then index
   * segments, in this order. Throws `fence-expired` with retry `never` when the root that was inherited from is gone, or
   * when a used pack is named by no listed segment, is not this run's own upload that none names yet, and is not in
   * `rescued` (its blobs have copies). May be called again; another VaultError means that it could not look.
   */
  revalidate(rescued: ReadonlySet<PackId>): Promise<void>
}

/** A sealed object whose PUT is the commit. */
export interface Commit {
  readonly name: ObjectName
  readonly bytes: Uint8Array
}

const COMMIT_ATTEMPTS_MAX = 8

const NO_PACKS: ReadonlySet<PackId> = new Set()

/** Used packs that prune had deleted before they could be copied. */
class LostPacks extends VaultError {
  readonly packs: readonly PackId[]

  constructor(packs: ReadonlySet<PackId>) {
    const [first = ''] = packs
    const others = packs.size > 1 ? ` and ${packs.size - 1} more were` : ' was'
    super('vault-damaged', `pack ${first.slice(0, 16)}${others} deleted by prune while this run needed it`, {
      hint: 'run the backup again: it stores what is missing',
    })
    this.packs = [...packs]
  }
}

export class WriterSession {
  readonly #parts: SessionParts
  readonly #marks: MarkReader
  #sid: SessionId
  #sequence = 0
  #pinCount = 0
  #damageCount = 0
  /** True when a commit PUT was sent and nobody knows what became of it. */
  #mayArrive = false
  /** Boot clock, ms. Minus infinity while a lapse is being made good, so that one that fails half way is begun anew. */
  #leaseStartMs = Number.NEGATIVE_INFINITY
  #isEnded = false
  #user: SessionUser | undefined
  /** A renewal and a commit that both found the lease lapsed would open two sessions, and pin under the wrong one. */
  readonly #turn = new Semaphore(1)
  #pinned = new Set<PackId>()
  #pinnedRoots = new Set<string>()
  /** Dead packs whose blobs have copies: they stay used and dead for the rest of the run. */
  readonly #rescued = new Set<PackId>()
  #condemned: Set<PackId> = new Set()
  #acknowledged: string[] = []

  private constructor(parts: SessionParts) {
    this.#parts = parts
    this.#marks = new MarkReader(parts.backend, parts.keys)
    this.#sid = sessionId(toHex(parts.random.bytes(16)))
  }

  /** Rule 6: PUT session, then LIST gc. The caller lists roots and then the index, in this order, and then calls `attach`. */
  static async begin(parts: SessionParts): Promise<WriterSession> {
    const session = new WriterSession(parts)
    session.#leaseStartMs = await session.#announce('run')
    await session.#observe()
    return session
  }

  get id(): SessionId {
    return this.#sid
  }

  /** Packs that no new thing may rest on (rule 7). */
  get condemned(): ReadonlySet<PackId> {
    return this.#condemned
  }

  attach(user: SessionUser): void {
    this.#user = user
    user.condemn(this.#condemned)
  }

  /**
   * Renews every quarter of the lease until `signal` fires. A failed renewal is tried again a minute later, but for a lapse
   * that cannot be made good and for a loss: these end it, and so must the run.
   */
  async keepAlive(signal: AbortSignal): Promise<void> {
    for (let waitMs = RENEWAL_MS; !signal.aborted; ) {
      try {
        await this.#parts.clock.sleep(waitMs, signal)
        await this.renew()
        waitMs = RENEWAL_MS
      } catch (error) {
        if (signal.aborted) return
        if (!isVaultError(error) || error.code === 'fence-expired' || error instanceof LostPacks) throw error
        waitMs = COMMIT_DEADLINE_MS // the commit checks the lease itself: a lapse is not silent
      }
    }
  }

  /** Rule 9; after a lapse, a new session. */
  async renew(): Promise<void> {
    await this.#turn.with(async () => {
      if (!this.#isEnded) await this.#extend(LEASE_MS)
    })
  }

  get #leaseLeftMs(): number {
    return LEASE_MS - (this.#parts.clock.elapsedMs() - this.#leaseStartMs)
  }

  /**
   * Looks at gc and renews a lease that is not longer than `leaseMinMs`. One that has lapsed is never renewed, whether it
   * lapsed before (a sleeping machine) or while something was rescued: prune may have passed the session by already.
   */
  async #extend(leaseMinMs: number): Promise<void> {
    if (this.#leaseLeftMs > 0) await this.#observe()
    if (this.#leaseLeftMs <= 0) {
      if (!this.#user) return // whoever attaches later has listed under a lapsed lease: the next renewal sees to that
      await this.#reopen(this.#user)
    }
    if (!this.#isEnded && this.#leaseLeftMs > 0 && this.#leaseLeftMs <= leaseMinMs) await this.#renew()
  }

  async #renew(): Promise<void> {
    const startMs = await this.#announce('run')
    if (this.#leaseLeftMs > 0) this.#leaseStartMs = startMs // one that arrived later may be of a session that had expired
  }

  /** PUTs the next sequence number. Returns the boot clock of before the request was sent (rule 1). */
  async #announce(state: 'run' | 'end'): Promise<number> {
    const startMs = this.#parts.clock.elapsedMs()
    this.#sequence++
    const name = objectName(`sessions/${this.#sid}/${String(this.#sequence).padStart(8, '0')}`)
    await this.#put(name, 'session', { state, acknowledged: this.#acknowledged })
    return startMs
  }

  async #put(name: ObjectName, kind: 'session' | 'pin' | 'damage', value: object): Promise<void> {
    const { backend, keys, random, signal } = this.#parts
    const plain = new TextEncoder().encode(JSON.stringify(value))
    await backend.put(name, sealEnvelope(keys, random, kind, name, plain), signal ? { signal } : {})
  }

  /**
   * LIST gc; condemn what is marked, then protect what is used: in this order, since workers look blobs up meanwhile. After a
   * pin is stored gc is listed again: prune that had decided before the pin was there shows it then, later prune sees the pin.
   */
  async #observe(): Promise<void> {
    let marks: readonly Mark[]
    do {
      marks = await this.#marks.read(this.#parts.signal)
      for (const { packs } of marks) for (const pack of packs) this.#condemned.add(pack)
      this.#user?.condemn(this.#condemned)
    } while (this.#user && (await this.#protect(this.#user, marks)) === 'pinned')
    this.#acknowledged = [...new Set(marks.filter((mark) => !mark.isDead).map((mark) => mark.mark))]
  }

  async #protect(user: SessionUser, marks: readonly Mark[]): Promise<'pinned' | 'unchanged'> {
    const used = new Set(user.usedPacks())
    const dead = new Set<PackId>()
    const toPin = new Set<PackId>()
    for (const { packs, isDead } of marks) {
      for (const pack of packs) {
        if (!used.has(pack) || this.#rescued.has(pack)) continue
        if (isDead) dead.add(pack)
        else if (!this.#pinned.has(pack)) toPin.add(pack)
      }
    }
    const lost = dead.size > 0 ? await user.rescue(dead) : NO_PACKS
    for (const pack of dead) if (!lost.has(pack)) this.#rescued.add(pack)
    if (lost.size > 0) throw new LostPacks(lost)
    const roots = marks.length > 0
      ? (await user.orphanedRoots()).filter((root) => !this.#pinnedRoots.has(root))
      : []
    if (toPin.size === 0 && roots.length === 0) return 'unchanged'
    this.#pinCount++
    const name = objectName(`pins/${this.#sid}/${String(this.#pinCount).padStart(8, '0')}`)
    await this.#put(name, 'pin', { packs: [...toPin], roots })
    for (const pack of toPin) this.#pinned.add(pack)
    for (const root of roots) this.#pinnedRoots.add(root)
    return 'pinned'
  }

  /** The lease lapsed (rule 11): a new session, and everything used is looked at again (rules 6 to 9). */
  async #reopen(user: SessionUser): Promise<void> {
    this.#leaseStartMs = Number.NEGATIVE_INFINITY
    this.#sid = sessionId(toHex(this.#parts.random.bytes(16)))
    this.#sequence = 0
    this.#pinCount = 0
    this.#pinned = new Set()
    this.#pinnedRoots = new Set()
    this.#acknowledged = [] // the new session has pinned nothing yet
    const startMs = await this.#announce('run')
    await this.#observe()
    await user.revalidate(this.#rescued)
    this.#leaseStartMs = startMs
  }

  /** Records what is lost, for later backups and prune. Several of its records may name one pack. */
  async recordDamage(damage: Damage): Promise<void> {
    this.#damageCount++
    await this.#put(damageName(this.#sid, this.#damageCount), 'damage', damage)
  }

  /**
   * Rules 10 to 14: publishes the commit and ends the session. Packs and index segments must be stored.
   * Throws what the store threw when it stays unknown whether the commit arrived; then the session is left to expire.
   * Throws `fence-expired` with retry `never` when the lease lapsed and what is to be committed may rest on deleted things,
   * and `vault-damaged` when it does: before anything is published, or after it with the damage recorded (rule 13).
   */
  async commit(commit: Commit): Promise<void> {
    assert(this.#user, 'a commit has a user that protects what it rests on')
    let lastError: unknown
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS_MAX; attempt++) {
      if (attempt > 0) await this.#parts.clock.sleep(Math.min(1000 * 2 ** attempt, COMMIT_DEADLINE_MS), this.#parts.signal)
      try {
        const failure = await this.#try(commit)
        if (failure === undefined) return await this.#conclude(commit)
        if (failure.retry !== 'later') return await this.#awaitVerdict(commit, failure)
        lastError = failure
      } catch (error) {
        if (!isVaultError(error) || error.retry !== 'later') throw error
        lastError = error
      }
    }
    await this.#awaitVerdict(commit, lastError)
  }

  /**
   * One attempt. Returns what kept it from being stored, if it is not there: to be tried again (`later`), or to be reported
   * once earlier attempts can no longer arrive. Throws what ends a commit of which nothing was sent or all was refused.
   */
  async #try(commit: Commit): Promise<VaultError | undefined> {
    try {
      await this.#turn.with(() => this.#extend(COMMIT_LEASE_MIN_MS))
      await this.#publish(commit)
      return undefined
    } catch (error) {
      if (!isVaultError(error)) throw error
      if (error.retry !== 'later') {
        if (this.#mayArrive) return error
        throw error
      }
      return (await this.#look(commit)) === 'there' ? undefined : error // rule 12
    }
  }

  async #publish({ name, bytes }: Commit): Promise<void> {
    const check = (): void => {
      if (this.#leaseLeftMs >= COMMIT_LEASE_MIN_MS) return
      throw new VaultError('fence-expired', 'the session lease is too short to commit', { retry: 'later' })
    }
    try {
      await this.#parts.backend.put(name, bytes, { fence: { expiresAfterMs: COMMIT_DEADLINE_MS, check } })
    } catch (error) {
      // `fence-expired`: not sent, or refused as late. Other errors that may pass leave the request on its way.
      if (isVaultError(error) && error.retry === 'later' && error.code !== 'fence-expired') this.#mayArrive = true
      throw error
    }
  }

  async #look({ name, bytes }: Commit): Promise<'there' | 'absent' | 'unknown'> {
    try {
      return (await this.#parts.backend.stat(name)).sizeBytes === bytes.length ? 'there' : 'absent'
    } catch (error) {
      if (!isVaultError(error)) throw error
      return error.code === 'object-missing' ? 'absent' : 'unknown'
    }
  }

  /** Rule 12: absent is final only after D + M, whatever was said of later attempts. */
  async #awaitVerdict(commit: Commit, cause: unknown): Promise<void> {
    let found = await this.#look(commit)
    if (found !== 'there') {
      await this.#parts.clock.sleep(COMMIT_DEADLINE_MS + MARGIN_MS, this.#parts.signal)
      found = await this.#look(commit)
    }
    const isSound = !isVaultError(cause, 'fence-expired', 'vault-damaged') || cause.retry === 'later'
    if (found === 'there') return isSound ? await this.#conclude(commit) : await this.#failStored(commit, cause)
    if (found === 'absent' || !isVaultError(cause)) throw cause
    throw new VaultError(cause.code, `${cause.message}; whether ${commit.name.slice(0, 40)} was stored is not known`, {
      hint: 'see with s3vault snapshots once the storage answers again', cause, retry: cause.retry,
    })
  }

  /** Rules 13 and 14. */
  async #conclude(commit: Commit): Promise<void> {
    await this.#turn.with(async () => {
      try {
        await this.#observe()
      } catch (error) {
        if (!(error instanceof LostPacks)) throw error
        return await this.#failStored(commit, error)
      }
      await this.#end()
    })
  }

  /** The commit is there and rests on what is gone: recorded, so that others know, and reported (rule 13). */
  async #failStored(commit: Commit, cause: VaultError): Promise<never> {
    const packs = cause instanceof LostPacks ? cause.packs : []
    let note = 'recorded'
    try {
      await this.recordDamage({ packs, roots: [commit.name] })
    } catch (error) {
      if (!isVaultError(error) || error.retry === 'later') throw error
      note = `and that could not be recorded: ${error.message}`
    }
    await this.#end()
    throw new VaultError('vault-damaged', `${commit.name.slice(0, 40)} is stored but damaged (${note}): ${cause.message}`, {
      hint: cause.hint ?? 'run the backup again: it stores what is missing', cause,
    })
  }

  async #end(): Promise<void> {
    await this.#announce('end')
    this.#isEnded = true
  }

  /** Ends a session that commits nothing. Does not wait for a renewal under way: the run has failed, perhaps for the store. */
  async abandon(): Promise<void> {
    this.#isEnded = true
    await this.#announce('end')
  }
}
