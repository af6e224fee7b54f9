// A reader beside prune (gc protocol, rules 23 and 25). What a reader misses may only have moved: prune copies live blobs
// into new packs and names these in the index before it deletes the old ones. So a pack that is gone makes the reader load
// gc/ and the index again, once a pack; whoever looks again finds the new place, and only what then has none is damage.
import type { PackId } from '../ids/ids.ts'
import type { PackRecord, VaultIndex } from '../index/vault-index.ts'

export interface IndexRenewal {
  /** Grows with each renewal. To be noted before a blob is located. */
  readonly version: number
  /**
   * `missing` are packs that storage does not have; none means a blob that has no place at all. True when the index was
   * renewed after `since`: locate again. False: it is as new as it need be, and what it says counts. Throws what the
   * backend throws when it cannot be reached.
   */
  renew(missing: readonly PackRecord[], since: number): Promise<boolean>
}

/** What one renewal does, told by whoever keeps the index. */
export interface RenewalSteps {
  /** Lists gc/ again and condemns what is dead. Before the index, or a place could be both new and unknown to be dead. */
  readGc(): Promise<void>
  /** Reads segments that have come; returns how many. */
  readSegments(): Promise<number>
}

/** Stands for all blobs that have no place. */
const NOWHERE = 'nowhere'

export class ReaderRenewal implements IndexRenewal {
  readonly #index: VaultIndex
  readonly #steps: RenewalSteps
  /** What the index was renewed for -> that renewal. */
  readonly #renewedFor = new Map<PackId | typeof NOWHERE, Promise<void>>()
  /** Not begun yet: serves all who ask before it begins. */
  #next: Promise<void> | undefined
  #running: Promise<void> = Promise.resolve()
  #version = 0

  constructor(index: VaultIndex, steps: RenewalSteps) {
    this.#index = index
    this.#steps = steps
  }

  get version(): number {
    return this.#version
  }

  async renew(missing: readonly PackRecord[], since: number): Promise<boolean> {
    this.#index.condemn(missing.map(({ id }) => id)) // other places come first from now on
    const reasons = missing.length > 0 ? missing.map(({ id }) => id) : [NOWHERE as typeof NOWHERE]
    await Promise.all(reasons.map((reason) => this.#renewFor(reason)))
    return this.#version > since
  }

  #renewFor(reason: PackId | typeof NOWHERE): Promise<void> {
    const known = this.#renewedFor.get(reason)
    if (known) return known
    const renewal = this.#enqueue()
    this.#renewedFor.set(reason, renewal)
    renewal.catch(() => this.#renewedFor.delete(reason)) // the caller hears of it; the next one tries again
    return renewal
  }

  #enqueue(): Promise<void> {
    this.#next ??= this.#running.then(() => {
      this.#next = undefined
      const renewal = this.#perform()
      this.#running = renewal.catch(() => undefined)
      return renewal
    })
    return this.#next
  }

  async #perform(): Promise<void> {
    await this.#steps.readGc()
    const segmentsRead = await this.#steps.readSegments()
    this.#version++
    // A vault that others write into may name tomorrow what is nowhere today.
    if (segmentsRead > 0) this.#renewedFor.delete(NOWHERE)
  }
}
