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
  /** Puts copies of all that this session needs from dead packs into new, indexed packs. Throws when it cannot. */
  rescue(packs: ReadonlySet<PackId>): Promise<void>
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

export class WriterSession {
  readonly #parts: SessionParts
  readonly #marks: MarkReader
  #sid: SessionId
  #sequence = 0
  #pinCount = 0
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
   * that cannot be made good: that ends with `fence-expired`, and so must the run.
   */
  async keepAlive(signal: AbortSignal): Promise<void> {
    for (let waitMs = RENEWAL_MS; !signal.aborted; ) {
      try {
        await this.#parts.clock.sleep(waitMs, signal)
        await this.renew()
        waitMs = RENEWAL_MS
      } catch (error) {
        if (signal.aborted) return
        if (!isVaultError(error) || error.code === 'fence-expired') throw error
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

  async #put(name: ObjectName, kind: 'session' | 'pin', value: object): Promise<void> {
    const { backend, keys, random, signal } = this.#parts
    const plain = new TextEncoder().encode(JSON.stringify(value))
    await backend.put(name, sealEnvelope(keys, random, kind, name, plain), signal ? { signal } : {})
  }

  /** LIST gc; condemn what is marked, then protect what is used: in this order, since workers look blobs up meanwhile. */
  async #observe(): Promise<void> {
    const marks = await this.#marks.read(this.#parts.signal)
    for (const { packs } of marks) for (const pack of packs) this.#condemned.add(pack)
    this.#user?.condemn(this.#condemned)
    if (this.#user) await this.#protect(this.#user, marks)
    this.#acknowledged = [...new Set(marks.filter((mark) => !mark.isDead).map((mark) => mark.mark))]
  }

  async #protect(user: SessionUser, marks: readonly Mark[]): Promise<void> {
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
    if (dead.size > 0) await user.rescue(dead)
    for (const pack of dead) this.#rescued.add(pack)
    const roots = marks.length > 0
      ? (await user.orphanedRoots()).filter((root) => !this.#pinnedRoots.has(root))
      : []
    if (toPin.size === 0 && roots.length === 0) return
    this.#pinCount++
    const name = objectName(`pins/${this.#sid}/${String(this.#pinCount).padStart(8, '0')}`)
    await this.#put(name, 'pin', { packs: [...toPin], roots })
    for (const pack of toPin) this.#pinned.add(pack)
    for (const root of roots) this.#pinnedRoots.add(root)
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

  /**
   * Rules 10 to 14: publishes the commit and ends the session. Packs and index segments must be stored.
   * Throws what the store threw when it stays unknown whether the commit arrived; then the session is left to expire.
   * Throws `fence-expired` with retry `never` when the lease lapsed and what is to be committed may rest on deleted things.
   */
  async commit(commit: Commit): Promise<void> {
    assert(this.#user, 'a commit has a user that protects what it rests on')
    let lastError: unknown
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS_MAX; attempt++) {
      if (attempt > 0) await this.#parts.clock.sleep(Math.min(1000 * 2 ** attempt, COMMIT_DEADLINE_MS), this.#parts.signal)
      try {
        await this.#turn.with(() => this.#extend(COMMIT_LEASE_MIN_MS))
        await this.#publish(commit)
        return await this.#conclude()
      } catch (error) {
        if (!isVaultError(error) || error.retry !== 'later') throw error
        lastError = error
      }
      if (await this.#isThere(commit)) return this.#conclude() // rule 12
    }
    await this.#awaitVerdict(commit, lastError)
  }

  async #publish({ name, bytes }: Commit): Promise<void> {
    const check = (): void => {
      if (this.#leaseLeftMs >= COMMIT_LEASE_MIN_MS) return
      throw new VaultError('fence-expired', 'the session lease is too short to commit', { retry: 'later' })
    }
    await this.#parts.backend.put(name, bytes, { fence: { expiresAfterMs: COMMIT_DEADLINE_MS, check } })
  }

  async #isThere({ name, bytes }: Commit): Promise<boolean> {
    try {
      return (await this.#parts.backend.stat(name)).sizeBytes === bytes.length
    } catch (error) {
      if (isVaultError(error)) return false
      throw error
    }
  }

  /** Rule 12: absent is final only after D + M. */
  async #awaitVerdict(commit: Commit, cause: unknown): Promise<void> {
    await this.#parts.clock.sleep(COMMIT_DEADLINE_MS + MARGIN_MS, this.#parts.signal)
    if (await this.#isThere(commit)) return this.#conclude()
    throw cause
  }

  /** Rules 13 and 14. */
  async #conclude(): Promise<void> {
    await this.#turn.with(async () => {
      await this.#observe()
      await this.#announce('end')
      this.#isEnded = true
    })
  }

  /** Ends a session that commits nothing. Does not wait for a renewal under way: the run has failed, perhaps for the store. */
  async abandon(): Promise<void> {
    this.#isEnded = true
    await this.#announce('end')
  }
}
