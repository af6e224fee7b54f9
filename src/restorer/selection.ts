import type { InodeKind } from '../tree/entry.ts'

/**
 * What becomes of a path (raw bytes, relative to the root that is restored).
 * `take`: it is restored; below a directory each entry is asked for in turn. `skip`: neither it nor anything below.
 * `descend` (directories): entries below are asked for; the directory is made only when one of them is taken.
 * With deletion it is asked the same way about what the snapshot has not: what it takes goes.
 */
export type Selection = (path: Uint8Array, kind: InodeKind) => 'take' | 'skip' | 'descend'

export const selectAll: Selection = () => 'take'
