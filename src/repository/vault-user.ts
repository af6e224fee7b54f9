// What a writer's session must protect for one who works on a repository: all packs that the index notes as used.
import type { RandomSource } from '../async/random.ts'
import { VaultError } from '../errors/vault-error.ts'
import type { PackId } from '../ids/ids.ts'
import { parseSegmentName, SEGMENT_PREFIX } from '../index/segment.ts'
import type { SessionUser } from '../session/writer-session.ts'
import { rescuePacks } from './pack-rescue.ts'
import type { PackStore } from './pack-store.ts'
import type { Repository } from './repository.ts'

export class VaultUser implements SessionUser {
  readonly #repository: Repository
  readonly #store: PackStore
  readonly #random: RandomSource

  /** The index must be loaded. `store` takes copies of what lies in packs that prune has decided to delete. */
  constructor(repository: Repository, store: PackStore, random: RandomSource) {
    this.#repository = repository
    this.#store = store
    this.#random = random
  }

  condemn(packs: ReadonlySet<PackId>): void {
    this.#repository.index.condemn(packs)
  }

  *usedPacks(): Iterable<PackId> {
    for (const { id } of this.#repository.index.usedPacks()) yield id
  }

  /** Everything that is used is looked up blob by blob: what it lies in is known, no root is inherited. */
  async orphanedRoots(): Promise<readonly string[]> {
    return []
  }

  async rescue(packs: ReadonlySet<PackId>): Promise<ReadonlySet<PackId>> {
    const gone = await rescuePacks(this.#repository, this.#store, this.#random, packs)
    if (gone.size === 0) return gone
    // Who deleted them may have copied what our pins or our commit needs before (rule 22).
    await this.#repository.extendIndex()
    return new Set([...gone].filter((id) => !this.#useElsewhere(id)))
  }

  /** True when every blob of the pack has a usable place, which counts as used from now on. */
  #useElsewhere(id: PackId): boolean {
    const { index } = this.#repository
    const packNumber = index.numberOf(id)
    if (packNumber === undefined || !index.table.isReplaced(packNumber, index.states.isUsable)) return false
    index.table.eachCopy((blob, place) => {
      if (place === packNumber) index.use(blob)
    })
    return true
  }

  /** After a lapse (rule 11): every used pack that a segment named must still be named by one, or have been copied. */
  async revalidate(rescued: ReadonlySet<PackId>): Promise<void> {
    const { backend, index } = this.#repository
    const listed = new Set<string>()
    for await (const { name } of backend.list(SEGMENT_PREFIX)) listed.add(parseSegmentName(name) ?? '')
    for (const { id, segments } of index.usedPacks()) {
      const isNamed = segments.size === 0 || rescued.has(id) || [...segments].some((segment) => listed.has(segment))
      if (isNamed) continue
      throw new VaultError('fence-expired', `the session lapsed, and pack ${id.slice(0, 16)} is no longer indexed`, {
        hint: 'run the command again: it stores what is missing',
      })
    }
  }
}
