// How many schedules it takes until a broken rule is found.
import { runSchedule, type Beginnings, type Schedule } from './schedule.ts'
import type { Break } from './sabotage.ts'
import type { Weather } from './world.ts'

const WEATHERS: Record<Break['weather'], Omit<Weather, 'stickiness'>> = {
  calm: { faults: 0, crashesMax: 0, suspendsMax: 0, clocks: 'sound', time: 'unhurried' },
  rough: { faults: 10, crashesMax: 1, suspendsMax: 2, clocks: 'sound', time: 'jumping' },
  deadly: { faults: 0, crashesMax: 2, suspendsMax: 0, clocks: 'sound', time: 'unhurried' },
  blind: { faults: 0, crashesMax: 0, suspendsMax: 2, clocks: 'blind', time: 'jumping' },
}

export interface Bite {
  readonly seed: number
  readonly schedules: number
  readonly complaint: string
}

/** Undefined when `schedulesMax` schedules did not find it. */
export async function bite(
  { sabotage, weather, focus }: Break, beginnings: Beginnings, firstSeed: number, schedulesMax: number,
): Promise<Bite | undefined> {
  for (let schedules = 1; schedules <= schedulesMax; schedules++) {
    const seed = firstSeed + schedules
    const schedule = { weather: { ...WEATHERS[weather], stickiness: [0, 50, 80, 95][seed % 4] ?? 0 }, graceMs: seed % 3 === 0 && !focus ? 60_000 : 0, ...lanesOf(focus, beginnings) }
    const { complaints: [complaint] } = await runSchedule(seed, beginnings, { sabotage, schedule })
    if (complaint !== undefined) return { seed, schedules, complaint }
  }
  return undefined
}

function lanesOf(focus: Break['focus'], { all }: Beginnings): Partial<Schedule> {
  const beginning = all.find(({ name }) => name === focus?.beginning)
  return focus && beginning ? { beginning, lanes: focus.jobs.map((jobs, at) => ({ machine: 'abcd'[at] ?? 'z', jobs })) } : {}
}
