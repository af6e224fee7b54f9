// Which snapshots a retention policy keeps, and why. The rules are those that restic's users know (its `forget`), so that
// a policy can be taken over: counts go from the newest snapshot back, one a period; `within` is measured from the newest
// snapshot that is not in the future; a rule that has counts left keeps the oldest snapshot as well.
import { before, formatDuration, type CalendarDuration } from './duration.ts'
import { periodOf, PERIODS, type Period } from './period.ts'

/** A number of periods from 1 up, or all of them. */
export type KeepCount = number | 'all'

export interface RetentionPolicy {
  readonly last?: KeepCount
  readonly counts?: Readonly<Partial<Record<Period, KeepCount>>>
  readonly within?: CalendarDuration
  readonly withinPeriods?: Readonly<Partial<Record<Period, CalendarDuration>>>
  /** Each a list of tags: a snapshot that has all of one list is kept. The empty list stands for all snapshots. */
  readonly tags?: readonly (readonly string[])[]
  /** Prefixes of ids. */
  readonly ids?: readonly string[]
}

export interface RetainedSnapshot {
  readonly id: string
  /** ISO 8601. */
  readonly time: string
  readonly tags: readonly string[]
}

export interface Decision<S> {
  readonly snapshot: S
  /** Why it is kept; empty: it goes. */
  readonly reasons: readonly string[]
}

/** True for a policy that would keep nothing. */
export function isEmptyPolicy(policy: RetentionPolicy): boolean {
  const isNothing = (value: unknown): boolean =>
    value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
  return Object.values(policy).every(isNothing)
}

/** A rule that keeps the first snapshot it sees of each of its periods, newest first. */
class PeriodRule {
  readonly #name: string
  readonly #key: (time: Date, index: number) => number
  readonly #since: Date | undefined
  #left: number
  #previous: number | undefined

  constructor(rule: { name: string; key: (time: Date, index: number) => number; count: KeepCount; since?: Date }) {
    this.#name = rule.name
    this.#key = rule.key
    this.#since = rule.since
    this.#left = rule.count === 'all' ? Number.POSITIVE_INFINITY : rule.count
  }

  /** The reason to keep this snapshot, if it is one. */
  look(time: Date, index: number, isOldest: boolean): string | undefined {
    if (this.#left <= 0 || (this.#since !== undefined && time <= this.#since)) return undefined
    const key = this.#key(time, index)
    const isNew = key !== this.#previous
    if (!isNew && !isOldest) return undefined
    this.#previous = key
    this.#left--
    return isNew ? this.#name : `oldest ${this.#name}`
  }
}

/**
 * Decides for one group of snapshots (of one host and the same paths, usually), in any order; answers newest first.
 * `now`: what is newer than this does not count as the newest for `within`.
 */
export function applyPolicy<S extends RetainedSnapshot>(snapshots: readonly S[], policy: RetentionPolicy, now: Date): Decision<S>[] {
  const newestFirst = [...snapshots].sort((a, b) => Date.parse(b.time) - Date.parse(a.time))
  const latest = newestFirst.map(({ time }) => new Date(time)).find((time) => time < now) ?? new Date(0)
  const rules = periodRules(policy, latest)
  const since = policy.within === undefined ? undefined : before(latest, policy.within)
  return newestFirst.map((snapshot, index) => {
    const time = new Date(snapshot.time)
    const isOldest = index === newestFirst.length - 1
    const reasons = [
      ...namedReasons(snapshot, policy),
      ...(since !== undefined && policy.within !== undefined && time > since ? [`within ${formatDuration(policy.within)}`] : []),
      ...rules.map((rule) => rule.look(time, index, isOldest)).filter((reason) => reason !== undefined),
    ]
    return { snapshot, reasons }
  })
}

function namedReasons({ id, tags }: RetainedSnapshot, policy: RetentionPolicy): string[] {
  const isTagged = (policy.tags ?? []).filter((wanted) => wanted.every((tag) => tags.includes(tag)))
  return [
    ...((policy.ids ?? []).some((prefix) => id.startsWith(prefix)) ? ['id'] : []),
    ...isTagged.map((wanted) => (wanted.length === 0 ? 'any tags' : `tags ${wanted.join(',')}`)),
  ]
}

function periodRules(policy: RetentionPolicy, latest: Date): PeriodRule[] {
  const rules: PeriodRule[] = []
  if (policy.last !== undefined) rules.push(new PeriodRule({ name: 'last', key: (_, index) => index, count: policy.last }))
  for (const period of PERIODS) {
    const count = policy.counts?.[period]
    if (count !== undefined) rules.push(new PeriodRule({ name: period, key: (time) => periodOf(time, period), count }))
  }
  for (const period of PERIODS) {
    const duration = policy.withinPeriods?.[period]
    if (duration === undefined) continue
    const name = `${period} within ${formatDuration(duration)}`
    rules.push(new PeriodRule({ name, key: (time) => periodOf(time, period), count: 'all', since: before(latest, duration) }))
  }
  return rules
}
