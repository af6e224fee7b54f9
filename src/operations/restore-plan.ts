// What a restore needs before it runs: which packs, of which classes, what bringing archived ones back takes and costs.
import type { ArchiveState, Backend, ReturnRequest } from '../backend/backend.ts'
import { systemClock } from '../async/clock.ts'
import { archiveTime } from '../cost/archive-classes.ts'
import { ARCHIVE_TIERS, type ArchiveTier, type PriceTable } from '../cost/price-table.ts'
import { readingCosts, type ClassReading, type ReadingCosts } from '../cost/transfer-costs.ts'
import { VaultError } from '../errors/vault-error.ts'
import { ArchiveReturn, type ReturnSummary } from './archive-return.ts'
import { surveyArchive, type ArchiveSurvey } from './archive-survey.ts'
import type { EventSink } from './events.ts'
import { readingsOf, sizeOf, type PackNeeds } from './pack-needs.ts'
import { pricedPlace, priceSource, type PriceSource } from './pricing.ts'

/** How archived packs are brought back, and by which prices that is reckoned. */
export interface ArchiveChoice extends ReturnRequest {
  readonly prices: PriceTable
}

/** One way to bring the archived packs back, or the only way to read when there are none. */
export interface RestoreOption {
  readonly tier: ArchiveTier
  /** How long it takes until they can be read, by class; empty when nothing is archived. */
  readonly times: readonly { readonly storageClass: string; readonly time: string }[]
  /** Absent without prices. */
  readonly costs?: ReadingCosts
}

export interface RestorePlan {
  readonly snapshot: string
  readonly packs: number
  /** To be fetched. */
  readonly bytes: number
  /** Of the whole packs. */
  readonly packBytes: number
  readonly classes: readonly ClassReading[]
  readonly archived: { readonly packs: number; readonly bytes: number; readonly states: Readonly<Record<ArchiveState, number>> }
  readonly days: number
  readonly options: readonly RestoreOption[]
  readonly prices?: PriceSource
}

export async function describeNeeds(
  backend: Backend, needs: PackNeeds, { snapshot, archive }: { snapshot: string; archive: ArchiveChoice },
): Promise<RestorePlan> {
  const { packs } = needs
  const { readable, archived: asleep, returning } = await surveyArchive(backend, needs.inArchiveClasses())
  const archived = [...readable, ...asleep, ...returning]
  const archivedClasses = readingsOf(archived).map(({ storageClass }) => storageClass)
  const classes = readingsOf(packs).map((reading) => ({ ...reading, isArchived: archivedClasses.includes(reading.storageClass) }))
  const prices = (await pricedPlace(backend, archive.prices))?.prices
  const tiers = archived.length > 0 ? tiersOf(archivedClasses) : [archive.speed]
  return {
    snapshot, packs: packs.length, bytes: packs.reduce((sum, { bytes }) => sum + bytes, 0), packBytes: sizeOf(packs),
    classes, days: archive.days,
    archived: {
      packs: archived.length, bytes: sizeOf(archived),
      states: { readable: readable.length, archived: asleep.length, returning: returning.length },
    },
    options: tiers.map((tier) => ({
      tier,
      times: archivedClasses.map((storageClass) => ({ storageClass, time: archiveTime(storageClass, tier) ?? '' })),
      ...(prices ? { costs: readingCosts(prices, classes, tier, archive.days) } : {}),
    })),
    ...(prices ? { prices: priceSource(prices) } : {}),
  }
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** The tiers that all of the classes have. */
const tiersOf = (classes: readonly string[]): ArchiveTier[] =>
  ARCHIVE_TIERS.filter((tier) => classes.every((storageClass) => archiveTime(storageClass, tier) !== undefined))

export interface ReturnedPacks extends ReturnSummary {
  readonly packs: number
  readonly bytes: number
  readonly tier: ArchiveTier
  readonly days: number
}

export interface Returning {
  readonly archive: ArchiveChoice
  readonly events: EventSink
  readonly onNotice?: (message: string) => void
  readonly signal?: AbortSignal
}

/** Brings back what the restore needs of the archive; undefined when it needs nothing. Throws `usage`, `interrupted`. */
export async function bringBackNeeded(backend: Backend, needs: PackNeeds, returning: Returning): Promise<ReturnedPacks | undefined> {
  const options = returning.signal ? { signal: returning.signal } : {}
  const survey = await surveyArchive(backend, needs.inArchiveClasses(), options)
  const awaited = [...survey.archived, ...survey.returning]
  if (awaited.length === 0) return undefined
  const { speed, days } = returning.archive
  returning.onNotice?.(await announcement(backend, survey, returning.archive))
  try {
    const { events, signal } = returning
    const summary = await new ArchiveReturn(backend, survey, { clock: systemClock, events, signal, speed, days }).run()
    return { packs: awaited.length, bytes: sizeOf(awaited), tier: speed, days, ...summary }
  } catch (error) {
    if (returning.signal?.aborted) returning.onNotice?.('what was asked for goes on coming back; run the same restore again to go on')
    throw error
  }
}

/** What is about to be asked for, with its price; of what was asked for before, that it is waited for. Throws `usage`. */
async function announcement(backend: Backend, { archived, returning }: ArchiveSurvey, { speed, days, prices }: ArchiveChoice): Promise<string> {
  const classesOf = (readings: readonly ClassReading[]): string => readings.map(({ storageClass }) => storageClass).join(' and ')
  if (archived.length === 0) {
    return `waiting for ${counted(returning.length, 'pack')} out of the archive (${classesOf(readingsOf(returning))}), asked for before`
  }
  const readings = readingsOf(archived)
  const times = readings.map(({ storageClass }) => {
    const time = archiveTime(storageClass, speed)
    if (time !== undefined) return time
    throw new VaultError('usage', `${storageClass} cannot be brought back by the tier ${speed}`, {
      hint: `--archive-tier ${tiersOf(readings.map((reading) => reading.storageClass)).join(' or ')}`,
    })
  })
  const found = (await pricedPlace(backend, prices))?.prices
  const costs = found && readingCosts(found, readings, speed, days)
  const price = costs ? `, about ${costs.total.toFixed(2)} ${found.provider.currency} with the download` : ''
  return `this restore needs ${counted(archived.length + returning.length, 'pack')} out of the archive (${classesOf(readings)}), ` +
    `brought back first by ${speed}: ${times.join(', ')}${price}; readable for ${counted(days, 'day')} then`
}
