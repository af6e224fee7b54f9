// Storage classes whose objects cannot be read until they have been brought back.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html
import type { ArchiveTier } from './price-table.ts'

export const STANDARD_CLASS = 'STANDARD'

/** How long bringing back takes, as Amazon states it; a class without a tier does not have it. */
const TIMES: { readonly [storageClass: string]: { readonly [tier in ArchiveTier]?: string } } = {
  GLACIER: { expedited: '1-5 minutes', standard: '3-5 hours', bulk: '5-12 hours' },
  DEEP_ARCHIVE: { standard: 'up to 12 hours', bulk: 'up to 48 hours' },
}

export const isArchiveClass = (storageClass: string | undefined): boolean => storageClass !== undefined && storageClass in TIMES

/** Undefined when the class does not have that tier. */
export const archiveTime = (storageClass: string, tier: ArchiveTier): string | undefined => TIMES[storageClass]?.[tier]

/**
 * Days that an object of these classes is billed for at least, where no price table says otherwise.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html
 */
const MINIMUM_DAYS: { readonly [storageClass: string]: number } = {
  STANDARD_IA: 30, ONEZONE_IA: 30, GLACIER_IR: 90, GLACIER: 90, DEEP_ARCHIVE: 180,
}

export const minimumDays = (storageClass: string | undefined): number => MINIMUM_DAYS[storageClass ?? STANDARD_CLASS] ?? 0

/** What keeping data packs in the class means, in one line; undefined for classes that can be read at any time. */
export function archiveWarning(storageClass: string): string | undefined {
  if (!isArchiveClass(storageClass)) return undefined
  const time = archiveTime(storageClass, 'standard') ?? ''
  return `data packs go to ${storageClass}: each is billed for ${MINIMUM_DAYS[storageClass]} days at least and 40 KB more than its ` +
    `size, and before a restore they must be brought back, which takes ${time} and is billed`
}
