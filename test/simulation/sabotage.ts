// Breaks one rule of the gc protocol at a time, from outside: by what an actor is shown of the store, or by when its requests
// are sent. The product's code stays as it is. Only what this finds shows that a clean simulation means something.
import type { Backend, ListOptions, ObjectInfo, PutOptions } from '../../src/backend/backend.ts'
import { sealEnvelope } from '../../src/crypto/envelope.ts'
import { objectName, type ObjectName } from '../../src/ids/ids.ts'
import type { UnlockedVault } from '../../src/repository/unlock.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import type { Job, Surroundings } from './jobs.ts'

type Listing = (prefix: string, options?: ListOptions) => AsyncIterable<ObjectInfo>
type Bend = (backend: Backend) => Partial<Pick<Backend, 'put' | 'list' | 'serverTimeMs'>>

const bent = (backend: Backend, bend: Bend): Backend => {
  const changes: object = bend(backend)
  return new Proxy(backend, {
    get: (target, key) => {
      const value: unknown = Reflect.get(key in changes ? changes : target, key)
      return typeof value === 'function' ? value.bind(key in changes ? changes : target) : value
    },
  })
}

const isWriter = ({ kind }: Job): boolean => kind === 'backup' || kind === 'undelete'
const forJobs = (isMeant: (job: Job) => boolean, bend: Bend): Surroundings['sabotage'] & {} =>
  (backend, job) => (isMeant(job) ? bent(backend, bend) : backend)

async function collect(listing: AsyncIterable<ObjectInfo>): Promise<ObjectInfo[]> {
  const all: ObjectInfo[] = []
  for await (const info of listing) all.push(info)
  return all
}

/** Hides names from listings. */
const hiding = (isHidden: (name: string) => boolean): Bend => (backend) => ({
  async *list(prefix, options) {
    for await (const info of backend.list(prefix, options)) if (!isHidden(info.name)) yield info
  },
})

/** Sends PUTs of some names only after another request was made; until then they count as done. */
const holding = (isHeld: (name: string) => boolean, until: { put?: (name: string) => boolean; list?: string }): Bend => (backend) => {
  const held: [ObjectName, Uint8Array][] = []
  let isOver = false
  const release = async (): Promise<void> => {
    isOver = true
    for (const [name, bytes] of held.splice(0)) await backend.put(name, bytes)
  }
  return {
    async put(name, bytes, options) {
      if (!isOver && isHeld(name)) return void held.push([name, bytes.slice()])
      await backend.put(name, bytes, options)
      if (until.put?.(name)) await release()
    },
    async *list(prefix, options) {
      yield* await collect(backend.list(prefix, options))
      if (prefix === until.list) await release()
    },
  }
}

/** Answers listings of a prefix with what it gave before, from some moment on. */
const stale = (isStale: (moment: { listed: (prefix: string) => number; wasPut: (prefix: string) => boolean }, prefix: string) => boolean): Bend =>
  (backend) => {
    const known = new Map<string, ObjectInfo[]>()
    const counts = new Map<string, number>()
    const names: string[] = []
    const moment = {
      listed: (prefix: string) => counts.get(prefix) ?? 0,
      wasPut: (prefix: string) => names.some((name) => name.startsWith(prefix)),
    }
    const list: Listing = async function* (prefix, options) {
      const before = known.get(prefix)
      const isOld = before !== undefined && isStale(moment, prefix)
      counts.set(prefix, (counts.get(prefix) ?? 0) + 1)
      const infos = isOld ? before : await collect(backend.list(prefix, options))
      known.set(prefix, infos)
      yield* infos
    }
    return {
      list,
      async put(name: ObjectName, bytes: Uint8Array, options?: PutOptions) {
        await backend.put(name, bytes, options)
        names.push(name)
      },
    }
  }

/** Lists some prefixes before the first listing of another, and shows that instead of what is there later. */
const listingEarly = (early: readonly string[], before: string): Bend => (backend) => {
  const known = new Map<string, ObjectInfo[]>()
  let isFirst = true
  return {
    async *list(prefix, options) {
      if (prefix === before && isFirst) {
        isFirst = false
        for (const one of early) known.set(one, await collect(backend.list(one)))
      }
      const old = known.get(prefix)
      if (!old) return yield* backend.list(prefix, options)
      known.delete(prefix) // once
      yield* old
    },
  }
}

const both = (...all: (Surroundings['sabotage'] & {})[]): Surroundings['sabotage'] & {} =>
  (backend, job, actor) => all.reduce((inner, sabotage) => sabotage(inner, job, actor), backend)

const isPrune = ({ kind }: Job): boolean => kind === 'prune'
const isBackup = ({ kind }: Job): boolean => kind === 'backup'
const staleAfterCommit = forJobs(isWriter, stale(({ wasPut }, prefix) => prefix === 'gc/' && wasPut('snapshots/')))
const staleSecondRoots = forJobs(isPrune, stale(({ wasPut, listed }, prefix) =>
  (prefix === 'snapshots/' || prefix === 'pins/') && wasPut('gc/') && listed(prefix) === 1))

export interface Break {
  readonly rule: string
  readonly what: string
  readonly sabotage: Surroundings['sabotage'] & {}
  /** `blind`: found only where a machine's clock misses suspends, since other rules stand before it. */
  readonly weather: 'calm' | 'rough' | 'blind' | 'deadly'
  /** Where the window is small, the schedules that have it. */
  readonly focus?: { readonly beginning: string; readonly jobs: readonly (readonly Job[])[] }
}

const prunes: readonly Job[] = [{ kind: 'prune' }, { kind: 'prune' }, { kind: 'prune' }]
const againstUndelete = { beginning: 'marked, all forgotten', jobs: [[{ kind: 'prune' }], [{ kind: 'undelete' }]] } as const
/** The backup finds all it needs in packs that prune marks meanwhile. */
const againstBackup = { beginning: 'all forgotten', jobs: [prunes, [{ kind: 'backup', letters: 'abd' }]] } as const
const unfenced = forJobs(isWriter, (backend) => ({ put: (name, bytes) => backend.put(name, bytes) }))

export const breaks = (vault: UnlockedVault): readonly Break[] => [
  {
    rule: '6', what: 'the session is stored after the listings', weather: 'calm',
    sabotage: forJobs(isWriter, holding((name) => name.startsWith('sessions/'), { list: 'index/' })),
  },
  {
    rule: '7', what: 'marks count as if they were not there when a backup begins', weather: 'calm',
    sabotage: forJobs(isBackup, (backend) => {
      let isFirst = true
      return {
        async *list(prefix, options) {
          const hides = prefix === 'gc/' && isFirst
          if (prefix === 'gc/') isFirst = false
          for await (const info of backend.list(prefix, options)) if (!hides) yield info
        },
      }
    }),
  },
  { rule: '7 (dead)', what: 'what was decided is not subtracted', weather: 'calm', sabotage: forJobs(isWriter, hiding((name) => name.endsWith('.dead'))) },
  {
    rule: '9', what: 'nothing is pinned', weather: 'calm', focus: againstUndelete,
    sabotage: forJobs(isWriter, (backend) => ({
      put: async (name, bytes, options) => (name.startsWith('pins/') ? undefined : backend.put(name, bytes, options)),
    })),
  },
  {
    rule: '10', what: 'the index is stored after the snapshot', weather: 'calm',
    sabotage: forJobs(isBackup, holding((name) => name.startsWith('index/'), { put: (name) => name.startsWith('snapshots/') })),
  },
  {
    rule: '11', what: 'commits are not fenced', weather: 'rough', focus: againstBackup, sabotage: unfenced,
  },
  {
    rule: '13', what: 'gc is not looked at after a commit without a fence', weather: 'blind', focus: againstBackup,
    sabotage: both(unfenced, staleAfterCommit),
  },
  {
    rule: '14', what: 'the session ends before the commit is decided', weather: 'calm', focus: againstBackup,
    sabotage: forJobs(isWriter, (backend) => {
      let sid = ''
      return {
        async put(name, bytes, options) {
          if (name.startsWith('sessions/')) sid = name.split('/')[1] ?? ''
          if (options?.fence) {
            const end = objectName(`sessions/${sid}/99999999`)
            const plain = Buffer.from(JSON.stringify({ state: 'end', acknowledged: [] }))
            await backend.put(end, sealEnvelope(vault.keys, new SeededRandom(bytes.length), 'session', end, plain))
          }
          await backend.put(name, bytes, options)
        },
      }
    }),
  },
  { rule: '16', what: 'the index is listed before the roots', weather: 'calm', sabotage: forJobs(isPrune, listingEarly(['index/'], 'sessions/')) },
  {
    rule: '18', what: 'young packs are candidates', weather: 'calm',
    sabotage: forJobs(isPrune, (backend) => ({
      async *list(prefix, options) {
        for await (const info of backend.list(prefix, options)) yield prefix === 'packs/' ? { ...info, modifiedMs: 0 } : info
      },
    })),
  },
  { rule: '19', what: 'sessions are not waited for', weather: 'calm', sabotage: forJobs(isPrune, hiding((name) => name.startsWith('sessions/'))) },
  {
    rule: '20 (order), 22', what: 'roots are listed before sessions, and not again', weather: 'calm',
    sabotage: both(forJobs(isPrune, listingEarly(['snapshots/', 'pins/'], 'sessions/')), staleSecondRoots),
  },
  { rule: '20 (pardon)', what: 'pins are not seen', weather: 'calm', focus: againstUndelete, sabotage: forJobs(isPrune, hiding((name) => name.startsWith('pins/'))) },
  {
    rule: '22', what: 'roots are not listed again after the decision, for a commit without a fence', weather: 'blind',
    sabotage: both(unfenced, staleSecondRoots),
  },
  {
    rule: '23', what: 'packs are deleted before the copies of what is needed are indexed', weather: 'deadly', focus: againstUndelete,
    sabotage: forJobs(isPrune, holding((name) => name.startsWith('index/'), { put: (name) => name.endsWith('.done') })),
  },
]
