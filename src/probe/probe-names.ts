// Names of a vault that belong to probes.
import { createHash, randomBytes } from 'node:crypto'
import { hostname } from 'node:os'

/** Names of a vault that belong to probes. They mean nothing and may be deleted at any time. */
export const PROBE_PREFIX = 'doctor/'

/** Names that stay the same for a user of a machine, so that what cannot be deleted does not pile up. */
export function clientFolder(): string {
  const client = createHash('sha256').update(`${hostname()}\0${process.getuid?.() ?? 0}`).digest('hex').slice(0, 16)
  return `${PROBE_PREFIX}${client}/`
}

export const randomFolder = (): string => `${PROBE_PREFIX}${randomBytes(8).toString('hex')}/`
