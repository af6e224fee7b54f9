// The flags that say whose snapshots are meant. They mean what they mean in restic.
import { pathText } from '../../src/snapshot/path-text.ts'
import type { SnapshotFilter } from '../../src/snapshot/snapshot-filter.ts'
import { repeated } from './flags.ts'
import { argumentBytes } from './raw-arguments.ts'
import { absolutePath, workingDirectory } from './source-paths.ts'

export const snapshotFilterFlags = {
  host: repeated({ helpValue: 'NAME', description: 'only snapshots of this host; several times: of any of them' }),
  tag: repeated({
    helpValue: 'TAG',
    description: 'only snapshots with this tag, or with all of TAG,TAG; several times: with any of them; empty: without tags',
  }),
  path: repeated({ helpValue: 'PATH', description: 'only snapshots that were made of this path; several times: of all of them' }),
}

interface FilterFlags {
  readonly host?: readonly string[] | undefined
  readonly tag?: readonly string[] | undefined
  readonly path?: readonly string[] | undefined
}

export function snapshotFilter({ host = [], tag = [], path = [] }: FilterFlags): SnapshotFilter {
  const paths = path.map((text) => pathText(absolutePath(argumentBytes(text), workingDirectory())))
  return { hosts: host, tags: tag, paths }
}
