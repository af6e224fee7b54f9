// Which snapshots a person means: by host, source paths and tags, as restic's filters do.
import type { Snapshot } from './snapshot.ts'

export interface SnapshotFilter {
  /** Any of these hosts. */
  readonly hosts?: readonly string[]
  /** Made of all these source paths, and perhaps of more; text as snapshots have it. */
  readonly paths?: readonly string[]
  /** Any of these; each is one tag or several with commas between, of which all count. Empty text: without tags. */
  readonly tags?: readonly string[]
}

export function isSelected(snapshot: Snapshot, { hosts = [], paths = [], tags = [] }: SnapshotFilter): boolean {
  return (hosts.length === 0 || hosts.includes(snapshot.host)) &&
    paths.every((path) => snapshot.paths.includes(path)) &&
    (tags.length === 0 || tags.some((wanted) => hasTags(snapshot.tags, wanted)))
}

/** A tag may have a comma in it too. */
function hasTags(tags: readonly string[], wanted: string): boolean {
  if (wanted === '') return tags.length === 0
  return tags.includes(wanted) || wanted.split(',').every((tag) => tags.includes(tag))
}

/** What backups follow each other in: the same host and the same set of source paths. */
export const seriesOf = ({ host, paths }: Pick<Snapshot, 'host' | 'paths'>): string => JSON.stringify([host, [...paths].sort()])
