// All ways to interleave two small actors with at most two changes between them before each runs to its end: the first gets n
// requests, then the other m, then the first the rest. Most errors of such protocols need no more.
import { CALM, runSchedule, type Beginnings, type Lane } from './schedule.ts'
import type { Job } from './jobs.ts'

export interface Pair {
  readonly beginning: string
  readonly first: Job
  readonly other: Job
}

const backup: Job = { kind: 'backup', letters: 'a' }

export const PAIRS: readonly Pair[] = [
  { beginning: 'all forgotten', first: backup, other: { kind: 'prune' } }, // the first pass
  { beginning: 'all forgotten', first: { kind: 'prune' }, other: backup },
  { beginning: 'marked, all forgotten', first: backup, other: { kind: 'prune' } }, // the second pass
  { beginning: 'marked, all forgotten', first: { kind: 'prune' }, other: backup },
  { beginning: 'marked, all forgotten', first: { kind: 'undelete' }, other: { kind: 'prune' } },
  { beginning: 'marked, all forgotten', first: { kind: 'prune' }, other: { kind: 'undelete' } },
  { beginning: 'marked', first: { kind: 'forget' }, other: { kind: 'prune' } },
  { beginning: 'marked', first: { kind: 'prune' }, other: { kind: 'prune' } },
  { beginning: 'marked', first: { kind: 'read' }, other: { kind: 'prune' } },
]

/** The first complaint, if there is one; `stride` 1 leaves out none. */
export async function interleave(
  { beginning: name, first, other }: Pair, beginnings: Beginnings, stride: number,
): Promise<{ readonly complaint: string | undefined; readonly schedules: number }> {
  const beginning = beginnings.all.find((one) => one.name === name)
  if (!beginning) throw new RangeError(name)
  const lanes: readonly Lane[] = [{ machine: 'a', jobs: [first] }, { machine: 'b', jobs: [other] }]
  const ends = [{ machine: 'a', requests: Infinity }, { machine: 'b', requests: Infinity }]
  let schedules = 0
  const run = async (n: number, m: number): Promise<{ complaint: string | undefined; steps: number }> => {
    const turns = [{ machine: 'a', requests: n }, { machine: 'b', requests: m }, ...ends]
    const verdict = await runSchedule(4 * schedules++ + 1, beginnings, {
      schedule: {
        beginning, lanes, turns, weather: CALM, graceMs: 0, maxUnused: { bytes: 0 }, pageMax: 1000, retries: 'none', existing: 'refused',
      },
    })
    const [complaint] = verdict.complaints
    return { complaint: complaint === undefined ? undefined : `${name}, ${first.kind} ${n}, ${other.kind} ${m}: ${complaint}`, steps: verdict.steps }
  }
  const { steps } = await run(0, 0)
  for (let n = 0; n < steps; n += Math.ceil(stride / 8)) {
    for (let m = 1 + (n % stride); m < steps; m += stride) {
      const { complaint } = await run(n, m)
      if (complaint !== undefined) return { complaint, schedules }
      if (m + n > steps) break // both have come to their ends
    }
  }
  return { complaint: undefined, schedules }
}
