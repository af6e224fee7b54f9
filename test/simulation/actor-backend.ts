// The store as one actor sees it: every request, and every page of a listing, is a point where the schedule may turn to others.
import { newRequestCounts, type Backend, type ByteRange, type GetOptions, type ListOptions, type ObjectInfo, type PutOptions } from '../../src/backend/backend.ts'
import { throwIfInterrupted } from '../../src/backend/failures.ts'
import type { ObjectName } from '../../src/ids/ids.ts'
import type { Actor, World } from './world.ts'

export class ActorBackend implements Backend {
  readonly location = 'simulated'
  readonly isRemote = true
  readonly connectionsMax = 4
  readonly counts = newRequestCounts()
  readonly #world: World
  readonly #actor: Actor
  readonly #pageMax: number

  constructor(world: World, actor: Actor, pageMax: number) {
    this.#world = world
    this.#actor = actor
    this.#pageMax = pageMax
  }

  async put(name: ObjectName, bytes: Uint8Array, { fence, signal }: PutOptions = {}): Promise<void> {
    throwIfInterrupted(signal)
    fence?.check()
    const { store, nowMs } = this.#world
    const deadlineMs = fence ? nowMs + fence.expiresAfterMs : undefined
    const kept = bytes.slice()
    await this.#world.request(this.#actor, { method: 'put', name }, () => store.put(name, kept, this.#world.nowMs), deadlineMs)
  }

  async get(name: ObjectName, range?: ByteRange, { signal, bytesMax }: GetOptions = {}): Promise<Uint8Array> {
    throwIfInterrupted(signal)
    return this.#world.request(this.#actor, { method: 'get', name }, () => this.#world.store.get(name, range, bytesMax))
  }

  async stat(name: ObjectName): Promise<ObjectInfo> {
    return this.#world.request(this.#actor, { method: 'stat', name }, () => this.#world.store.stat(name))
  }

  async *list(prefix: string, { startAfter = '', signal }: ListOptions = {}): AsyncIterable<ObjectInfo> {
    for (let after = startAfter; ; ) {
      throwIfInterrupted(signal)
      const from = after
      const page = await this.#world.request(
        this.#actor, { method: 'list', name: prefix }, () => this.#world.store.page(prefix, from, this.#pageMax),
      )
      yield* page
      const last = page.at(-1)
      if (page.length < this.#pageMax || !last) return
      after = last.name
    }
  }

  async delete(name: ObjectName): Promise<void> {
    await this.#world.request(this.#actor, { method: 'delete', name }, () => this.#world.store.delete(name))
  }

  async serverTimeMs(): Promise<number> {
    return this.#world.request(this.#actor, { method: 'serverTimeMs', name: '' }, () => this.#world.nowMs)
  }

  async close(): Promise<void> {}
}
