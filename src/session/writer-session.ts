// A writer's session: the lease under which a backup lives beside prune without locks. Numbers in comments are the rules
// of docs/gc-protocol.md; its argument for why nothing needed is ever deleted stands there.
import type { Clock } from '../async/clock.ts'
import type { RandomSource } from '../async/random.ts'
import type { Backend } from '../backend/backend.ts'
import { sealEnvelope } from '../crypto/envelope.ts'
import type { Keyring } from '../crypto/keyring.ts'
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
  /** Trees inherited without walking whose root is no longer listed (forgotten meanwhile); hex ids. */
  orphanedTrees(): Promise<readonly string[]>
  /** Puts copies of all that this session needs from dead packs into new, indexed packs. Throws when it cannot. */
  rescue(packs: ReadonlySet<PackId>): Promise<void>
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
  #leaseStartMs = 0
  #user: SessionUser | undefined
  #seen = new Map<string, boolean>() // mark -> dead when last seen
  #pinned = new Set<PackId>()
  #pinnedTrees = new Set<string>()
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
    await session.#renew('run')
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

  /** Renews every quarter of the lease until `signal` fires. A failed renewal is tried again a minute later. */
  async keepAlive(signal: AbortSignal): Promise<void> {
    for (let waitMs = RENEWAL_MS; !signal.aborted; ) {
      try {
        await this.#parts.clock.sleep(waitMs, signal)
        await this.renew()
        waitMs = RENEWAL_MS
      } catch (error) {
        if (signal.aborted) return
        if (!isVaultError(error)) throw error
        waitMs = COMMIT_DEADLINE_MS // the commit checks the lease itself: a lapse is not silent
      }
    }
  }

  /** Rule 9. */
  async renew(): Promise<void> {
    await this.#observe()
    await this.#renew('run')
  }

  get #leaseLeftMs(): number {
    return LEASE_MS - (this.#parts.clock.elapsedMs() - this.#leaseStartMs)
  }

  async #renew(state: 'run' | 'end'): Promise<void> {
    const startMs = this.#parts.clock.elapsedMs() // before the request is sent (rule 1)
    this.#sequence++
    const name = objectName(`sessions/${this.#sid}/${String(this.#sequence).padStart(8, '0')}`)
    await this.#put(name, 'session', { state, acknowledged: this.#acknowledged })
    this.#leaseStartMs = startMs
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
    for (const { mark, isDead } of marks) this.#seen.set(mark, isDead || (this.#seen.get(mark) ?? false))
    this.#acknowledged = [...new Set(marks.filter((mark) => !mark.isDead).map((mark) => mark.mark))]
  }

  async #protect(user: SessionUser, marks: readonly Mark[]): Promise<void> {
    const used = new Set(user.usedPacks())
    const dead = new Set<PackId>()
    const toPin = new Set<PackId>()
    for (const { packs, isDead } of marks) {
      for (const pack of packs) {
        if (!used.has(pack)) continue
        if (isDead) dead.add(pack)
        else if (!this.#pinned.has(pack)) toPin.add(pack)
      }
    }
    if (dead.size > 0) await user.rescue(dead)
    const trees = marks.length > 0
      ? (await user.orphanedTrees()).filter((tree) => !this.#pinnedTrees.has(tree))
      : []
    if (toPin.size === 0 && trees.length === 0) return
    this.#pinCount++
    const name = objectName(`pins/${this.#sid}/${String(this.#pinCount).padStart(8, '0')}`)
    await this.#put(name, 'pin', { packs: [...toPin], trees })
    for (const pack of toPin) this.#pinned.add(pack)
    for (const tree of trees) this.#pinnedTrees.add(tree)
  }

  /** The lease lapsed (rule 11): a new session, and everything used is looked at again. */
  async #reopen(): Promise<void> {
    this.#sid = sessionId(toHex(this.#parts.random.bytes(16)))
    this.#sequence = 0
    this.#pinCount = 0
    this.#pinned = new Set()
    this.#pinnedTrees = new Set()
    await this.#renew('run')
    await this.#observe()
  }

  /**
   * Rules 10 to 14: publishes the commit and ends the session. Packs and index segments must be stored.
   * Throws what the store threw when it stays unknown whether the commit arrived; then the session is left to expire.
   */
  async commit(commit: Commit): Promise<void> {
    let lastError: unknown
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS_MAX; attempt++) {
      if (attempt > 0) await this.#parts.clock.sleep(Math.min(1000 * 2 ** attempt, COMMIT_DEADLINE_MS), this.#parts.signal)
      try {
        if (this.#leaseLeftMs <= 0) await this.#reopen()
        else await this.#observe()
        if (this.#leaseLeftMs < COMMIT_LEASE_MIN_MS) await this.#renew('run')
        await this.#publish(commit)
        return await this.#conclude()
      } catch (error) {
        if (!isVaultError(error) || (error.retry !== 'later' && error.code !== 'fence-expired')) throw error
        lastError = error
      }
      if (await this.#isThere(commit)) return this.#conclude() // rule 12
    }
    await this.#awaitVerdict(commit, lastError)
  }

  async #publish({ name, bytes }: Commit): Promise<void> {
    const check = (): void => {
      if (this.#leaseLeftMs < COMMIT_LEASE_MIN_MS) throw new VaultError('fence-expired', 'the session lease is too short to commit')
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
    await this.#observe()
    await this.#renew('end')
  }

  /** Ends a session that commits nothing. */
  async abandon(): Promise<void> {
    await this.#renew('end')
  }
}
