// Whether `If-None-Match: *` keeps a PUT from a name that is taken.
import type { PutObjectCommandOutput } from '@aws-sdk/client-s3'
import type { StorageCapabilities } from './capabilities.ts'
import { finding, type ProbeFinding } from './finding.ts'
import type { ProbeObjects } from './probe-objects.ts'
import type { Answer } from './probed-bucket.ts'
import { refusalText } from './probed-bucket.ts'

export interface ConditionVerdict {
  readonly conditionalPut: StorageCapabilities['conditionalPut']
  /** What was seen. */
  readonly seen: string
}

/** The object of `probeCondition`, where it may stay. */
export const CONDITION_NAME = 'condition'

/** The answers of a server that has never heard of the condition, or not on a PUT. */
const NOT_KNOWN = new Set([400, 405, 501])

/**
 * Two PUTs of different bytes under one name; one, when an object is there from an earlier probe that could not delete
 * it. Unless the verdict is `unknown`, an object of that name is there afterwards.
 */
export async function probeCondition(objects: ProbeObjects, name: string): Promise<ConditionVerdict> {
  const first = await objects.put(name, { bytes: Buffer.from('first') })
  if (first.kind === 'done') return verdictOfSecond(await objects.put(name, { bytes: Buffer.from('second') }))
  const text = refusalText(first)
  if (first.status === 412) return { conditionalPut: 'honoured', seen: `a PUT over an earlier probe's object is refused: ${text}` }
  if (NOT_KNOWN.has(first.status)) {
    objects.giveUpCondition()
    const plain = await objects.put(name, { bytes: Buffer.from('first') })
    if (plain.kind === 'done') return { conditionalPut: 'ignored', seen: `a PUT with the condition is refused (${text}), one without is not` }
  }
  return { conditionalPut: 'unknown', seen: `the PUT of a new object is refused: ${text}` }
}

export function verdictOfSecond(second: Answer<PutObjectCommandOutput>): ConditionVerdict {
  if (second.kind === 'done') return { conditionalPut: 'ignored', seen: 'the second PUT of a name overwrote the first' }
  const text = refusalText(second)
  return second.status === 412
    ? { conditionalPut: 'honoured', seen: `the second PUT of a name is refused: ${text}` }
    : { conditionalPut: 'unknown', seen: `the second PUT of a name ends in ${text}` }
}

export function conditionFinding({ conditionalPut, seen }: ConditionVerdict): ProbeFinding {
  switch (conditionalPut) {
    case 'honoured':
      return finding('conditional PUT', 'ok', seen, 'no object can be overwritten by a backup, not even by a faulty one')
    case 'ignored':
      return finding('conditional PUT', 'limited', seen,
        's3vault asks before each PUT whether the name is free: one request (HEAD) more for each new object. Nothing is ' +
        'overwritten, since names are digests or random; but a stolen key can overwrite, so versioning is advised')
    case 'unknown':
      return finding('conditional PUT', 'unknown', seen, 's3vault does as if it were ignored: a HEAD before each PUT')
  }
}

const RACERS = 8
const RACE_ROUNDS = 4

/** Rounds of eight conditional PUTs at once; how many of each round were accepted. */
export async function raceConditions(objects: ProbeObjects): Promise<number[]> {
  const winners: number[] = []
  for (let round = 0; round < RACE_ROUNDS; round++) {
    const name = `race-${round}`
    const racers = Array.from({ length: RACERS }, (_, racer) => objects.put(name, { bytes: Buffer.from(`racer ${racer}`) }))
    winners.push((await Promise.all(racers)).filter(({ kind }) => kind === 'done').length)
  }
  return winners
}

export function raceFinding(winners: readonly number[]): ProbeFinding {
  const most = Math.max(...winners)
  const seen = `${winners.length} rounds of ${RACERS} PUTs at once: accepted ${winners.join(', ')}`
  if (most > 1) {
    return finding('conditional PUT in a race', 'limited', seen,
      'two writers can both be told that they made an object. s3vault never relies on the opposite: its writers do not ' +
      'choose the same names')
  }
  if (winners.every((count) => count === 1)) {
    return finding('conditional PUT in a race', 'ok', seen,
      'one writer won each time: not proven otherwise, and s3vault does not rely on it')
  }
  return finding('conditional PUT in a race', 'unknown', seen, 'rounds without a winner tell nothing; s3vault does not rely on it')
}

export const raceNotRun = (why: string): ProbeFinding =>
  finding('conditional PUT in a race', 'unknown', `not raced: ${why}`, 's3vault does not rely on it')
