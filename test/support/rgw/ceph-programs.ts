// Where the programs of Ceph are, in two releases: 16.2 as Debian bookworm installs it, an old and quirky S3; and 20.2,
// unpacked from a newer Debian by unpack-ceph.sh into a directory, with a C library of its own.
import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { isRoot, packageRoot } from '../cli.ts'

export type CephRelease = 16 | 20
export const CEPH_RELEASES: readonly CephRelease[] = [20, 16]

export type CephProgram = 'monmaptool' | 'ceph-mon' | 'ceph-osd' | 'radosgw' | 'radosgw-admin' | 'ceph'

export interface CephPrograms {
  readonly release: CephRelease
  /** How `program` is started, with its first arguments. */
  commandOf(program: CephProgram): readonly [file: string, ...args: string[]]
  readonly env: Readonly<Record<string, string>>
  /** What the configuration must say of where plugins are. */
  readonly settings: Readonly<Record<string, string>>
}

/** Directory of the unpacked release 20. */
const UNPACKED = process.env['S3VAULT_TEST_CEPH_20'] ?? join(packageRoot, '.cache', 'ceph-20')

const PROGRAMS: readonly CephProgram[] = ['monmaptool', 'ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'ceph']

/** The programs, or why a test that needs them must be skipped. */
export function findCeph(release: CephRelease): CephPrograms | string {
  if (!isRoot) return 'starting a Ceph cluster needs root'
  return release === 16 ? installedCeph() : unpackedCeph(UNPACKED)
}

function installedCeph(): CephPrograms | string {
  const places = (process.env['PATH'] ?? '').split(delimiter)
  const missing = PROGRAMS.filter((program) => !places.some((place) => existsSync(join(place, program))))
  if (missing.length > 0) return `not installed: ${missing.join(', ')} (Debian: ceph-mon ceph-osd radosgw)`
  return { release: 16, commandOf: (program) => [program], env: {}, settings: {} }
}

function unpackedCeph(root: string): CephPrograms | string {
  if (!existsSync(join(root, '.complete'))) return `no Ceph 20 in ${root}: test/support/rgw/unpack-ceph.sh puts it there`
  const libraries = only(join(root, 'usr/lib'), /-linux-gnu$/)
  const loader = only(libraries, /^ld-linux-.*\.so\.\d$/)
  const start = [loader, '--library-path', `${libraries}:${join(libraries, 'ceph')}`] as const
  return {
    release: 20,
    commandOf: (program) => {
      const file = join(root, 'usr/bin', program)
      return program === 'ceph' ? [...start, only(join(root, 'usr/bin'), /^python3\.\d+$/), file] : [...start, file]
    },
    env: { PYTHONHOME: join(root, 'usr'), PYTHONPATH: join(root, 'usr/lib/python3/dist-packages') },
    settings: {
      'plugin dir': join(libraries, 'ceph'),
      'erasure code dir': join(libraries, 'ceph/erasure-code'),
      'osd class dir': join(libraries, 'rados-classes'),
    },
  }
}

/** The one entry of a directory that a pattern fits. */
function only(directory: string, pattern: RegExp): string {
  const found = readdirSync(directory).find((name) => pattern.test(name))
  if (found === undefined) throw new Error(`nothing in ${directory} fits ${pattern}`)
  return join(directory, found)
}
