// From a seed to a schedule: which vault it starts from, who does what, and what may go wrong; then its verdict.
import { isVaultError } from '../../src/errors/vault-error.ts'
import { systemKdf } from '../../src/crypto/kdf.ts'
import { formatSecret } from '../../src/crypto/secret-text.ts'
import { parseChunkerParameters } from '../../src/chunker/parameters.ts'
import { initVault } from '../../src/repository/init.ts'
import type { UnlockedVault } from '../../src/repository/unlock.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { InstantBackend } from './instant-backend.ts'
import { newMachine, runJob, type Job, type Machine, type Outcome, type Promises, type Surroundings } from './jobs.ts'
import { judge } from './judge.ts'
import { SimulatedStore, type StoredObjects } from './store.ts'
import { dropIntervals } from './virtual-time.ts'
import { World, type Turn, type Weather } from './world.ts'

const HOUR_MS = 3_600_000
const START_MS = Date.UTC(2027, 0, 1)

/** Where schedules begin: made once by the product itself. */
export interface Beginning {
  readonly name: string
  readonly objects: StoredObjects
  readonly nowMs: number
  readonly kept: readonly string[]
}

export interface Beginnings {
  readonly vault: UnlockedVault
  readonly all: readonly Beginning[]
}

export interface Lane {
  readonly machine: string
  readonly jobs: readonly Job[]
}

export interface Schedule {
  readonly beginning: Beginning
  readonly lanes: readonly Lane[]
  readonly weather: Weather
  readonly graceMs: number
  readonly maxUnused: { readonly bytes: number } | { readonly part: number }
  readonly pageMax: number
  readonly retries: 'none' | 'product'
  readonly existing: 'refused' | 'overwritten'
  /** Absent: drawn. */
  readonly turns?: readonly Turn[]
}

export const CALM: Weather = { faults: 0, crashesMax: 0, suspendsMax: 0, clocks: 'sound', time: 'unhurried', stickiness: 100 }
const backup = (letters: string): Job => ({ kind: 'backup', letters })
const job = (kind: 'prune' | 'forget' | 'undelete' | 'read' | 'wait'): Job => ({ kind })

export async function newBeginnings(): Promise<Beginnings> {
  const empty = new SimulatedStore(new Map(), 'refused')
  const made = await initVault({
    backend: new InstantBackend(empty, () => START_MS), password: formatSecret('secret', new Uint8Array(32).fill(7)), kdf: systemKdf,
    random: new SeededRandom(1), now: new Date(0), dataPackTargetBytes: 1 << 20,
    chunker: parseChunkerParameters({ minBytes: 16384, avgBytes: 65536, maxBytes: 262144, normalization: 2 }, 'usage'),
  })
  const vault = { config: made.config, keys: made.keys }
  const stories: Record<string, readonly Job[]> = {
    'one snapshot': [backup('abd')],
    'two snapshots': [backup('abd'), backup('ace')],
    'one of two forgotten': [backup('abd'), backup('ace'), job('forget')],
    'all forgotten': [backup('abd'), job('forget')],
    'marked': [backup('abd'), backup('ace'), job('forget'), job('wait'), job('prune'), job('wait')],
    'marked, all forgotten': [backup('abcd'), job('forget'), job('wait'), job('prune'), job('wait')],
    'marked twice': [
      backup('abd'), backup('ace'), job('forget'), job('wait'), job('prune'), backup('af'), job('forget'), job('wait'), job('prune'), job('wait'),
    ],
  }
  const all: Beginning[] = []
  for (const [name, jobs] of Object.entries(stories)) all.push(await tell(name, jobs, empty.objects, vault))
  return { vault, all }
}

async function tell(name: string, jobs: readonly Job[], objects: StoredObjects, vault: UnlockedVault): Promise<Beginning> {
  const world = new World({
    store: new SimulatedStore(objects, 'refused'), random: new SeededRandom(name.length), nowMs: START_MS, weather: CALM, graceMs: 24 * HOUR_MS,
  })
  const promises: Promises = { kept: new Set(), forgetting: new Map(), forgets: 0 }
  const around: Surroundings = { world, vault, promises, graceMs: 24 * HOUR_MS, maxUnused: { bytes: 0 }, pageMax: 1000, retries: 'none' }
  const [outcomes] = await runLanes(around, [{ machine: 'z', jobs }])
  for (const { error } of outcomes ?? []) if (error !== undefined) throw error
  dropIntervals()
  return { name, objects: world.store.objects, nowMs: world.nowMs + 25 * HOUR_MS, kept: [...promises.kept] }
}

/** Runs all lanes beside each other. What crashes goes on with its next job, as a new process. */
async function runLanes(around: Surroundings, lanes: readonly Lane[]): Promise<Outcome[][]> {
  const machines = new Map<string, Machine>()
  const outcomes: Outcome[][] = lanes.map(() => [])
  const positions = lanes.map(() => -1)
  const next = (lane: number): boolean => {
    const { machine: name, jobs } = lanes[lane] as Lane
    const machine = machines.get(name) ?? newMachine(name)
    machines.set(name, machine)
    const position = (positions[lane] = (positions[lane] ?? 0) + 1)
    const following = jobs[position]
    if (!following) return false
    void runJob(around, machine, following, position).then((outcome) => {
      if (positions[lane] !== position) return
      outcomes[lane]?.push(outcome)
      next(lane)
    })
    return true
  }
  for (const lane of lanes.keys()) next(lane)
  await around.world.run(() => {
    for (const [lane, { machine, jobs }] of lanes.entries()) {
      const isCrashed = (positions[lane] ?? 0) < jobs.length && machines.get(machine)?.actor?.state === 'crashed'
      if (isCrashed) next(lane)
    }
    return lanes.every(({ jobs }, lane) => (positions[lane] ?? 0) >= jobs.length)
  })
  return outcomes
}

const MINUTE_MS = 60_000

/** A schedule at random. */
export function draw(random: SeededRandom, beginnings: readonly Beginning[]): Schedule {
  const pick = <T>(from: readonly T[]): T => from[random.below(from.length)] as T
  const letters = (): string => pick(['ab', 'abd', 'ace', 'bd', 'abcdef', 'f', 'cf', 'e'])
  const pruning = (): Job[] => pick([
    [job('prune')], [job('prune'), job('wait'), job('prune')], [job('prune'), job('wait'), job('prune'), job('wait'), job('prune')],
  ])
  const others: (() => Job[])[] = [
    () => [backup(letters())], () => [backup(letters()), backup(letters())], () => [backup(letters())],
    () => [job('forget')], () => [job('undelete')], () => [job('forget'), job('undelete')], () => [job('undelete'), backup(letters())],
    () => [job('read')], () => [job('read'), job('read')], pruning, () => [job('wait'), backup(letters())],
  ]
  const lanes: Lane[] = [{ machine: 'a', jobs: pruning() }]
  for (const machine of ['b', 'c', 'd'].slice(0, 1 + random.below(3))) lanes.push({ machine, jobs: pick(others)() })
  const isRough = random.below(2) === 1
  return {
    beginning: pick(beginnings), lanes,
    weather: {
      faults: isRough ? pick([0, 0, 5, 30]) : 0, crashesMax: isRough ? pick([0, 1, 1, 2]) : 0, suspendsMax: isRough ? pick([0, 1, 2]) : 0,
      clocks: isRough && random.below(4) === 0 ? 'blind' : 'sound', time: isRough ? 'jumping' : 'unhurried', stickiness: pick([0, 50, 80, 95]),
    },
    graceMs: pick([0, MINUTE_MS, 10 * MINUTE_MS, 24 * HOUR_MS, 24 * HOUR_MS]),
    maxUnused: pick([{ bytes: 0 }, { bytes: 0 }, { part: 0.5 }]),
    pageMax: pick([1, 2, 3, 1000]), retries: isRough && random.below(2) === 0 ? 'product' : 'none',
    existing: random.below(2) === 0 ? 'refused' : 'overwritten',
  }
}

export interface Verdict {
  readonly complaints: readonly string[]
  readonly steps: number
  readonly schedule: Schedule
}

export interface RunOptions {
  readonly log?: (line: string) => void
  readonly sabotage?: Surroundings['sabotage']
  readonly schedule?: Partial<Schedule>
}

/** Runs the schedule of a seed. */
export async function runSchedule(seed: number, { vault, all }: Beginnings, options: RunOptions = {}): Promise<Verdict> {
  const random = new SeededRandom(seed)
  const schedule = { ...draw(random, all), ...options.schedule }
  const { beginning, lanes, weather, graceMs, maxUnused, pageMax, retries, existing } = schedule
  const world = new World({
    store: new SimulatedStore(beginning.objects, existing), random, nowMs: beginning.nowMs, weather, graceMs,
    ...(options.log ? { log: options.log } : {}), ...(schedule.turns ? { turns: schedule.turns } : {}),
  })
  const promises: Promises = { kept: new Set(beginning.kept as never[]), forgetting: new Map(), forgets: 0 }
  const around: Surroundings = {
    world, vault, promises, graceMs, maxUnused, pageMax, retries, ...(options.sabotage ? { sabotage: options.sabotage } : {}),
  }
  const complaints: string[] = []
  try {
    const outcomes = (await runLanes(around, lanes)).flat()
    for (const { actor, job: { kind }, error } of outcomes) {
      if (error !== undefined && !isExcused(error, weather, actor.wasSuspended)) complaints.push(`${actor.name} (${kind}): ${describe(error)}`)
    }
    const thoroughness = seed % 4 === 0 ? 'whole' : 'restores'
    complaints.push(...await judge({ world, vault, promises, graceMs, maxUnused, thoroughness, clocks: weather.clocks }))
  } catch (error) {
    complaints.push(describe(error))
  } finally {
    dropIntervals()
  }
  return { complaints, steps: world.steps, schedule }
}

const describe = (error: unknown): string => (isVaultError(error) ? `${error.code}: ${error.message}` : error instanceof Error ? (error.stack ?? error.message) : String(error))

/**
 * Nobody may fail as long as all are on time and storage answers. Else a run may fail, as long as it says so: storage that does
 * not answer, and a lease that lapsed.
 */
function isExcused(error: unknown, weather: Weather, wasSuspended: boolean): boolean {
  if (!isVaultError(error)) return false
  if (weather.faults > 0 && error.code === 'storage-unreachable') return true
  if (weather.time === 'unhurried' && !wasSuspended) return false
  return error.code === 'fence-expired' || error.code === 'vault-damaged'
}
