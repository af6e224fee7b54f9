// Constants of the gc protocol (docs/gc-protocol.md). All in ms.
const MINUTE_MS = 60_000

/** L: a session lives this long after its newest renewal. */
export const LEASE_MS = 30 * MINUTE_MS
/** M: margin for clocks of the store that disagree. */
export const MARGIN_MS = 5 * MINUTE_MS
/** D: a commit request that arrives later than this after it was signed is refused. */
export const COMMIT_DEADLINE_MS = MINUTE_MS
/** A session renews this often. */
export const RENEWAL_MS = LEASE_MS / 4
/** A commit is sent only with this much of the lease left (rule 11). */
export const COMMIT_LEASE_MIN_MS = 2 * COMMIT_DEADLINE_MS + MARGIN_MS
