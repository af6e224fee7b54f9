// Snapshots in groups: a policy is applied to each by itself, so that a busy host does not push out a quiet one's.

export const GROUP_KEYS = ['host', 'paths', 'tags'] as const
export type GroupKey = (typeof GROUP_KEYS)[number]

export interface Groupable {
  readonly host: string
  readonly paths: readonly string[]
  readonly tags: readonly string[]
}

export interface SnapshotGroup<S> {
  /** What its members have in common, of the keys asked for. */
  readonly host?: string
  readonly paths?: readonly string[]
  readonly tags?: readonly string[]
  readonly snapshots: readonly S[]
}

/** Groups in order of their first member. Paths and tags count as sets. */
export function groupSnapshots<S extends Groupable>(snapshots: readonly S[], keys: readonly GroupKey[]): SnapshotGroup<S>[] {
  const groups = new Map<string, { common: Omit<SnapshotGroup<S>, 'snapshots'>; snapshots: S[] }>()
  for (const snapshot of snapshots) {
    const common = {
      ...(keys.includes('host') ? { host: snapshot.host } : {}),
      ...(keys.includes('paths') ? { paths: [...snapshot.paths].sort() } : {}),
      ...(keys.includes('tags') ? { tags: [...snapshot.tags].sort() } : {}),
    }
    const key = JSON.stringify(common)
    const group = groups.get(key) ?? { common, snapshots: [] }
    group.snapshots.push(snapshot)
    groups.set(key, group)
  }
  return [...groups.values()].map(({ common, snapshots: members }) => ({ ...common, snapshots: members }))
}
