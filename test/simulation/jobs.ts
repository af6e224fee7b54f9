// What an actor does, with the code of the product: each job is a process of its own.
import type { Backend } from '../../src/backend/backend.ts'
import { RetryBackend } from '../../src/backend/retry.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import type { ObjectName } from '../../src/ids/ids.ts'
import { prune } from '../../src/pruner/prune.ts'
import { forgetSnapshot, listForgotten } from '../../src/repository/forgetting.ts'
import { Repository } from '../../src/repository/repository.ts'
import type { UnlockedVault } from '../../src/repository/unlock.ts'
import { undeleteSnapshot } from '../../src/repository/undeleting.ts'
import type { StoredSnapshot } from '../../src/snapshot/snapshot.ts'
import type { MemorySource } from '../support/memory-source.ts'
import { readSnapshotFiles, SimulatedHost } from '../support/simulated-backup.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { ActorBackend } from './actor-backend.ts'
import { expectedFiles, fill, newSource } from './contents.ts'
import { Actor, type World } from './world.ts'

export type Job =
  | { readonly kind: 'backup'; readonly letters: string }
  | { readonly kind: 'prune' | 'forget' | 'undelete' | 'read' | 'wait' }

/** What the product has promised so far. */
export interface Promises {
  /** Snapshots that must be there. */
  readonly kept: Set<ObjectName>
  /** Snapshots being forgotten: how many processes are at it. */
  readonly forgetting: Map<ObjectName, number>
  /** How often a forget of anything was begun. */
  forgets: number
}

/** How a job ended; undefined: it crashed. */
export interface Outcome {
  readonly actor: Actor
  readonly job: Job
  readonly error: unknown
}

export interface Machine {
  readonly host: string
  readonly source: MemorySource
  /** What the machine remembers lives through its crashes. */
  memory?: SimulatedHost
  actor?: Actor
}

export const newMachine = (host: string): Machine => ({ host, source: newSource() })

export interface Surroundings {
  readonly world: World
  readonly vault: UnlockedVault
  readonly promises: Promises
  readonly graceMs: number
  readonly maxUnused: { readonly bytes: number } | { readonly part: number }
  readonly pageMax: number
  readonly retries: 'none' | 'product'
  /** What a test breaks: what this actor sees of the store, or does to it. */
  readonly sabotage?: (backend: Backend, job: Job, actor: Actor) => Backend
}

/** Runs one job as a new process of the machine. */
export async function runJob(around: Surroundings, machine: Machine, job: Job, number: number): Promise<Outcome> {
  const { world, graceMs } = around
  const actor = new Actor(`${machine.host}${number} ${job.kind}`, world)
  machine.actor = actor
  try {
    if (job.kind === 'wait') await world.sleep(actor, graceMs + world.random.below(600_000))
    else await new JobRun(around, machine, actor, job).run(job)
    return { actor, job, error: undefined }
  } catch (error) {
    world.log?.(`${world.nowMs} ${actor.name} failed: ${String(error)}`)
    return { actor, job, error }
  }
}

class JobRun {
  readonly #around: Surroundings
  readonly #machine: Machine
  readonly #actor: Actor
  readonly #backend: Backend
  readonly #repository: Repository
  readonly #random: SeededRandom

  constructor(around: Surroundings, machine: Machine, actor: Actor, job: Job) {
    const { world, vault, pageMax, retries, sabotage } = around
    this.#around = around
    this.#machine = machine
    this.#actor = actor
    this.#random = new SeededRandom(world.random.below(2 ** 31))
    const plain = new ActorBackend(world, actor, pageMax)
    const seen = sabotage ? sabotage(plain, job, actor) : plain
    this.#backend = retries === 'none' ? seen : new RetryBackend(seen, { clock: actor, random: this.#random })
    this.#repository = new Repository(this.#backend, vault)
  }

  run(job: Job): Promise<void> {
    switch (job.kind) {
      case 'backup': return this.#backup(job.letters)
      case 'prune': return this.#prune()
      case 'forget': return this.#forget()
      case 'undelete': return this.#undelete()
      case 'read': return this.#read()
      case 'wait': return Promise.resolve()
    }
  }

  async #backup(letters: string): Promise<void> {
    const { vault, promises } = this.#around
    const { source, host } = this.#machine
    fill(source, letters)
    this.#machine.memory ??= new SimulatedHost({ vault, clock: this.#actor, random: this.#random, source, host })
    const { snapshot } = await this.#machine.memory.backup(this.#backend, { tags: [letters] }, { clock: this.#actor, random: this.#random })
    if (!snapshot) throw new Error('a backup without a snapshot')
    const name = [...this.#around.world.store.objects.keys()].find((key) => key.endsWith(snapshot.id) && key.startsWith('snapshots/'))
    // Who forgets may have been faster than the report.
    if (!this.#isForgotten(snapshot.id)) {
      if (!name) throw new Error('a backup reports a snapshot that is not there')
      promises.kept.add(name)
    }
  }

  #isForgotten(id: string): boolean {
    return [...this.#around.promises.forgetting.keys()].some((name) => name.endsWith(id))
  }

  async #prune(): Promise<void> {
    await prune(
      { repository: this.#repository, clock: this.#actor, random: this.#random, graceMs: this.#around.graceMs },
      { mode: 'commit', maxUnused: this.#around.maxUnused, maxRepackBytes: Number.POSITIVE_INFINITY },
    )
  }

  async #forget(): Promise<void> {
    const { world, promises } = this.#around
    const { forgetting, kept } = promises
    const { snapshots } = await this.#repository.snapshots()
    if (snapshots.length === 0) return
    promises.forgets++
    const { name, ...snapshot } = world.pick(snapshots)
    kept.delete(name)
    forgetting.set(name, (forgetting.get(name) ?? 0) + 1) // for ever, when it crashes
    await forgetSnapshot(this.#repository, this.#random, { name, ...snapshot })
    forgetting.set(name, (forgetting.get(name) ?? 0) - 1)
  }

  async #undelete(): Promise<void> {
    const { world, promises } = this.#around
    const { forgetting, kept } = promises
    const { snapshots } = await this.#repository.snapshots()
    const { forgotten } = await listForgotten(this.#repository, new Set(snapshots.map(({ id }) => id)))
    if (forgotten.length === 0) return
    const chosen = world.pick(forgotten)
    const { name } = chosen.snapshot
    const { forgets } = promises
    const isAlone = (forgetting.get(name) ?? 0) === 0
    try {
      await undeleteSnapshot({ repository: this.#repository, clock: this.#actor, random: this.#random }, chosen)
    } catch (error) {
      if (isVaultError(error, 'snapshot-missing')) return // too late, and it says so
      throw error
    }
    if (isAlone && promises.forgets === forgets) kept.add(name) // else a forget that was under way may have come after
  }

  /** What `ls` and `restore` do: snapshots first, then the index minus what is dead, then follow what moves. */
  async #read(): Promise<void> {
    const { world, promises: { forgetting } } = this.#around
    const { snapshots } = await this.#repository.snapshots()
    if (snapshots.length === 0) return
    const snapshot: StoredSnapshot = world.pick(snapshots)
    try {
      await this.#repository.loadIndexForReading('listed')
      const files = await readSnapshotFiles(this.#repository, snapshot)
      assertFiles(snapshot, files)
    } catch (error) {
      // A snapshot that is forgotten while it is read may go under the reader's hands.
      if (forgetting.has(snapshot.name) && isVaultError(error, 'vault-damaged', 'object-missing')) return
      throw error
    }
  }
}

export function assertFiles({ id, tags: [letters = ''] }: StoredSnapshot, files: ReadonlyMap<string, Buffer>): void {
  const expected = expectedFiles(letters)
  for (const [path, bytes] of expected) {
    if (!files.get(path)?.equals(bytes)) throw new Error(`snapshot ${id.slice(0, 8)} (${letters}): ${path} is not what was backed up`)
  }
  if (files.size !== expected.size) throw new Error(`snapshot ${id.slice(0, 8)} (${letters}) has ${files.size} files`)
}
