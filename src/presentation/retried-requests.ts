import type { RequestCounts } from '../backend/backend.ts'
import { formatItems } from './quantities.ts'

/** A fact for a report: how often the storage had to be asked again. None when it never had. */
export const retriedFact = ({ retries }: Readonly<RequestCounts>): [string, string][] =>
  retries > 0 ? [['retried', `${formatItems(retries, 'request')} that failed or brought wrong bytes`]] : []
