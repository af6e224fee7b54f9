// One schedule: actors that run the product's code on one store, each request of theirs held back until the seeded random
// source picks it. Between requests anything may happen that the protocol has to bear: time passes, an actor crashes or is
// suspended, an answer is lost, a PUT arrives after its sender gave up.
import type { Clock } from '../../src/async/clock.ts'
import { VaultError } from '../../src/errors/vault-error.ts'
import { COMMIT_DEADLINE_MS, LEASE_MS, MARGIN_MS, RENEWAL_MS } from '../../src/session/timing.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import type { SimulatedStore } from './store.ts'
import { runningIntervals, settle } from './virtual-time.ts'

/** What may go wrong in a schedule. */
export interface Weather {
  /** Per thousand requests: not done, done without an answer, or (PUT) done later. */
  readonly faults: number
  readonly crashesMax: number
  readonly suspendsMax: number
  /** `blind`: an actor's clock does not notice that it was suspended (rule 1 broken by its machine). */
  readonly clocks: 'sound' | 'blind'
  /** `unhurried`: time never jumps while somebody waits for an answer. */
  readonly time: 'unhurried' | 'jumping'
  /** In a hundred: how often the actor that had the last turn has the next one too. */
  readonly stickiness: number
}

/** Who has the next requests answered, of a schedule that is told and not drawn. */
export interface Turn {
  /** An actor whose name begins so. */
  readonly machine: string
  readonly requests: number
}

export interface Call {
  readonly method: 'put' | 'get' | 'stat' | 'list' | 'delete' | 'serverTimeMs'
  readonly name: string
}

interface Pending {
  readonly actor: Actor
  readonly call: Call
  readonly perform: (fate: Fate) => void
}

type Fate = 'answered' | 'failed' | 'unanswered' | 'late'

interface Sleeper {
  readonly actor: Actor
  readonly dueMs: number
  readonly wake: () => void
}

/** A process: when it crashes, nothing it asked for is ever answered. */
export class Actor implements Clock {
  readonly name: string
  readonly #world: World
  state: 'running' | 'suspended' | 'crashed' = 'running'
  suspendedAtMs = 0
  /** Time spent suspended that its clock missed. */
  missedMs = 0
  wasSuspended = false

  constructor(name: string, world: World) {
    this.name = name
    this.#world = world
  }

  /** A wall clock of little worth. */
  nowMs = (): number => this.#world.nowMs + 3_600_000
  elapsedMs = (): number => this.#world.nowMs - this.missedMs
  sleep = (ms: number, signal?: AbortSignal): Promise<void> => this.#world.sleep(this, ms, signal)
}

export const unreachable = (call: Call): VaultError =>
  new VaultError('storage-unreachable', `simulated: no answer to ${call.method} ${call.name}`, { retry: 'later' })

const STEPS_MAX = 60_000

export class World {
  readonly store: SimulatedStore
  readonly random: SeededRandom
  /** Time of the store. */
  nowMs: number
  /** What happened, if somebody wants to know. */
  readonly log: ((line: string) => void) | undefined
  readonly #weather: Weather
  readonly #graceMs: number
  #pending: Pending[] = []
  #sleepers: Sleeper[] = []
  #late: (() => void)[] = []
  #last: Actor | undefined
  readonly #asleep: Actor[] = []
  readonly #turns: { readonly machine: string; requests: number }[]
  #crashes = 0
  #suspends = 0
  steps = 0

  constructor(parts: {
    store: SimulatedStore; random: SeededRandom; nowMs: number; weather: Weather; graceMs: number; turns?: readonly Turn[]; log?: (line: string) => void
  }) {
    this.store = parts.store
    this.random = parts.random
    this.nowMs = parts.nowMs
    this.#weather = parts.weather
    this.#graceMs = parts.graceMs
    this.#turns = (parts.turns ?? []).map((turn) => ({ ...turn }))
    this.log = parts.log
  }

  chance(of: number, outOf: number): boolean {
    return this.random.below(outOf) < of
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.random.below(from.length)]
    if (picked === undefined) throw new RangeError('picked from nothing')
    return picked
  }

  /** Takes effect when the schedule says so. `deadlineMs`: server time after which the store refuses it (rule 11). */
  request<T>(actor: Actor, call: Call, effect: () => T, deadlineMs = Number.POSITIVE_INFINITY): Promise<T> {
    return new Promise((resolve, reject) => {
      const perform = (fate: Fate): void => {
        this.log?.(`${this.nowMs} ${actor.name} ${call.method} ${call.name}${fate === 'answered' ? '' : ` (${fate})`}`)
        if (fate === 'late') this.#late.push(() => {
          if (this.nowMs > deadlineMs) return
          this.log?.(`${this.nowMs} ${actor.name} ${call.method} ${call.name} arrives`)
          try {
            effect()
          } catch (error) {
            if (!(error instanceof VaultError)) throw error // nobody hears the answer
          }
        })
        if (fate === 'failed' || fate === 'late') return reject(unreachable(call))
        if (this.nowMs > deadlineMs) {
          return reject(new VaultError('fence-expired', 'simulated: the signature has expired', { retry: 'later' }))
        }
        try {
          const result = effect()
          if (fate === 'unanswered') reject(unreachable(call))
          else resolve(result)
        } catch (error) {
          reject(error)
        }
      }
      this.#pending.push({ actor, call, perform })
    })
  }

  sleep(actor: Actor, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = (): void => {
        this.#sleepers = this.#sleepers.filter((one) => one !== sleeper)
        reject(signal?.reason)
      }
      const sleeper = {
        actor, dueMs: this.nowMs + ms,
        wake: () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#sleepers.push(sleeper)
    })
  }

  /** Runs until `isOver`, which is asked between steps. */
  async run(isOver: () => boolean): Promise<void> {
    for (;;) {
      await settle()
      if (isOver()) return
      // Who has taken a crashed one's place has not asked for anything yet.
      if (this.#pending.length === 0 && this.#sleepers.length === 0) await settle()
      if (++this.steps > STEPS_MAX) throw new Error('the schedule does not come to an end')
      this.#step()
    }
  }

  /** PUTs that are still under way arrive now or, fenced ones that are too old, never. */
  deliverLate(): void {
    for (const arrive of this.#late.splice(0)) arrive()
  }

  crash(actor: Actor): void {
    this.log?.(`${this.nowMs} ${actor.name} crashes`)
    actor.state = 'crashed'
    this.#pending = this.#pending.filter((one) => one.actor !== actor)
    this.#sleepers = this.#sleepers.filter((one) => one.actor !== actor)
  }

  #step(): void {
    const { random } = this
    this.nowMs += random.below(400)
    const asking = this.#pending.filter(({ actor }) => actor.state === 'running')
    const due = this.#sleepers.filter(({ actor, dueMs }) => actor.state === 'running' && dueMs <= this.nowMs)
    if (due.length > 0 && (asking.length === 0 || this.chance(1, 3))) return this.#wake(this.pick(due))
    const roll = random.below(1000)
    if (roll < 15 && this.#late.length > 0) return this.#late.splice(random.below(this.#late.length), 1)[0]?.()
    if (roll < 20 && this.#tick()) return
    if (roll < 30 && asking.length > 0 && this.#disturb(this.pick(asking).actor)) return
    const suspended = this.#suspended()
    if (suspended && (roll < 36 || asking.length === 0)) return this.#resume(suspended)
    if (suspended && roll < 66) return this.#jump()
    if (asking.length === 0 || (roll >= 980 && this.#weather.time === 'jumping')) return this.#jump(asking.length === 0)
    this.#answer(asking)
  }

  #answer(asking: readonly Pending[]): void {
    const ofLast = asking.filter(({ actor }) => actor === this.#last)
    const [first] = ofLast
    const isSticky = first !== undefined && this.chance(this.#weather.stickiness, 100)
    const chosen = this.#told(asking) ?? (isSticky ? (this.chance(3, 4) ? first : this.pick(ofLast)) : this.pick(asking))
    // Between the last look and the commit is where it hurts most.
    const isCommit = chosen.call.method === 'put' && chosen.call.name.startsWith('snapshots/')
    if (isCommit && this.chance(1, 4) && this.#disturb(chosen.actor)) return
    this.#last = chosen.actor
    this.#pending.splice(this.#pending.indexOf(chosen), 1)
    chosen.perform(this.#fate(chosen.call))
  }

  /** By the turns, as far as they go: one whose machine asks for nothing is over. */
  #told(asking: readonly Pending[]): Pending | undefined {
    for (let turn = this.#turns[0]; turn; turn = this.#turns[0]) {
      const { machine } = turn
      const chosen = turn.requests > 0 ? asking.find(({ actor }) => actor.name.startsWith(machine)) : undefined
      if (chosen) {
        turn.requests--
        return chosen
      }
      this.#turns.shift()
    }
    return undefined
  }

  #fate({ method }: Call): Fate {
    if (!this.chance(this.#weather.faults, 1000)) return 'answered'
    return this.pick<Fate>(method === 'put' ? ['failed', 'unanswered', 'late', 'late'] : ['failed', 'unanswered'])
  }

  /** Fires what an actor does now and then beside its work: checkpoints. */
  #tick(): boolean {
    const upkeep = runningIntervals().filter(({ periodMs }) => periodMs >= 1000)
    if (upkeep.length === 0) return false
    this.pick(upkeep).fire()
    return true
  }

  #disturb(actor: Actor): boolean {
    if (this.chance(1, 2) && this.#crashes < this.#weather.crashesMax) {
      this.#crashes++
      this.crash(actor)
      return true
    }
    if (this.#suspends >= this.#weather.suspendsMax) return false
    this.#suspends++
    this.log?.(`${this.nowMs} ${actor.name} is suspended`)
    actor.state = 'suspended'
    actor.wasSuspended = true
    actor.suspendedAtMs = this.nowMs
    this.#asleep.push(actor)
    return true
  }

  #suspended(): Actor | undefined {
    return this.#asleep.find(({ state }) => state === 'suspended')
  }

  #resume(actor: Actor): void {
    this.log?.(`${this.nowMs} ${actor.name} resumes`)
    actor.state = 'running'
    if (this.#weather.clocks === 'blind') actor.missedMs += this.nowMs - actor.suspendedAtMs
  }

  #wake(sleeper: Sleeper): void {
    this.#sleepers.splice(this.#sleepers.indexOf(sleeper), 1)
    sleeper.wake()
  }

  /** Time passes, but not beyond the moment when somebody who is awake wants to do something. */
  #jump(isIdle = false): void {
    const wanted = this.pick([COMMIT_DEADLINE_MS * 2, RENEWAL_MS, LEASE_MS, LEASE_MS + MARGIN_MS + 1000, this.#graceMs + 1000])
    const dues = this.#sleepers.filter(({ actor }) => actor.state === 'running').map(({ dueMs }) => dueMs)
    const next = Math.min(...dues)
    if (isIdle && !Number.isFinite(next)) throw new Error('nobody asks for anything, and nobody sleeps')
    this.nowMs = Math.max(this.nowMs, isIdle && !this.#suspended() ? next : Math.min(this.nowMs + wanted, next))
  }
}
