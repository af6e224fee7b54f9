// Packs that are better left alone for what storage classes cost.
import { isArchiveClass, minimumDays } from '../cost/archive-classes.ts'
import { daysStillBilled } from '../cost/minimum-duration.ts'
import type { ListedTime } from './view.ts'

/**
 * True while deleting the pack would save nothing, as its class is billed on for a minimum of days, and for as long as
 * something in an archived pack is needed: bringing it back would cost more than its waste.
 */
export function isCold({ storageClass, modifiedMs }: Pick<ListedTime, 'storageClass' | 'modifiedMs'>, usedBytes: number, nowMs: number): boolean {
  if (daysStillBilled(minimumDays(storageClass), modifiedMs, nowMs) > 0) return true
  return usedBytes > 0 && isArchiveClass(storageClass)
}
